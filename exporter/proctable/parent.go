package proctable

import (
	"slices"

	"github.com/procmon/procmon"
)

// parents checks who is whose parent. The zero value is ready.
type parents struct {
	pids  []uint32 // of the rows
	found []kinship
}

// kinship is where the parent of a row stands.
type kinship struct {
	ppid  uint32
	known bool
	row   int32 // -1 if it is not in the table
}

// check makes the parent of each process unknown that has the pid of a process that came
// later. Systems remember the pid of a parent that has ended, and give it to others. One
// that is not in the table any more keeps its pid.
func (c *parents) check(rows *Rows) {
	if !c.same(rows) {
		c.pids = c.pids[:0]
		for i := range rows.Processes {
			c.pids = append(c.pids, rows.Processes[i].PID)
		}
		c.found = slices.Grow(c.found[:0], len(c.pids))[:len(c.pids)]
		clear(c.found)
	}
	for i := range rows.Processes {
		p := &rows.Processes[i]
		if !p.PPID.Known {
			continue
		}
		if k := &c.found[i]; k.ppid != p.PPID.Value || !k.known {
			*k = kinship{ppid: p.PPID.Value, known: true, row: -1}
			if at, ok := slices.BinarySearch(c.pids, k.ppid); ok {
				k.row = int32(at)
			}
		}
		if at := int(c.found[i].row); at >= 0 && !rows.precedes(at, i) {
			p.PPID = procmon.Opt[uint32]{}
		}
	}
}

// same reports whether the rows have the pids of those before.
func (c *parents) same(rows *Rows) bool {
	if len(c.pids) != len(rows.Processes) {
		return false
	}
	for i := range rows.Processes {
		if c.pids[i] != rows.Processes[i].PID {
			return false
		}
	}
	return true
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
