package procmon

import "time"

// Counters are what the CPU use of the next snapshot's processes is derived from.
type Counters struct {
	at   time.Time
	ids  []ProcessID    // as they stand in the snapshot
	used []Opt[float64] // seconds; of each
}

// Counters returns those of s, which may be nil. They hold on to nothing of it.
func (s *Snapshot) Counters() *Counters {
	if s == nil {
		return nil
	}
	c := &Counters{at: s.Timestamp, ids: s.ids(), used: make([]Opt[float64], len(s.Processes))}
	for i := range s.Processes {
		if p := &s.Processes[i]; p.StartTime.Known {
			c.used[i] = p.CPUSeconds
		}
	}
	return c
}

// CPUPercent returns the CPU use of each process of s in percent of one core.
//
// It is what cpu_seconds grew by since the snapshot before, whose counters previous are, over
// the time between the two: that misses no burst. A process that is new is measured from its
// start. Where cpu_seconds is not known, or has shrunk, it is the payload's own cpu. previous
// may be nil.
func CPUPercent(previous *Counters, s *Snapshot) []Opt[float64] {
	cpu := make([]Opt[float64], len(s.Processes))
	for i := range cpu {
		cpu[i] = s.Processes[i].CPU
	}
	if previous == nil {
		return cpu
	}
	interval := s.Timestamp.Sub(previous.at).Seconds()
	if interval <= 0 {
		return cpu
	}
	before := identities{of: previous.ids}
	for i := range s.Processes {
		p := &s.Processes[i]
		if !p.CPUSeconds.Known || !p.StartTime.Known {
			continue
		}
		if j, ok := before.find(p.ID()); ok {
			then := previous.used[j]
			if grown := p.CPUSeconds.Value - then.Value; then.Known && grown >= 0 {
				cpu[i] = Some(100 * grown / interval)
			}
		} else if !p.StartTime.Value.Before(previous.at) {
			cpu[i] = Some(100 * p.CPUSeconds.Value / interval)
		}
	}
	return cpu
}

// HostCPUPercent returns the CPU use of the whole host in percent of all its logical CPUs:
// the payload's own figure, else the sum over cpu of what is known and not idle, else unknown.
func HostCPUPercent(s *Snapshot, cpu []Opt[float64]) Opt[float64] {
	if s.System.CPU.Known {
		return s.System.CPU
	}
	if s.System.Threads.Or(0) == 0 {
		return Opt[float64]{}
	}
	var total Opt[float64]
	for i, c := range cpu {
		if c.Known && !s.Processes[i].Idle() {
			total = sum(total, c)
		}
	}
	total.Value = min(100, total.Value/float64(s.System.Threads.Value))
	return total
}

// ids returns the identities of the processes, as they stand in s.
func (s *Snapshot) ids() []ProcessID {
	ids := make([]ProcessID, len(s.Processes))
	for i := range s.Processes {
		ids[i] = s.Processes[i].ID()
	}
	return ids
}

// identities finds processes of a snapshot that are looked for in about the order in which
// they stand there, as those of the next snapshot are: mostly without an index.
type identities struct {
	of   []ProcessID
	next int // where the process after the last one that was found is
	byID map[ProcessID]int
}

func (ids *identities) find(id ProcessID) (int, bool) {
	const far = 3 // as many as may have ended in one place
	for i := ids.next; i < min(ids.next+far, len(ids.of)); i++ {
		if ids.of[i] == id {
			ids.next = i + 1
			return i, true
		}
	}
	if ids.byID == nil {
		ids.byID = make(map[ProcessID]int, len(ids.of))
		for i, id := range ids.of {
			ids.byID[id] = i
		}
	}
	i, ok := ids.byID[id]
	if ok {
		ids.next = i + 1
	}
	return i, ok
}
