package storage_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
)

// TestNeighbour goes from every snapshot to others, over a gap, a missed scrape, and from
// blocks into what is open.
func TestNeighbour(t *testing.T) {
	clock := &testClock{}
	clock.set(time.Unix(workload.Base, 0).Add(9 * time.Hour))
	s := openStore(t, filepath.Join(t.TempDir(), "data"), func(o *storage.Options) { o.Clock = clock.now })
	h := workload.New(1, 0)
	var times []time.Time
	for i := range 1500 {
		r := h.Record()
		if i%100 < 60 && (i < 300 || i > 1200) {
			continue
		}
		r.Snapshot.Processes = r.Snapshot.Processes[:2]
		appendAll(t, s, r)
		times = append(times, r.Snapshot.Timestamp)
	}
	must(t, s.MarkStale(t.Context(), "win-host-000", clock.now()))
	check := func() {
		t.Helper()
		for i := 0; i < len(times); i += 7 {
			for _, offset := range []int{0, 1, -1, 10, -10, 333, -333, 1000, -1000} {
				want := times[min(max(i+offset, 0), len(times)-1)]
				for _, at := range []time.Time{times[i], times[i].Add(time.Second)} {
					got, err := s.Neighbour(t.Context(), "WIN-host-000", at, offset)
					if err != nil || !got.Equal(want) {
						t.Fatalf("%d from snapshot %d: got %s, %v, want %s", offset, i, got, err, want)
					}
				}
			}
		}
	}
	check()
	clock.set(clock.now().Add(time.Hour))
	must(t, s.Seal(t.Context()))
	check()
	if got, err := s.Neighbour(t.Context(), "win-host-000", time.Time{}, -1); err != nil || !got.Equal(times[len(times)-2]) {
		t.Errorf("before the newest: got %s, %v", got, err)
	}
	for _, ask := range []struct {
		host string
		at   time.Time
	}{{"win-host-000", times[0].Add(-1)}, {"nobody", times[0]}} {
		if _, err := s.Neighbour(t.Context(), ask.host, ask.at, 1); !errors.Is(err, procmon.ErrNotFound) {
			t.Errorf("%s at %s: got %v", ask.host, ask.at, err)
		}
	}
}
