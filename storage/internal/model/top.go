package model

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/procmon/procmon"
)

// sums is a row that is added up.
type sums struct {
	procmon.TopRow
	ids, hosts map[string]bool
	memory     map[string]uint64    // the most of each host
	peak       map[string]time.Time // when that was first
}

// Top returns all rows, most first, whatever the limit.
func (f Fleet) Top(q procmon.TopQuery) []procmon.TopRow {
	rows := map[string]*sums{}
	for _, host := range f.Hosts() {
		top(rows, f[host], &q)
	}
	var all []procmon.TopRow
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		r := rows[key]
		r.Processes, r.Hosts = len(r.ids), len(r.hosts)
		for host, most := range r.memory {
			r.MemoryBytes = procmon.Some(r.MemoryBytes.Value + most)
			r.PeakAt = r.peak[host]
		}
		if len(r.hosts) > 1 {
			r.PeakAt = time.Time{}
		}
		all = append(all, r.TopRow)
	}
	slices.SortStableFunc(all, func(a, b procmon.TopRow) int { return cmp.Compare(TopValue(b, q.By), TopValue(a, q.By)) })
	return all
}

// TopValue returns what a row is ordered by; what is not known is last.
func TopValue(r procmon.TopRow, by string) float64 {
	v, known := r.CPUSeconds.Value, r.CPUSeconds.Known
	switch by {
	case procmon.TopIO:
		v, known = float64(r.IOBytes.Value), r.IOBytes.Known
	case procmon.TopMemory:
		v, known = float64(r.MemoryBytes.Value), r.MemoryBytes.Known
	}
	if !known {
		return -1
	}
	return v
}

// TopKey says what a row stands for.
func TopKey(r procmon.TopRow) string {
	id := procmon.ProcessID{}
	name := strings.ToLower(r.Name)
	if r.ID != nil {
		id, name, r.User = *r.ID, "", procmon.Opt[string]{}
	}
	return fmt.Sprint(procmon.HostKey(r.Host), "/", name, "/", strings.ToLower(r.User.Value), r.User.Known, id)
}

// top adds one host, snapshot by snapshot.
func top(rows map[string]*sums, records []procmon.Record, q *procmon.TopQuery) {
	last := map[procmon.ProcessID]int{} // the record in which a process was last
	for i, r := range records {
		s := r.Snapshot
		memory := map[string]uint64{}
		for j := range s.Processes {
			p := &s.Processes[j]
			id := p.ID()
			was, seen := last[id]
			last[id] = i
			if !within(s.Timestamp, q.From, q.To) {
				continue
			}
			w := rowOf(rows, r.Host, p, q.Per)
			host := procmon.HostKey(r.Host)
			w.ids[fmt.Sprint(host, id)], w.hosts[host] = true, true
			if bytes := p.MemoryBytes(); bytes.Known {
				memory[TopKey(w.TopRow)] += bytes.Value
			}
			var previous *procmon.Snapshot
			if i > 0 && !(seen && was < i-1) && q.From.Sub(records[i-1].Snapshot.Timestamp) <= time.Hour {
				previous = records[i-1].Snapshot
			}
			u := used(previous, s, p)
			if p.CPUSeconds.Known && u.cpu.Known {
				w.CPUSeconds = procmon.Some(w.CPUSeconds.Value + u.cpu.Value/100*u.seconds)
			} else if near := before(records, i); !p.CPUSeconds.Known && p.CPU.Known && near != nil {
				w.CPUSeconds = procmon.Some(w.CPUSeconds.Value + p.CPU.Value/100*s.Timestamp.Sub(near.Timestamp).Seconds())
			}
			for _, v := range []procmon.Opt[float64]{u.read, u.write} {
				if v.Known {
					w.IOBytes = procmon.Some(w.IOBytes.Value + uint64(math.Round(v.Value*u.seconds)))
				}
			}
		}
		for key, sum := range memory {
			w, host := rows[key], procmon.HostKey(r.Host)
			if most, some := w.memory[host]; !some || sum > most {
				w.memory[host], w.peak[host] = sum, s.Timestamp
			}
		}
	}
}

func rowOf(rows map[string]*sums, host string, p *procmon.Process, per string) *sums {
	row := procmon.TopRow{}
	switch per {
	case procmon.PerProcess:
		id := p.ID()
		row = procmon.TopRow{Host: host, ID: &id, Name: p.Name, User: p.Username}
	case procmon.PerName:
		row.Name = p.Name
	case procmon.PerUser:
		row.User = p.Username
	case procmon.PerHost:
		row.Host = host
	}
	key := TopKey(row)
	if rows[key] == nil {
		rows[key] = &sums{row, map[string]bool{}, map[string]bool{}, map[string]uint64{}, map[string]time.Time{}}
	}
	return rows[key]
}
