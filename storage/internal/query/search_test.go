package query_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/query"
)

func parse(t testing.TB, text string) procmon.Search {
	t.Helper()
	s, err := procmon.ParseSearch(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// all reads page after page.
func all(t *testing.T, e *query.Engine, q procmon.SearchQuery) (found []procmon.Match) {
	t.Helper()
	for range 1000 {
		page, err := e.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Matches) > q.Limit {
			t.Fatalf("a page of %d", len(page.Matches))
		}
		found = append(found, page.Matches...)
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return found
		}
	}
	t.Fatal("pages do not end")
	return nil
}

// TestShortLived are processes that were in no snapshot.
func TestShortLived(t *testing.T) {
	f := newFleet(t)
	at := func(s int) time.Time { return began.Add(time.Duration(s) * time.Second) }
	var records []procmon.Record
	for i := range 4 {
		s := &procmon.Snapshot{Timestamp: at(15 * i), Processes: []procmon.Process{{PID: 1, Name: "init", StartTime: procmon.Some(at(-100))}}}
		if i == 2 {
			s.Events = []procmon.Event{
				{Kind: procmon.Started, Time: at(20), PID: 7, PPID: procmon.Some[uint32](1), StartTime: procmon.Some(at(20)), Name: procmon.Some("flash.exe"), Cmdline: procmon.Some("flash 1")},
				{Kind: procmon.Ended, Time: at(21), PID: 7, StartTime: procmon.Some(at(20)), ExitCode: procmon.Some[int64](3)},
				{Kind: procmon.Ended, Time: at(22), PID: 1, StartTime: procmon.Some(at(-100)), ExitCode: procmon.Some[int64](9)},
			}
		}
		records = append(records, procmon.Record{Host: "a", Snapshot: s})
	}
	f.add(t, "a", records, 2)
	e := &query.Engine{Source: f}
	got := all(t, e, procmon.SearchQuery{Match: parse(t, "flash"), From: at(0), To: at(60), Limit: 5})
	if len(got) != 1 || got[0].Process.Name != "flash.exe" || got[0].ExitCode != procmon.Some[int64](3) || !got[0].EndedAt.Equal(at(21)) || !got[0].Ended() {
		t.Errorf("found %+v", got)
	}
	life, err := e.Life(t.Context(), "a", procmon.ProcessID{PID: 7, Start: at(20).UnixNano()})
	if err != nil || life.Process.Cmdline.Value != "flash 1" || life.ExitCode != procmon.Some[int64](3) {
		t.Errorf("the life is %+v, %v", life, err)
	}
	if life, err = e.Life(t.Context(), "a", procmon.ProcessID{PID: 1, Start: at(-100).UnixNano()}); err != nil || life.ExitCode != procmon.Some[int64](9) {
		t.Errorf("the life is %+v, %v", life, err)
	}
}

func TestQueriesRefuse(t *testing.T) {
	f, e, _ := world(t, 1)
	field := func(name string) func(error) bool {
		return func(err error) bool {
			f, ok := errors.AsType[*procmon.FieldError](err)
			return ok && f.Field == name
		}
	}
	end := began.Add(24 * time.Hour)
	search := func(q procmon.SearchQuery) error { _, err := e.Search(t.Context(), q); return err }
	top := func(q procmon.TopQuery) error { _, err := e.Top(t.Context(), q); return err }
	series := func(q procmon.SeriesQuery) error { _, err := e.Series(t.Context(), q); return err }
	for i, test := range []struct {
		err  error
		want func(error) bool
	}{
		{search(procmon.SearchQuery{}), field("limit")},
		{search(procmon.SearchQuery{Limit: 1001}), field("limit")},
		{search(procmon.SearchQuery{Limit: 1, Cursor: "x"}), field("cursor")},
		{search(procmon.SearchQuery{Limit: 1, Cursor: "LTEgYQ"}), field("cursor")}, // -1 a
		{search(procmon.SearchQuery{Limit: 1, From: end, To: began}), field("to")},
		{top(procmon.TopQuery{By: "x", Per: procmon.PerHost, Limit: 1}), field("by")},
		{top(procmon.TopQuery{By: procmon.TopCPU, Per: "x", Limit: 1}), field("per")},
		{top(procmon.TopQuery{By: procmon.TopCPU, Per: procmon.PerHost}), field("limit")},
		{series(procmon.SeriesQuery{Host: "lin", From: began, To: end, Metrics: []procmon.Metric{"private"}}), field("metric")},
		{series(procmon.SeriesQuery{Host: "lin", From: end, To: began}), field("to")},
		{series(procmon.SeriesQuery{Host: "lin", From: began, To: end, Step: -1}), field("step")},
	} {
		if !test.want(test.err) {
			t.Errorf("%d: got %v", i, test.err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Search(ended, procmon.SearchQuery{Limit: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context has ended: %v", err)
	}
	var many []procmon.Record
	for i := range query.MaxPoints + 1 {
		many = append(many, procmon.Record{Host: "many", Snapshot: &procmon.Snapshot{Timestamp: began.Add(time.Duration(i) * time.Second)}})
	}
	f.add(t, "many", many, 4000)
	if err := series(procmon.SeriesQuery{Host: "many", From: began, To: end}); !errors.Is(err, procmon.ErrTooMuch) {
		t.Errorf("too many points: %v", err)
	}
	if err := series(procmon.SeriesQuery{Host: "many", From: began, To: end, Step: time.Minute}); err != nil {
		t.Errorf("with a step: %v", err)
	}
	if got := fmt.Sprint(all(t, e, procmon.SearchQuery{Match: parse(t, "host:many"), Limit: 1})); got != "[]" {
		t.Errorf("an empty host has %s", got)
	}
}
