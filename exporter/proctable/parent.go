package proctable

import (
	"slices"

	"github.com/procmon/procmon"
)

// parents checks who is whose parent. The zero value is ready.
type parents struct {
	pids []uint32 // of the rows
}

// check makes the parent of each process unknown that has the pid of a process that came
// later. Systems remember the pid of a parent that has ended, and give it to others. One
// that is not in the table any more keeps its pid.
func (c *parents) check(rows *Rows) {
	c.pids = c.pids[:0]
	for i := range rows.Processes {
		c.pids = append(c.pids, rows.Processes[i].PID)
	}
	last, at, found := uint32(0), 0, false // many have the parent of the one before
	for i := range rows.Processes {
		p := &rows.Processes[i]
		if !p.PPID.Known {
			continue
		}
		if ppid := p.PPID.Value; i == 0 || ppid != last || !found {
			last = ppid
			at, found = slices.BinarySearch(c.pids, ppid)
		}
		if found && !rows.precedes(at, i) {
			p.PPID = procmon.Opt[uint32]{}
		}
	}
}

// precedes reports whether the process of one row may have started the process of another.
//
// Where one has been seen in an earlier reading than the other, that tells: it holds when
// the clock is set, too. Who were first seen together may have started at one instant, as
// far as the system tells.
func (r *Rows) precedes(parent, child int) bool {
	if parent == child {
		return false
	}
	a, b := r.Details[parent].since, r.Details[child].since
	if a != 0 && b != 0 && a != b {
		return a < b
	}
	started, was := &r.Processes[child].StartTime, &r.Processes[parent].StartTime
	return !started.Known || !was.Known || !was.Value.After(started.Value)
}
