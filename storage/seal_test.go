package storage_test

import (
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
)

// TestBlocksInAnyOrder appends snapshots early, late and twice, while some of them become
// blocks and the store is opened again: each comes back as it was delivered first.
func TestBlocksInAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) { testBlocksInAnyOrder(t, seed) })
	}
}

func testBlocksInAnyOrder(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 9))
	dir := filepath.Join(t.TempDir(), "data")
	clock := &testClock{}
	clock.set(noon.Add(6 * time.Hour))
	open := func() *storage.Store { return openStore(t, dir, func(o *storage.Options) { o.Clock = clock.now }) }
	s := open()
	var all []procmon.Record
	for _, host := range []string{"a", "B", "ab"} {
		all = append(all, churn(rnd, host, 300)...) // about 100 minutes from 11:00 on
	}
	order := rnd.Perm(len(all))
	check := func(appended []int) {
		t.Helper()
		for range 40 {
			want := all[appended[rnd.IntN(len(appended))]]
			v, err := s.At(t.Context(), want.Host, want.Snapshot.Timestamp)
			must(t, err)
			if !reflect.DeepEqual(want, v.Record) { // cmp takes a hundred times as long
				t.Fatalf("seed %d (-want +got):\n%s", seed, cmp.Diff(want, v.Record))
			}
		}
	}
	for n := 0; n < len(order); {
		batch := min(1+rnd.IntN(150), len(order)-n)
		var wg sync.WaitGroup
		for _, i := range order[n : n+batch] {
			wg.Go(func() { appendAll(t, s, all[i]) })
		}
		wg.Wait()
		n += batch
		switch rnd.IntN(4) {
		case 0:
			clock.set(clock.now().Add(20 * time.Minute)) // late ones get as long as others
			must(t, s.Seal(t.Context()))
		case 1:
			must(t, s.Close())
			s = open()
		case 2:
			changed := all[order[rnd.IntN(n)]]
			again := *changed.Snapshot
			again.Processes = nil
			changed.Snapshot = &again
			appendAll(t, s, changed) // the first delivery wins
		}
		check(order[:n])
	}
	clock.set(clock.now().Add(20 * time.Minute))
	must(t, s.Seal(t.Context()))
	check(order)
	// Three hosts in two partitions of time.
	if got := storage.Blocks(t, s); got > 6 {
		t.Errorf("there are %d blocks, want at most 6", got)
	}
	if got := storage.Singles(t, s); got != 0 {
		t.Errorf("%d snapshots are in no block", got)
	}
	must(t, s.Close())
	s = open()
	check(order)
	for _, host := range []string{"a", "b", "ab"} {
		previous := procmon.Record{}
		for _, r := range all {
			if procmon.HostKey(r.Host) != host {
				continue
			}
			v, err := s.At(t.Context(), host, r.Snapshot.Timestamp)
			must(t, err)
			if previous.Snapshot != nil {
				if !reflect.DeepEqual(previous.Snapshot, v.Previous) {
					t.Fatalf("the one before %s (-want +got):\n%s", r.Snapshot.Timestamp, cmp.Diff(previous.Snapshot, v.Previous))
				}
			}
			previous = r
		}
	}
	if d := s.Damage(); len(d) > 0 {
		t.Errorf("damage: %v", d)
	}
	must(t, s.Close())
}

// TestMarkersOutliveBlocks: a host that was out of reach is so after its snapshots became
// blocks.
func TestMarkersOutliveBlocks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	clock := &testClock{}
	clock.set(noon.Add(6 * time.Hour))
	s := openStore(t, dir, func(o *storage.Options) { o.Clock, o.StaleAfter = clock.now, 24*time.Hour })
	appendAll(t, s, record("a", 30*time.Second))
	must(t, s.MarkStale(t.Context(), "a", noon))
	appendAll(t, s, record("a", -30*time.Second))
	for range 2 {
		for _, test := range []struct {
			at   time.Duration
			want bool
		}{{-20 * time.Second, false}, {time.Second, true}, {30 * time.Second, false}} {
			v, err := s.At(t.Context(), "a", noon.Add(test.at))
			must(t, err)
			if v.Stale != test.want {
				t.Errorf("%v after noon it is stale: %t", test.at, v.Stale)
			}
		}
		must(t, s.Seal(t.Context()))
	}
}

// TestRecentSnapshotsBecomeNoBlock until their partition is over for a while.
func TestRecentSnapshotsBecomeNoBlock(t *testing.T) {
	clock := &testClock{}
	s := openStore(t, filepath.Join(t.TempDir(), "data"), func(o *storage.Options) { o.Clock = clock.now })
	clock.set(noon)
	appendAll(t, s, record("a", time.Minute), record("a", 0))
	for _, test := range []struct {
		after time.Duration
		want  int
	}{{5 * time.Minute, 2}, {11 * time.Minute, 1}, {2 * time.Hour, 1}, {2*time.Hour + 11*time.Minute, 0}} {
		clock.set(noon.Add(test.after))
		must(t, s.Seal(t.Context()))
		if got := storage.Singles(t, s); got != test.want {
			t.Errorf("%v after noon %d snapshots are in no block, want %d", test.after, got, test.want)
		}
	}
}
