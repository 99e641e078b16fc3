// Package query answers questions about the past from segments of history.
//
// CPU use and rates come from counters of consecutive snapshots, as in procmon.CPUPercent: a
// counter that shrank, and a snapshot whose predecessor is missing or farther away than
// Farthest, give no value. Only where CPU seconds are not known the delivered use is taken.
package query

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
)

// Farthest is how far the snapshot before may be away to derive rates from it.
const Farthest = time.Hour

// Bounds of one answer.
const (
	MaxPoints = 11_000 // of a series, as in Prometheus
	MaxRows   = 1000   // of a page
)

// A Source is where segments come from.
type Source interface {
	// Hosts returns what is known of every host that is kept, by key.
	Hosts(ctx context.Context) ([]procmon.HostSummary, error)
	// Segments calls f with what is stored of a host between two instants, Unix nanoseconds,
	// both included, oldest first. No two overlap; one may reach beyond the range. f must not
	// keep it. Where it is cheap to ask, and the source knows at once what words a segment has
	// and when its last snapshot was, it asks pass, and leaves out what that is true of; nil is
	// never true.
	Segments(ctx context.Context, host string, from, to int64, pass func(words block.Words, last int64) bool, f func(block.Segment) error) error
	// Newest returns the time of the newest snapshot of a host at or before an instant.
	Newest(ctx context.Context, host string, until int64) (nanos int64, ok bool, err error)
}

// An Engine answers questions. It is safe for concurrent use if its source is.
type Engine struct {
	Source Source
}

func nanoTime(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// nanos returns t in Unix nanoseconds, or the nearest that there is.
func nanos(t time.Time) int64 {
	const early, late = -1 << 62, 1<<63 - 1
	switch {
	case t.Before(time.Unix(0, early)):
		return early
	case t.After(time.Unix(0, late)):
		return late
	}
	return t.UnixNano()
}

// checkRange returns both ends in Unix nanoseconds.
func checkRange(from, to time.Time) (int64, int64, error) {
	if to.Before(from) {
		return 0, 0, &procmon.FieldError{Field: "to", Problem: fmt.Sprintf("%s is before from, %s", to.Format(time.RFC3339), from.Format(time.RFC3339))}
	}
	return nanos(from), nanos(to), nil
}

// find returns the row of a process, or -1.
func find(rows []block.Row, id procmon.ProcessID) int {
	return slices.IndexFunc(rows, func(r block.Row) bool { return r.ID == id })
}

// each calls f with the chosen numbers of process i at every step that it is in. p is f's
// until it returns.
func each(g block.Segment, i int, row *block.Row, chosen block.Columns, f func(step int, p *procmon.Process)) error {
	return stretches(g, i, row, chosen, 0, func(from, until int, p *procmon.Process) {
		for step := from; step < until; step++ {
			f(step, p)
		}
	})
}

// stretches calls f with the steps, from the first one on, from which on, and before which, nothing
// that is chosen changes of process i, and it is there without a break.
func stretches(g block.Segment, i int, row *block.Row, chosen block.Columns, first int, f func(from, until int, p *procmon.Process)) error {
	stays := make([][2]int, 0, 4)
	row.Stays(func(from, until int) { stays = append(stays, [2]int{max(from, first), until}) })
	var last procmon.Process
	next := -1
	tell := func(until int) {
		for next >= 0 && len(stays) > 0 {
			if from, to := max(stays[0][0], next), min(stays[0][1], until); from < to {
				f(from, to, &last)
			}
			if stays[0][1] > until {
				return
			}
			stays = stays[1:]
		}
	}
	err := g.Walk(i, chosen, func(step int, p *procmon.Process) {
		tell(step)
		last, next = *p, step
	})
	tell(row.Last() + 1)
	return err
}

// clock says of the steps of consecutive segments how long the one before is ago.
type clock struct{ last int64 }

const never = -1 << 63

// interval returns the seconds from the snapshot before to step, or 0 if that is not known.
func (c *clock) interval(times []int64, step int) float64 {
	before := c.last
	if step > 0 {
		before = times[step-1]
	}
	if before == never || times[step]-before > int64(Farthest) {
		return 0
	}
	return float64(times[step]-before) / 1e9
}

// before returns the time of the snapshot before step, or never.
func (c *clock) before(times []int64, step int) int64 {
	if step > 0 {
		return times[step-1]
	}
	return c.last
}

func (c *clock) end(times []int64) { c.last = times[len(times)-1] }
