package query

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
)

var errEnough = errors.New("enough")

// Life returns what is known of a process, or procmon.ErrNotFound.
func (e *Engine) Life(ctx context.Context, host string, id procmon.ProcessID) (procmon.Life, error) {
	// Before its start there is only who started it. Clocks of hosts are set back now and then.
	const early = int64(2 * time.Hour)
	from := int64(never / 2)
	if id.Start != 0 {
		from = id.Start - early
	}
	l := lifeline{id: id}
	err := e.Source.Segments(ctx, procmon.HostKey(host), from, 1<<63-1, nil, l.segment)
	if err != nil && !errors.Is(err, errEnough) {
		return procmon.Life{}, err
	}
	if !l.found && !l.told {
		return procmon.Life{}, fmt.Errorf("process %d of %q that started at %s: %w", id.PID, host, nanoTime(id.Start).Format(time.RFC3339Nano), procmon.ErrNotFound)
	}
	l.life.Host = host
	return l.life, nil
}

// lifeline follows a process through segments.
type lifeline struct {
	id     procmon.ProcessID
	life   procmon.Life
	found  bool // in a snapshot
	told   bool // of by an event
	absent int  // segments in a row without it, after it was found or told of

	last   []procmon.ProcessID // processes of the last snapshot of the segment before
	lastAt int64               // and its time
}

func (l *lifeline) segment(g block.Segment) error {
	rows, err := g.Rows()
	if err != nil {
		return err
	}
	i := find(rows, l.id)
	some, err := l.events(g, rows, i >= 0)
	if err != nil {
		return err
	}
	if i >= 0 {
		err = l.row(g, rows, i)
	} else if l.found && l.life.GoneAt.IsZero() {
		l.life.GoneAt = nanoTime(g.Times()[0])
	}
	if l.absent++; some || i >= 0 {
		l.absent = 0
	}
	if err == nil && l.absent > 1 && (l.found || l.told) {
		return errEnough
	}
	times := g.Times()
	l.last, l.lastAt = l.last[:0], times[len(times)-1]
	for j := range rows {
		if rows[j].In(len(times) - 1) {
			l.last = append(l.last, rows[j].ID)
		}
	}
	return err
}

// row takes in what snapshots say of the process, which is row i.
func (l *lifeline) row(g block.Segment, rows []block.Row, i int) error {
	row, times := &rows[i], g.Times()
	var ppid procmon.Opt[uint32] // of who started it; another one can take its place
	first := true
	err := g.Facts(i, true, func(_ int, p *procmon.Process) error {
		if l.life.Process = *p; first {
			ppid, first = p.PPID, false
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !l.found {
		l.found = true
		l.life.FirstSeen = nanoTime(times[row.First()])
		if l.life.Parent, err = l.parent(g, rows, row.First(), ppid); err != nil {
			return err
		}
	}
	l.life.LastSeen, l.life.GoneAt = nanoTime(times[row.Last()]), time.Time{}
	if row.Last()+1 < len(times) {
		l.life.GoneAt = nanoTime(times[row.Last()+1])
	}
	return nil
}

// parent returns who started the process, which was first heard of in a step: the process with
// that pid that is in the snapshot, else the youngest of those that were in the one before,
// or of which an event in between tells; but none that is younger than the process.
func (l *lifeline) parent(g block.Segment, rows []block.Row, step int, ppid procmon.Opt[uint32]) (parent *procmon.ProcessID, err error) {
	if !ppid.Known || ppid.Value == l.id.PID {
		return nil, nil
	}
	consider := func(id procmon.ProcessID) {
		if id.PID == ppid.Value && (l.id.Start == 0 || id.Start <= l.id.Start) && (parent == nil || id.Start > parent.Start) {
			parent = &id
		}
	}
	in := func(step int) {
		for i := range rows {
			if rows[i].ID.PID == ppid.Value && rows[i].In(step) {
				consider(rows[i].ID)
			}
		}
	}
	if in(step); parent != nil {
		return parent, nil
	}
	times := g.Times()
	switch {
	case step > 0 && times[step]-times[step-1] <= int64(Farthest):
		in(step - 1)
	case step == 0 && times[0]-l.lastAt <= int64(Farthest):
		for _, id := range l.last {
			consider(id)
		}
	}
	err = g.Events(func(at int, events []procmon.Event) error {
		for i := range events {
			if e := &events[i]; at == step && e.StartTime.Known {
				consider(procmon.ProcessID{PID: e.PID, Start: e.StartTime.Value.UnixNano()})
			}
		}
		return nil
	})
	return parent, err
}

// events takes in what the agent noted of the process, and returns whether there is something.
// there says that it is in a snapshot of g.
func (l *lifeline) events(g block.Segment, rows []block.Row, there bool) (some bool, err error) {
	times, first := g.Times(), -1
	var ppid procmon.Opt[uint32]
	err = g.Events(func(step int, events []procmon.Event) error {
		for i := range events {
			e := &events[i]
			if e.PID != l.id.PID || !e.StartTime.Known || e.StartTime.Value.UnixNano() != l.id.Start {
				continue
			}
			if !l.found {
				l.life.Process = processOf(e, l.life.Process)
				if !l.told {
					l.life.FirstSeen = nanoTime(times[step])
					first, ppid = step, e.PPID
				}
				l.life.LastSeen = nanoTime(times[step])
			}
			l.told, some = true, true
			if e.Kind == procmon.Ended {
				l.life.EndedAt, l.life.ExitCode = e.Time, e.ExitCode
			}
		}
		return nil
	})
	if err == nil && first >= 0 && !there {
		l.life.Parent, err = l.parent(g, rows, first, ppid)
	}
	return some, err
}

// processOf returns what an event says of its process, and what was known before.
func processOf(e *procmon.Event, p procmon.Process) procmon.Process {
	p.PID, p.StartTime = e.PID, e.StartTime
	if e.Name.Known {
		p.Name = e.Name.Value
	}
	keep(&p.PPID, e.PPID)
	keep(&p.Exe, e.Exe)
	keep(&p.Cmdline, e.Cmdline)
	keep(&p.Username, e.Username)
	return p
}

func keep[T any](dst *procmon.Opt[T], v procmon.Opt[T]) {
	if v.Known {
		*dst = v
	}
}
