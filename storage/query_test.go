package storage_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
)

// TestQueriesSeeEverything asks before and after snapshots became blocks, of which some came
// late: the answers are the same.
func TestQueriesSeeEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testQueriesSeeEverything)
}

func testQueriesSeeEverything(t *testing.T) {
	clock := &testClock{}
	clock.set(time.Unix(workload.Base, 0).Add(3 * time.Hour))
	s := openStore(t, filepath.Join(t.TempDir(), "data"), func(o *storage.Options) { o.Clock = clock.now })
	h := workload.NewShaped(1, 0, workload.Shape{Processes: 80})
	var all, late, inTime []procmon.Record
	for i := range 600 { // two hours and a half
		r := h.Record()
		all = append(all, r)
		if i%7 == 3 {
			late = append(late, r)
		} else {
			inTime = append(inTime, r)
		}
	}
	appendTogether(t, s, inTime...)
	appendTogether(t, s, late...)
	last := all[len(all)-1].Snapshot
	id := last.Processes[40].ID()
	from, to := all[0].Snapshot.Timestamp, last.Timestamp
	search, err := procmon.ParseSearch("chrome mem>10MB")
	must(t, err)
	type answers struct {
		life    procmon.Life
		series  procmon.Series
		host    procmon.Series
		top     []procmon.TopRow
		matches procmon.Matches
		count   int
	}
	ask := func() (a answers) {
		t.Helper()
		ctx := t.Context()
		var err [6]error
		a.life, err[0] = s.Life(ctx, "WIN-host-000", id)
		a.series, err[1] = s.Series(ctx, procmon.SeriesQuery{Host: "win-host-000", Process: &id, From: from, To: to})
		a.host, err[2] = s.Series(ctx, procmon.SeriesQuery{Host: "win-host-000", From: from, To: to, Step: time.Minute})
		a.top, err[3] = s.Top(ctx, procmon.TopQuery{From: from, To: to, By: procmon.TopCPU, Per: procmon.PerProcess, Limit: 10})
		a.matches, err[4] = s.Search(ctx, procmon.SearchQuery{Match: search, From: from, To: to, Limit: 1000})
		err[5] = s.Snapshots(ctx, "win-host-000", from, to, func(r procmon.Record) error {
			if !reflect.DeepEqual(all[a.count], r) { // much faster than cmp
				t.Errorf("snapshot %d (-want +got):\n%s", a.count, cmp.Diff(all[a.count], r))
			}
			a.count++
			return nil
		})
		must(t, errors.Join(err[:]...))
		return a
	}
	want := ask()
	if len(want.series.Times) == 0 || len(want.top) != 10 || len(want.matches.Matches) == 0 || want.count != len(all) || len(want.host.Times) < 150 {
		t.Fatalf("there is little in the answers: %d points, %d rows, %d matches, %d snapshots, %d minutes", len(want.series.Times), len(want.top),
			len(want.matches.Matches), want.count, len(want.host.Times))
	}
	for _, after := range []time.Duration{0, 20 * time.Minute, 24 * time.Hour} {
		clock.set(clock.now().Add(after))
		must(t, s.Seal(t.Context()))
		if diff := cmp.Diff(want, ask(), cmp.AllowUnexported(answers{})); diff != "" {
			t.Fatalf("%v later (-want +got):\n%s", after, diff)
		}
	}
	if n := storage.Singles(t, s); n > 0 {
		t.Errorf("%d snapshots are in no block", n)
	}

	before, after := all[100].Snapshot, all[500].Snapshot
	d, err := s.Difference(t.Context(), "win-host-000", before.Timestamp, after.Timestamp.Add(time.Second))
	must(t, err)
	if len(d.Started)+len(d.Stayed) != len(after.Processes) || len(d.Ended)+len(d.Stayed) != len(before.Processes) || len(d.Started) == 0 {
		t.Errorf("started %d, ended %d, stayed %d", len(d.Started), len(d.Ended), len(d.Stayed))
	}
	if _, err := s.Difference(t.Context(), "win-host-000", after.Timestamp, before.Timestamp); err == nil {
		t.Error("a difference that goes back")
	}
	if _, err := s.Life(t.Context(), "nobody", id); !errors.Is(err, procmon.ErrNotFound) {
		t.Errorf("the life on a host that is not there: %v", err)
	}
}
