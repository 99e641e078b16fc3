package query_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/query"
)

// near lets sums differ by the order in which they were made.
var near = gocmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a)) })

// world is a random fleet and an engine that asks it.
func world(t testing.TB, seed uint64) (*fleet, *query.Engine, *rand.Rand) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	f := newFleet(t)
	for _, host := range []string{"Win-1", "win-2", "lin"} {
		f.add(t, host, random(rnd, host, 20+rnd.IntN(100)), 1+rnd.IntN(60))
	}
	return f, &query.Engine{Source: f}, rnd
}

// someRange returns two instants, mostly within the records.
func someRange(rnd *rand.Rand, records []procmon.Record) (from, to time.Time) {
	i := rnd.IntN(len(records))
	j := i + rnd.IntN(len(records)-i)
	from, to = records[i].Snapshot.Timestamp, records[j].Snapshot.Timestamp
	return from.Add(-time.Duration(rnd.IntN(2)) * time.Second), to.Add(time.Duration(rnd.IntN(2)) * time.Second)
}

func within(at, from, to time.Time) bool { return !at.Before(from) && !at.After(to) }

// point is one of the model's series.
type point struct {
	at     time.Time
	values map[procmon.Metric]procmon.Opt[float64]
	weight float64
}

func known[T uint32 | uint64](v procmon.Opt[T]) procmon.Opt[float64] {
	return procmon.Opt[float64]{Value: float64(v.Value), Known: v.Known}
}

// reduce makes series of points.
func reduce(points []point, metrics []procmon.Metric, step time.Duration) procmon.Series {
	s := procmon.Series{Step: step, Times: []time.Time{}, Values: map[procmon.Metric][]procmon.Opt[procmon.Stat]{}}
	groups := map[time.Time][]point{}
	for _, p := range points {
		at := p.at
		if step > 0 {
			at = time.Unix(0, at.UnixNano()/int64(step)*int64(step)).UTC()
		}
		if groups[at] == nil {
			s.Times = append(s.Times, at)
		}
		groups[at] = append(groups[at], p)
	}
	for _, m := range metrics {
		s.Values[m] = []procmon.Opt[procmon.Stat]{}
		for _, at := range s.Times {
			var stat procmon.Opt[procmon.Stat]
			total, weight := 0.0, 0.0
			for _, p := range groups[at] {
				v := p.values[m]
				if !v.Known {
					continue
				}
				if !stat.Known {
					stat = procmon.Some(procmon.Stat{Min: v.Value, Max: v.Value})
				}
				stat.Value.Min, stat.Value.Max = min(stat.Value.Min, v.Value), max(stat.Value.Max, v.Value)
				w := 1.0
				if p.weight > 0 && (m == procmon.MetricCPU || m == procmon.MetricRead || m == procmon.MetricWrite) {
					w = p.weight
				}
				total, weight = total+w*v.Value, weight+w
			}
			if stat.Known {
				stat.Value.Avg = total / weight
			}
			s.Values[m] = append(s.Values[m], stat)
		}
	}
	return s
}

func TestProcessSeriesAgree(t *testing.T) {
	metrics := []procmon.Metric{"cpu", "memory", "private", "threads", "handles", "read", "write"}
	for seed := range uint64(60) {
		f, e, rnd := world(t, seed)
		host := f.names[rnd.IntN(len(f.names))]
		records := f.records[host]
		s := records[rnd.IntN(len(records))].Snapshot
		id := s.Processes[rnd.IntN(len(s.Processes))].ID()
		from, to := someRange(rnd, records)
		step := []time.Duration{0, time.Minute, 7 * time.Second}[rnd.IntN(3)]
		var points []point
		for i, r := range records {
			j, there := r.Snapshot.ByID()[id]
			if !there || !within(r.Snapshot.Timestamp, from, to) {
				continue
			}
			p := &r.Snapshot.Processes[j]
			u := used(before(records, i), r.Snapshot, p)
			points = append(points, point{r.Snapshot.Timestamp, map[procmon.Metric]procmon.Opt[float64]{
				"cpu": u.cpu, "memory": known(p.WorkingSetBytes), "private": known(p.PrivateBytes), "threads": known(p.Threads),
				"handles": known(p.Handles), "read": u.read, "write": u.write,
			}, u.seconds})
		}
		got, err := e.Series(t.Context(), procmon.SeriesQuery{Host: host, Process: &id, From: from, To: to, Step: step})
		if diff := gocmp.Diff(reduce(points, metrics, step), got, near); diff != "" || err != nil {
			t.Fatalf("seed %d: %v (-want +got):\n%s", seed, err, diff)
		}
	}
}

func TestHostSeriesAgree(t *testing.T) {
	metrics := []procmon.Metric{"cpu", "memory", "processes", "starts", "ends"}
	for seed := range uint64(60) {
		f, e, rnd := world(t, seed)
		host := f.names[rnd.IntN(len(f.names))]
		records := f.records[host]
		from, to := someRange(rnd, records)
		step := []time.Duration{0, time.Minute}[rnd.IntN(2)]
		var points []point
		for i, r := range records {
			if !within(r.Snapshot.Timestamp, from, to) {
				continue
			}
			previous := before(records, i)
			p := point{at: r.Snapshot.Timestamp, values: map[procmon.Metric]procmon.Opt[float64]{"processes": procmon.Some(float64(len(r.Snapshot.Processes)))}}
			total := procmon.Opt[float64]{}
			for j := range r.Snapshot.Processes {
				process := &r.Snapshot.Processes[j]
				if u := used(previous, r.Snapshot, process); u.cpu.Known && process.PID != 0 {
					total = procmon.Some(total.Value + u.cpu.Value)
				}
			}
			if p.values["cpu"] = r.Snapshot.System.CPU; !p.values["cpu"].Known && total.Known {
				p.values["cpu"] = procmon.Some(min(100, total.Value/4))
			}
			if ram := r.Snapshot.System.UsedRAMGB; ram.Known {
				p.values["memory"] = procmon.Some(ram.Value * (1 << 30))
			}
			if previous != nil {
				p.weight = r.Snapshot.Timestamp.Sub(previous.Timestamp).Seconds()
				started, ended, _ := procmon.Diff(previous, r.Snapshot)
				p.values["starts"], p.values["ends"] = procmon.Some(float64(len(started))), procmon.Some(float64(len(ended)))
			}
			points = append(points, p)
		}
		got, err := e.Series(t.Context(), procmon.SeriesQuery{Host: host, From: from, To: to, Step: step})
		if diff := gocmp.Diff(reduce(points, metrics, step), got, near); diff != "" || err != nil {
			t.Fatalf("seed %d: %v (-want +got):\n%s", seed, err, diff)
		}
	}
}

func TestLivesAgree(t *testing.T) {
	for seed := range uint64(40) {
		f, e, _ := world(t, seed)
		for host, records := range f.records {
			want := map[procmon.ProcessID]procmon.Life{}
			for _, r := range records {
				for _, p := range r.Snapshot.Processes {
					l, seen := want[p.ID()]
					if !seen {
						l = procmon.Life{Host: host, FirstSeen: r.Snapshot.Timestamp}
						for _, parent := range r.Snapshot.Processes {
							if p.PPID == procmon.Some(parent.PID) && parent.PID != p.PID && !parent.StartTime.Value.After(p.StartTime.Value) {
								id := parent.ID()
								l.Parent = &id
							}
						}
					}
					l.LastSeen, l.GoneAt = r.Snapshot.Timestamp, time.Time{}
					l.Process = procmon.Process{PID: p.PID, StartTime: p.StartTime, Name: p.Name, Username: p.Username, PPID: p.PPID, Cmdline: p.Cmdline}
					want[p.ID()] = l
				}
				for id, l := range want {
					if _, there := r.Snapshot.ByID()[id]; !there && l.GoneAt.IsZero() {
						l.GoneAt = r.Snapshot.Timestamp
						want[id] = l
					}
				}
			}
			for id, l := range want {
				got, err := e.Life(t.Context(), host, id)
				if l.Parent == nil {
					got.Parent = nil // one that was seen in the snapshots before is better than none
				}
				if diff := gocmp.Diff(l, got); diff != "" || err != nil {
					t.Fatalf("seed %d: %v (-want +got):\n%s", seed, err, diff)
				}
			}
			if _, err := e.Life(t.Context(), host, procmon.ProcessID{PID: 1 << 30, Start: began.UnixNano()}); !errors.Is(err, procmon.ErrNotFound) {
				t.Fatalf("a process that never was: %v", err)
			}
		}
	}
}

func TestTopAgrees(t *testing.T) {
	for seed := range uint64(60) {
		f, e, rnd := world(t, seed)
		from, to := someRange(rnd, f.records[f.names[rnd.IntN(len(f.names))]])
		q := procmon.TopQuery{
			From: from, To: to, Limit: 5,
			By:  []string{procmon.TopCPU, procmon.TopMemory, procmon.TopIO}[rnd.IntN(3)],
			Per: []string{procmon.PerProcess, procmon.PerName, procmon.PerUser, procmon.PerHost}[rnd.IntN(4)],
		}
		got, err := e.Top(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		want := topModel(f, &q)
		value := func(r procmon.TopRow) float64 {
			switch q.By {
			case procmon.TopCPU:
				return r.CPUSeconds.Value
			case procmon.TopIO:
				return float64(r.IOBytes.Value)
			}
			return float64(r.MemoryBytes.Value)
		}
		slices.SortStableFunc(want, func(a, b procmon.TopRow) int { return cmp.Compare(value(b), value(a)) })
		if len(got) != min(q.Limit, len(want)) {
			t.Fatalf("seed %d: %d rows, want %d", seed, len(got), min(q.Limit, len(want)))
		}
		for i, r := range got {
			if math.Abs(value(r)-value(want[i])) > 1e-9 {
				t.Fatalf("seed %d: %+v: row %d is %+v, want %+v", seed, q, i, r, want[i])
			}
			j := slices.IndexFunc(want, func(w procmon.TopRow) bool { return topKey(w) == topKey(r) })
			if j < 0 {
				t.Fatalf("seed %d: %+v was not there", seed, r)
			}
			w := want[j]
			if math.Abs(w.CPUSeconds.Value-r.CPUSeconds.Value) > 1e-9 || w.IOBytes != r.IOBytes || w.MemoryBytes.Value != r.MemoryBytes.Value || w.Processes != r.Processes || w.Hosts != r.Hosts {
				t.Fatalf("seed %d: %+v: got %+v, want %+v", seed, q, r, w)
			}
		}
	}
}

func topKey(r procmon.TopRow) string {
	id := procmon.ProcessID{}
	if r.ID != nil {
		return fmt.Sprint(procmon.HostKey(r.Host), *r.ID)
	}
	return fmt.Sprint(procmon.HostKey(r.Host), strings.ToLower(r.Name), r.User, id)
}

// topModel adds up snapshot by snapshot.
func topModel(f *fleet, q *procmon.TopQuery) []procmon.TopRow {
	rows := map[string]*procmon.TopRow{}
	ids, hosts := map[string]map[string]bool{}, map[string]map[string]bool{}
	memory := map[string]map[string]uint64{} // the most of each host
	for _, host := range f.names {
		records := f.records[host]
		last := map[procmon.ProcessID]int{} // the record in which it was last
		for i, r := range records {
			sums := map[string]uint64{}
			for j := range r.Snapshot.Processes {
				p := &r.Snapshot.Processes[j]
				id := p.ID()
				was, seen := last[id]
				last[id] = i
				if !within(r.Snapshot.Timestamp, q.From, q.To) {
					continue
				}
				row := procmon.TopRow{}
				switch q.Per {
				case procmon.PerProcess:
					row.Host, row.ID = host, &id
				case procmon.PerName:
					row.Name = p.Name
				case procmon.PerUser:
					row.User = p.Username
				case procmon.PerHost:
					row.Host = host
				}
				key := topKey(row)
				if rows[key] == nil {
					rows[key], ids[key], hosts[key], memory[key] = &row, map[string]bool{}, map[string]bool{}, map[string]uint64{}
				}
				w := rows[key]
				ids[key][fmt.Sprint(host, id)], hosts[key][host] = true, true
				sums[key] += p.WorkingSetBytes.Value
				var previous *procmon.Snapshot
				if i > 0 {
					previous = records[i-1].Snapshot
				}
				if seen && was < i-1 { // it was away
					previous = nil
				}
				if previous != nil && seen && q.From.Sub(previous.Timestamp) > time.Hour {
					previous = nil // too long before the range
				}
				u := used(previous, r.Snapshot, p)
				if p.CPUSeconds.Known && u.cpu.Known {
					w.CPUSeconds = procmon.Some(w.CPUSeconds.Value + u.cpu.Value/100*u.seconds)
				} else if near := before(records, i); !p.CPUSeconds.Known && p.CPU.Known && near != nil {
					w.CPUSeconds = procmon.Some(w.CPUSeconds.Value + p.CPU.Value/100*r.Snapshot.Timestamp.Sub(near.Timestamp).Seconds())
				}
				for _, v := range []procmon.Opt[float64]{u.read, u.write} {
					if v.Known {
						w.IOBytes = procmon.Some(w.IOBytes.Value + uint64(math.Round(v.Value*u.seconds)))
					}
				}
			}
			for key, sum := range sums {
				memory[key][host] = max(memory[key][host], sum)
			}
		}
	}
	var all []procmon.TopRow
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		r := rows[key]
		r.Processes, r.Hosts = len(ids[key]), len(hosts[key])
		for _, most := range memory[key] {
			r.MemoryBytes = procmon.Some(r.MemoryBytes.Value + most)
		}
		all = append(all, *r)
	}
	return all
}
