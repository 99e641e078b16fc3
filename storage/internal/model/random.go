// Package model answers the questions that a store answers from plain lists of snapshots, one
// snapshot after the other, for tests to hold the store against.
package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/procmon/procmon"
)

// Random returns n snapshots of a host from an instant on, oldest first: with gaps of up to
// two hours and a half, restarts of the host, of its agent and of processes, pids that are
// used again, counters that shrink, facts that are not known, snapshots without processes, and
// events of processes that are in no snapshot. Of a process all that is between two snapshots is a
// multiple of 1/64, so that sums are exact.
func Random(rnd *rand.Rand, host string, from time.Time, n int) (records []procmon.Record) {
	h := &machine{rnd: rnd, at: from.Add(time.Duration(rnd.IntN(100)) * time.Second), ghost: rnd.IntN(2) == 0}
	for range n {
		s := h.snapshot()
		s.Hostname = host
		records = append(records, procmon.Record{Host: host, Labels: map[string]string{"job": "j"}, Snapshot: s})
	}
	return records
}

// machine is a host from one snapshot to the next.
type machine struct {
	rnd   *rand.Rand
	at    time.Time
	ghost bool // some of its processes tell no CPU seconds
	pid   uint32
	ps    []procmon.Process
}

func (h *machine) snapshot() *procmon.Snapshot {
	rnd, last := h.rnd, h.at
	h.at = h.at.Add(time.Duration(1+rnd.IntN(30)) * time.Second)
	if rnd.IntN(25) == 0 {
		h.at = h.at.Add(time.Duration(rnd.IntN(150)) * time.Minute) // asleep, or out of reach
	}
	was := slices.Clone(h.ps)
	if rnd.IntN(40) == 0 {
		h.ps, h.pid = nil, 0 // booted
	}
	for len(h.ps) < 3 || rnd.IntN(3) == 0 {
		h.start()
	}
	for i := range h.ps {
		h.work(&h.ps[i])
	}
	if rnd.IntN(2) == 0 && len(h.ps) > 3 {
		i := rnd.IntN(len(h.ps))
		h.ps = slices.Delete(h.ps, i, i+1)
	}
	s := &procmon.Snapshot{Timestamp: h.at, Processes: slices.Clone(h.ps)}
	slices.SortFunc(s.Processes, func(a, b procmon.Process) int { return int(a.PID) - int(b.PID) })
	switch rnd.IntN(60) {
	case 0:
		s.Processes = nil
	case 1:
		s.Processes = []procmon.Process{}
	}
	s.System.Threads = procmon.Some(uint32(4))
	if rnd.IntN(3) > 0 {
		s.System.CPU, s.System.UsedRAMGB = procmon.Some(float64(rnd.IntN(100))), procmon.Some(float64(rnd.IntN(32)))
	}
	if rnd.IntN(4) == 0 {
		s.Events = h.events(was, last)
	}
	return s
}

// start begins a process, sometimes with the pid of one that has ended.
func (h *machine) start() {
	rnd := h.rnd
	h.pid += uint32(rnd.IntN(3))
	if rnd.IntN(4) == 0 {
		h.pid = uint32(rnd.IntN(int(h.pid) + 1))
	}
	for slices.ContainsFunc(h.ps, func(p procmon.Process) bool { return p.PID == h.pid }) {
		h.pid++
	}
	p := procmon.Process{
		PID: h.pid, Name: fmt.Sprintf("P%d.exe", rnd.IntN(4)), StartTime: procmon.Some(h.at.Add(-time.Duration(rnd.IntN(60)) * time.Second)),
		Username: procmon.Some("User"), PPID: procmon.Some(uint32(rnd.IntN(int(h.pid) + 1))),
		Cmdline: procmon.Some(fmt.Sprintf("run %d", rnd.IntN(5))),
		Threads: procmon.Some(uint32(1)), CPUSeconds: procmon.Some(float64(rnd.IntN(100)) / 64),
		WorkingSetBytes: procmon.Some(uint64(rnd.IntN(1 << 20))), ReadBytes: procmon.Some(uint64(rnd.IntN(1000))), WriteBytes: procmon.Some(uint64(0)),
	}
	if rnd.IntN(6) == 0 {
		p.Username, p.WorkingSetBytes = procmon.Opt[string]{}, procmon.Opt[uint64]{}
		if rnd.IntN(2) == 0 {
			p.Memory = procmon.Some(float64(rnd.IntN(1<<12)) / 64)
		}
	}
	if h.ghost && rnd.IntN(2) == 0 {
		p.CPUSeconds, p.CPU = procmon.Opt[float64]{}, procmon.Some(float64(rnd.IntN(10000))/100)
	}
	h.ps = append(h.ps, p)
}

// work changes what a process is from one snapshot to the next.
func (h *machine) work(p *procmon.Process) {
	rnd := h.rnd
	switch rnd.IntN(6) {
	case 0, 1:
		if p.CPUSeconds.Known {
			p.CPUSeconds.Value += float64(rnd.IntN(64)) / 64
		}
		p.ReadBytes.Value += uint64(rnd.IntN(5000))
	case 2:
		if p.WorkingSetBytes.Known {
			p.WorkingSetBytes.Value = uint64(rnd.IntN(1 << 20))
		}
		if p.Memory.Known {
			p.Memory.Value += float64(rnd.IntN(9)) / 64
		}
		p.Threads.Value++
	case 3:
		if rnd.IntN(10) == 0 {
			p.CPUSeconds.Value, p.ReadBytes.Value = 0, 0
		}
	case 4:
		if rnd.IntN(20) == 0 {
			p.Name = fmt.Sprintf("P%d.exe", rnd.IntN(4))
		}
	case 5:
		if rnd.IntN(20) == 0 {
			p.PPID = procmon.Some(uint32(1)) // who started it has ended
		}
	}
}

// events are ends of what was there, and processes that nobody saw, some with children.
func (h *machine) events(was []procmon.Process, last time.Time) (events []procmon.Event) {
	rnd := h.rnd
	between := func() time.Time { return last.Add(time.Duration(rnd.Int64N(int64(h.at.Sub(last))))) }
	for _, p := range was {
		if !slices.ContainsFunc(h.ps, func(q procmon.Process) bool { return q.ID() == p.ID() }) {
			events = append(events, procmon.Event{
				Kind: procmon.Ended, Time: between(), PID: p.PID, StartTime: p.StartTime, Name: procmon.Some(p.Name), Username: p.Username,
				Cmdline: p.Cmdline, ExitCode: procmon.Some(rnd.Int64N(3)),
			})
		}
	}
	for range rnd.IntN(3) {
		at := between()
		e := procmon.Event{
			Kind: procmon.Started, Time: at, PID: 1000 + uint32(rnd.IntN(1000)), PPID: procmon.Some(uint32(rnd.IntN(6))), StartTime: procmon.Some(at),
			Name: procmon.Some(fmt.Sprintf("P%d.exe", rnd.IntN(4))), Username: procmon.Some("User"), Cmdline: procmon.Some("run 3"),
		}
		events = append(events, e)
		if rnd.IntN(2) == 0 {
			e.Kind, e.Time, e.ExitCode = procmon.Ended, h.at, procmon.Some[int64](7)
			events = append(events, e)
		}
	}
	return events
}
