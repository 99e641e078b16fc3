package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
)

// Asked answers questions.
type Asked interface {
	Life(ctx context.Context, host string, id procmon.ProcessID) (procmon.Life, error)
	Series(ctx context.Context, q procmon.SeriesQuery) (procmon.Series, error)
	Top(ctx context.Context, q procmon.TopQuery) ([]procmon.TopRow, error)
	Search(ctx context.Context, q procmon.SearchQuery) (procmon.Matches, error)
}

// near lets sums differ by the order in which they were made.
var near = cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a)) })

var searches = []string{
	"", "p1", "run", `"run 3"`, "name:p2 -p1", "user:user", "-user:user", "cpu>20", "mem>512k p", "cpu<5 mem<900000", "host:win p3", "cmd:=run", "pid:2",
	"started<30s", "started>10m -name:p0", "name:nothing", `cmd:"run 1" cpu>=0`, "-cpu>1",
}

// Check asks one random question of each kind and returns what is wrong with an answer.
func (f Fleet) Check(ctx context.Context, rnd *rand.Rand, a Asked) error {
	hosts := f.Hosts()
	host := hosts[rnd.IntN(len(hosts))]
	records := f[host]
	from, to := someRange(rnd, records)
	id, some := someProcess(rnd, records)
	step := []time.Duration{0, time.Minute, 7 * time.Second, time.Hour}[rnd.IntN(4)]
	for _, process := range []*procmon.ProcessID{&id, nil} {
		if process != nil && !some {
			continue
		}
		q := procmon.SeriesQuery{Host: records[0].Host, Process: process, From: from, To: to, Step: step}
		got, err := a.Series(ctx, q)
		if diff := cmp.Diff(Series(records, q), got, near); diff != "" || err != nil {
			return fmt.Errorf("series %+v of %v: %v (-want +got):\n%s", q, process, err, diff)
		}
	}
	if some {
		if err := checkLife(ctx, a, records, id); err != nil {
			return err
		}
	}
	if _, err := a.Life(ctx, records[0].Host, procmon.ProcessID{PID: 1 << 30, Start: from.UnixNano()}); !errors.Is(err, procmon.ErrNotFound) {
		return fmt.Errorf("the life of a process that never was: %v", err)
	}
	if err := f.checkTop(ctx, a, procmon.TopQuery{
		From: from, To: to, Limit: 1 + rnd.IntN(8),
		By:  []string{procmon.TopCPU, procmon.TopMemory, procmon.TopIO}[rnd.IntN(3)],
		Per: []string{procmon.PerProcess, procmon.PerName, procmon.PerUser, procmon.PerHost}[rnd.IntN(4)],
	}); err != nil {
		return err
	}
	match, err := procmon.ParseSearch(searches[rnd.IntN(len(searches))])
	if err != nil {
		return err
	}
	q := procmon.SearchQuery{Match: match, Limit: 1 + rnd.IntN(7)}
	switch rnd.IntN(3) {
	case 0:
		q.At = records[rnd.IntN(len(records))].Snapshot.Timestamp
	case 1:
		q.From, q.To = from, to
	}
	got, err := pages(ctx, a, q)
	if diff := cmp.Diff(f.Search(q), got, near); diff != "" || err != nil {
		return fmt.Errorf("search %q at %v, from %v to %v: %v (-want +got):\n%s", match, q.At, q.From, q.To, err, diff)
	}
	return nil
}

// someRange returns two instants, mostly within the records.
func someRange(rnd *rand.Rand, records []procmon.Record) (from, to time.Time) {
	i := rnd.IntN(len(records))
	j := i + rnd.IntN(len(records)-i)
	from, to = records[i].Snapshot.Timestamp, records[j].Snapshot.Timestamp
	return from.Add(-time.Duration(rnd.IntN(2)) * time.Second), to.Add(time.Duration(rnd.IntN(2)) * time.Second)
}

// someProcess returns a process of a snapshot, or now and then of an event; one that never was
// if there is none.
func someProcess(rnd *rand.Rand, records []procmon.Record) (id procmon.ProcessID, ok bool) {
	for _, i := range rnd.Perm(len(records)) {
		s := records[i].Snapshot
		if n := len(s.Events); n > 0 {
			return eventID(&s.Events[rnd.IntN(n)]), true
		}
		if n := len(s.Processes); n > 0 {
			return s.Processes[rnd.IntN(n)].ID(), true
		}
	}
	return procmon.ProcessID{PID: 1}, false
}

func checkLife(ctx context.Context, a Asked, records []procmon.Record, id procmon.ProcessID) error {
	want, ok := Life(records, id)
	got, err := a.Life(ctx, records[0].Host, id)
	if !ok || err != nil {
		return fmt.Errorf("the life of %v: %w", id, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("the life of %v (-want +got):\n%s", id, diff)
	}
	return nil
}

func (f Fleet) checkTop(ctx context.Context, a Asked, q procmon.TopQuery) error {
	got, err := a.Top(ctx, q)
	if err != nil {
		return err
	}
	want := f.Top(q)
	if len(got) != min(q.Limit, len(want)) {
		return fmt.Errorf("%+v: %d rows, want %d", q, len(got), min(q.Limit, len(want)))
	}
	for i, r := range got {
		// Of equals any may be first.
		j := slices.IndexFunc(want, func(w procmon.TopRow) bool { return TopKey(w) == TopKey(r) })
		if math.Abs(TopValue(r, q.By)-TopValue(want[i], q.By)) > 1e-9 || j < 0 {
			return fmt.Errorf("%+v: row %d is %+v, want %+v", q, i, r, want[i])
		}
		if q.Per != procmon.PerHost && q.Per != procmon.PerUser {
			r.Name = want[j].Name // a process can change it, and names are compared without case
		}
		if diff := cmp.Diff(want[j], r, near); diff != "" {
			return fmt.Errorf("%+v: row %d (-want +got):\n%s", q, i, diff)
		}
	}
	return nil
}

// pages reads page after page.
func pages(ctx context.Context, a Asked, q procmon.SearchQuery) (all []procmon.Match, err error) {
	for range 10_000 {
		page, err := a.Search(ctx, q)
		if err != nil {
			return nil, err
		}
		if len(page.Matches) > q.Limit {
			return nil, fmt.Errorf("a page of %d", len(page.Matches))
		}
		all = append(all, page.Matches...)
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return all, nil
		}
	}
	return nil, errors.New("pages do not end")
}
