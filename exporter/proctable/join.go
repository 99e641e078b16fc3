package proctable

import "github.com/procmon/procmon"

// Join pairs two readings of one table by process identity. f gets the index of a process
// in before and in now, with -1 where it is not: it has started or ended between them.
// Pids ascend from call to call.
func Join(before, now *Rows, f func(before, now int)) {
	i, j := 0, 0
	for i < len(before.Processes) && j < len(now.Processes) {
		p, q := &before.Processes[i], &now.Processes[j]
		switch {
		case p.PID < q.PID:
			f(i, -1)
			i++
		case p.PID > q.PID:
			f(-1, j)
			j++
		default:
			if sameStart(p, q) {
				f(i, j)
			} else {
				f(i, -1)
				f(-1, j)
			}
			i++
			j++
		}
	}
	for ; i < len(before.Processes); i++ {
		f(i, -1)
	}
	for ; j < len(now.Processes); j++ {
		f(-1, j)
	}
}

func sameStart(p, q *procmon.Process) bool {
	return p.StartTime.Known == q.StartTime.Known && p.StartTime.Value.Equal(q.StartTime.Value)
}
