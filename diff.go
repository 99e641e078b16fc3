package procmon

import (
	"cmp"
	"slices"
)

// Diff returns what changed from one snapshot of a host to a later one: which processes
// started, ended and stayed, each by pid.
func Diff(before, after *Snapshot) (started, ended, stayed []Change) {
	then := before.ByID()
	for i := range after.Processes {
		p := &after.Processes[i]
		j, there := then[p.ID()]
		if !there {
			started = append(started, Change{After: p})
			continue
		}
		delete(then, p.ID())
		old := &before.Processes[j]
		c := Change{Before: old, After: p}
		if used := p.CPUSeconds.Value - old.CPUSeconds.Value; p.CPUSeconds.Known && old.CPUSeconds.Known && used >= 0 {
			c.CPUSeconds = Some(used)
		}
		c.ReadBytes, c.WriteBytes = grown(old.ReadBytes, p.ReadBytes), grown(old.WriteBytes, p.WriteBytes)
		stayed = append(stayed, c)
	}
	for _, j := range then {
		ended = append(ended, Change{Before: &before.Processes[j]})
	}
	byPID := func(a, b Change) int { return cmp.Compare(a.process().PID, b.process().PID) }
	for _, changes := range [...][]Change{started, ended, stayed} {
		slices.SortFunc(changes, byPID)
	}
	return started, ended, stayed
}

func (c *Change) process() *Process {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// grown returns what a counter grew by, if both are known and it did not shrink.
func grown(before, after Opt[uint64]) Opt[uint64] {
	if !before.Known || !after.Known || after.Value < before.Value {
		return Opt[uint64]{}
	}
	return Some(after.Value - before.Value)
}

// Rates are bytes per second.
type Rates struct{ Read, Write Opt[float64] }

// IORates returns for each process of s the bytes that it read and wrote per second since
// previous, which may be nil. A process that is new is measured from its start. Where a
// counter is not known, or has shrunk, there is no rate.
func IORates(previous, s *Snapshot) []Rates {
	rates := make([]Rates, len(s.Processes))
	if previous == nil {
		return rates
	}
	interval := s.Timestamp.Sub(previous.Timestamp).Seconds()
	if interval <= 0 {
		return rates
	}
	rate := func(before, after Opt[uint64]) Opt[float64] {
		bytes := grown(before, after)
		return Opt[float64]{Value: float64(bytes.Value) / interval, Known: bytes.Known}
	}
	before := identities{of: previous.ids()}
	for i := range s.Processes {
		p := &s.Processes[i]
		if !p.StartTime.Known {
			continue
		}
		if j, ok := before.find(p.ID()); ok {
			then := &previous.Processes[j]
			rates[i] = Rates{rate(then.ReadBytes, p.ReadBytes), rate(then.WriteBytes, p.WriteBytes)}
		} else if !p.StartTime.Value.Before(previous.Timestamp) {
			rates[i] = Rates{rate(Some[uint64](0), p.ReadBytes), rate(Some[uint64](0), p.WriteBytes)}
		}
	}
	return rates
}
