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
	l := lifeline{id: id, ppid: procmon.Opt[uint32]{}}
	err := e.Source.Segments(ctx, procmon.HostKey(host), from, 1<<63-1, l.segment)
	if err != nil && !errors.Is(err, errEnough) {
		return procmon.Life{}, err
	}
	if !l.found && !l.started {
		return procmon.Life{}, fmt.Errorf("process %d of %q that started at %s: %w", id.PID, host, nanoTime(id.Start).Format(time.RFC3339Nano), procmon.ErrNotFound)
	}
	l.life.Host = host
	if l.parent.PID != 0 || l.hasParent {
		parent := l.parent
		l.life.Parent = &parent
	}
	return l.life, nil
}

// lifeline follows a process through segments.
type lifeline struct {
	id      procmon.ProcessID
	life    procmon.Life
	found   bool // in a snapshot
	started bool // in an event
	absent  int  // segments in a row without it, after it was found
	ppid    procmon.Opt[uint32]

	parent    procmon.ProcessID
	hasParent bool
	seen      []candidate // processes of the segment before
}

// candidate is a process that may be a parent.
type candidate struct {
	id    procmon.ProcessID
	known bool  // its start
	first int64 // when it was seen first
	there bool  // when the child was seen first
}

func (l *lifeline) segment(g block.Segment) error {
	rows, err := g.Rows()
	if err != nil {
		return err
	}
	times := g.Times()
	if err := l.events(g); err != nil {
		return err
	}
	i := find(rows, l.id)
	candidates := make([]candidate, len(rows))
	for j := range rows {
		candidates[j] = candidate{rows[j].ID, rows[j].StartKnown, times[rows[j].First()], i >= 0 && rows[j].In(rows[i].First())}
	}
	if i < 0 {
		if l.found {
			if l.life.GoneAt.IsZero() {
				l.life.GoneAt = nanoTime(times[0])
			}
			if l.absent++; l.absent > 1 {
				return errEnough
			}
		}
		l.seen = candidates
		return nil
	}
	l.absent = 0
	row := &rows[i]
	err = g.Facts(i, true, func(_ int, p *procmon.Process) error {
		l.life.Process = *p
		return nil
	})
	if err != nil {
		return err
	}
	if !l.found {
		l.found = true
		l.life.FirstSeen = nanoTime(times[row.First()])
		l.resolve(times[row.First()], candidates, l.seen)
	}
	l.life.LastSeen, l.life.GoneAt = nanoTime(times[row.Last()]), time.Time{}
	if row.Last()+1 < len(times) {
		l.life.GoneAt = nanoTime(times[row.Last()+1])
	}
	l.seen = candidates
	return nil
}

// resolve finds the parent among processes that were seen at or before an instant.
func (l *lifeline) resolve(at int64, lists ...[]candidate) {
	ppid := l.life.Process.PPID
	if !ppid.Known || ppid.Value == l.id.PID {
		return
	}
	parentThere := false
	for _, list := range lists {
		for _, c := range list {
			if c.id.PID != ppid.Value || c.first > at || c.known && l.life.Process.StartTime.Known && c.id.Start > l.id.Start {
				continue
			}
			if !l.hasParent || !parentThere && (c.there || c.id.Start > l.parent.Start) {
				l.parent, l.hasParent, parentThere = c.id, true, c.there
			}
		}
	}
}

// events takes in what the agent noted of the process.
func (l *lifeline) events(g block.Segment) error {
	times := g.Times()
	return g.Events(func(step int, events []procmon.Event) error {
		for i := range events {
			e := &events[i]
			if e.PID != l.id.PID || !e.StartTime.Known || e.StartTime.Value.UnixNano() != l.id.Start {
				continue
			}
			if !l.found {
				l.life.Process = processOf(e, l.life.Process)
				if !l.started {
					l.life.FirstSeen = nanoTime(times[step])
				}
				l.life.LastSeen = nanoTime(times[step])
			}
			l.started = true
			if e.Kind == procmon.Ended {
				l.life.EndedAt, l.life.ExitCode = e.Time, e.ExitCode
			}
		}
		return nil
	})
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
