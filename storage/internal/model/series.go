package model

import (
	"time"

	"github.com/procmon/procmon"
)

// before returns the snapshot before records[i] if it is at most an hour before.
func before(records []procmon.Record, i int) *procmon.Snapshot {
	if i == 0 || records[i].Snapshot.Timestamp.Sub(records[i-1].Snapshot.Timestamp) > time.Hour {
		return nil
	}
	return records[i-1].Snapshot
}

func within(at, from, to time.Time) bool { return !at.Before(from) && !at.After(to) }

func find(s *procmon.Snapshot, id procmon.ProcessID) *procmon.Process {
	for i := range s.Processes {
		if s.Processes[i].ID() == id {
			return &s.Processes[i]
		}
	}
	return nil
}

// usage is what a process used between two snapshots.
type usage struct {
	cpu         procmon.Opt[float64] // percent of one core
	read, write procmon.Opt[float64] // bytes per second
	seconds     float64
}

// used returns what p of s used since previous, which may be nil.
func used(previous, s *procmon.Snapshot, p *procmon.Process) (u usage) {
	if !p.CPUSeconds.Known {
		u.cpu = p.CPU
	}
	if previous == nil {
		return u
	}
	then := find(previous, p.ID())
	if then == nil {
		if !p.StartTime.Known || p.StartTime.Value.Before(previous.Timestamp) {
			return u
		}
		then = &procmon.Process{CPUSeconds: procmon.Some(0.0), ReadBytes: procmon.Some[uint64](0), WriteBytes: procmon.Some[uint64](0)}
	}
	u.seconds = s.Timestamp.Sub(previous.Timestamp).Seconds()
	if p.CPUSeconds.Known && then.CPUSeconds.Known && p.CPUSeconds.Value >= then.CPUSeconds.Value {
		u.cpu = procmon.Some(100 * (p.CPUSeconds.Value - then.CPUSeconds.Value) / u.seconds)
	}
	rate := func(a, b procmon.Opt[uint64]) procmon.Opt[float64] {
		if !a.Known || !b.Known || b.Value < a.Value {
			return procmon.Opt[float64]{}
		}
		return procmon.Some(float64(b.Value-a.Value) / u.seconds)
	}
	u.read, u.write = rate(then.ReadBytes, p.ReadBytes), rate(then.WriteBytes, p.WriteBytes)
	return u
}

// point is one snapshot of a series.
type point struct {
	at     time.Time
	values map[procmon.Metric]procmon.Opt[float64]
	weight float64 // of rates
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
			s.Values[m] = append(s.Values[m], stat(groups[at], m))
		}
	}
	return s
}

func stat(points []point, m procmon.Metric) (stat procmon.Opt[procmon.Stat]) {
	total, weight := 0.0, 0.0
	for _, p := range points {
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
	return stat
}

func known[T uint32 | uint64](v procmon.Opt[T]) procmon.Opt[float64] {
	return procmon.Opt[float64]{Value: float64(v.Value), Known: v.Known}
}

// Series returns all metrics that q asks for; records are those of its host.
func Series(records []procmon.Record, q procmon.SeriesQuery) procmon.Series {
	if q.Process == nil {
		return hostSeries(records, q)
	}
	var points []point
	for i, r := range records {
		p := find(r.Snapshot, *q.Process)
		if p == nil || !within(r.Snapshot.Timestamp, q.From, q.To) {
			continue
		}
		u := used(before(records, i), r.Snapshot, p)
		points = append(points, point{r.Snapshot.Timestamp, map[procmon.Metric]procmon.Opt[float64]{
			"cpu": u.cpu, "memory": known(p.MemoryBytes()), "private": known(p.PrivateBytes), "threads": known(p.Threads),
			"handles": known(p.Handles), "read": u.read, "write": u.write,
		}, u.seconds})
	}
	return reduce(points, []procmon.Metric{"cpu", "memory", "private", "threads", "handles", "read", "write"}, q.Step)
}

func hostSeries(records []procmon.Record, q procmon.SeriesQuery) procmon.Series {
	var points []point
	for i, r := range records {
		s := r.Snapshot
		if !within(s.Timestamp, q.From, q.To) {
			continue
		}
		previous := before(records, i)
		p := point{at: s.Timestamp, values: map[procmon.Metric]procmon.Opt[float64]{"processes": procmon.Some(float64(len(s.Processes)))}}
		total := procmon.Opt[float64]{}
		for j := range s.Processes {
			if u := used(previous, s, &s.Processes[j]); u.cpu.Known && s.Processes[j].PID != 0 {
				total = procmon.Some(total.Value + u.cpu.Value)
			}
		}
		if p.values["cpu"] = s.System.CPU; !p.values["cpu"].Known && total.Known {
			p.values["cpu"] = procmon.Some(min(100, total.Value/float64(s.System.Threads.Value)))
		}
		if ram := s.System.UsedRAMGB; ram.Known {
			p.values["memory"] = procmon.Some(ram.Value * (1 << 30))
		}
		if previous != nil {
			p.weight = s.Timestamp.Sub(previous.Timestamp).Seconds()
			starts, ends := 0, 0
			for j := range s.Processes {
				if find(previous, s.Processes[j].ID()) == nil {
					starts++
				}
			}
			for j := range previous.Processes {
				if find(s, previous.Processes[j].ID()) == nil {
					ends++
				}
			}
			p.values["starts"], p.values["ends"] = procmon.Some(float64(starts)), procmon.Some(float64(ends))
		}
		points = append(points, p)
	}
	return reduce(points, []procmon.Metric{"cpu", "memory", "processes", "starts", "ends"}, q.Step)
}
