package storage_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/storage/internal/model"
)

// modelSeedsEnv is how many random fleets are tried; make crash sets it.
const (
	modelSeedsEnv = "PROCMON_STORAGE_MODEL_SEEDS"
	fewSeeds      = 6
)

// TestStoreAgreesWithPlainList appends the snapshots of a random fleet, some late, some twice,
// to a store that holds some of them in an older format already, makes blocks and opens it
// again in between. Whatever of it is in segments, blocks, or blocks that overlap: every
// question is answered as from a plain list of snapshots.
func TestStoreAgreesWithPlainList(t *testing.T) {
	for seed := range uint64(fewOr(t, fewSeeds, modelSeedsEnv)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { testStoreAgrees(t, seed) })
		})
	}
}

func testStoreAgrees(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 77))
	dir := filepath.Join(t.TempDir(), "data")
	clock := &testClock{}
	clock.set(noon)
	there := model.Fleet{}
	var deliveries, older []procmon.Record
	for _, host := range []string{"Win-1", "win-2", "lin"} {
		records := model.Random(rnd, host, noon.Add(-time.Duration(rnd.IntN(6))*time.Hour), 60+rnd.IntN(150))
		if seed%3 == 0 {
			n := len(records) / 3
			older = append(older, records[:n]...)
			there[procmon.HostKey(host)] = records[:n:n]
			records = records[n:]
		}
		deliveries = append(deliveries, records...)
	}
	if len(older) > 0 {
		storage.WriteFormat2(t, dir, older)
	}
	slices.SortFunc(deliveries, func(a, b procmon.Record) int { return a.Snapshot.Timestamp.Compare(b.Snapshot.Timestamp) })
	// Most come nearly in the order of time, some hours late.
	for range len(deliveries) / 4 {
		i := rnd.IntN(len(deliveries))
		j := min(len(deliveries)-1, i+[]int{3, 200}[rnd.IntN(2)])
		r := deliveries[i]
		deliveries = slices.Insert(slices.Delete(deliveries, i, i+1), j, r)
	}
	open := func() *storage.Store { return openStore(t, dir, func(o *storage.Options) { o.Clock = clock.now }) }
	s := open()
	for len(deliveries) > 0 {
		n := min(1+rnd.IntN(60), len(deliveries))
		var wg sync.WaitGroup
		for _, r := range deliveries[:n] {
			wg.Go(func() { appendAll(t, s, r) })
			there.Insert(r)
		}
		wg.Wait()
		deliveries = deliveries[n:]
		again := anyOf(there, rnd)
		changed := *again.Snapshot
		changed.Processes = nil
		again.Snapshot = &changed
		appendAll(t, s, again) // the first one wins
		switch rnd.IntN(5) {
		case 0, 1:
			clock.set(clock.now().Add(time.Duration(rnd.IntN(120)) * time.Minute))
			must(t, s.Seal(t.Context()))
		case 2:
			must(t, s.Close())
			s = open()
		}
		checkStore(t, s, there, rnd)
	}
	clock.set(clock.now().Add(24 * time.Hour))
	must(t, s.Seal(t.Context()))
	if n := storage.Singles(t, s); n > 0 {
		t.Errorf("%d snapshots are in no block", n)
	}
	for range 20 {
		checkStore(t, s, there, rnd)
	}
	if d := s.Damage(); len(d) > 0 {
		t.Errorf("damage: %v", d)
	}
}

func anyOf(f model.Fleet, rnd *rand.Rand) procmon.Record {
	hosts := f.Hosts()
	records := f[hosts[rnd.IntN(len(hosts))]]
	return records[rnd.IntN(len(records))]
}

// checkStore asks some of every question there is.
func checkStore(t *testing.T, s *storage.Store, f model.Fleet, rnd *rand.Rand) {
	t.Helper()
	hosts, err := s.Hosts(t.Context())
	must(t, err)
	if len(hosts) != len(f) {
		t.Fatalf("%d hosts, want %d", len(hosts), len(f))
	}
	for _, h := range hosts {
		records := f[procmon.HostKey(h.Host)]
		newest := records[len(records)-1].Snapshot
		if !h.FirstSeen.Equal(records[0].Snapshot.Timestamp) || !h.LastSeen.Equal(newest.Timestamp) || h.Processes != len(newest.Processes) {
			t.Fatalf("the summary is %+v; the host has snapshots from %s to %s", h, records[0].Snapshot.Timestamp, newest.Timestamp)
		}
	}
	instant := func(r procmon.Record) time.Time {
		return r.Snapshot.Timestamp.Add(time.Duration(rnd.IntN(40)-10) * time.Second)
	}
	for range 4 {
		r := anyOf(f, rnd)
		records := f[procmon.HostKey(r.Host)]
		at := instant(r)
		want, ok := model.At(records, at)
		got, err := s.At(t.Context(), r.Host, at)
		got.Stale = false
		if ok == errors.Is(err, procmon.ErrNotFound) || ok && !reflect.DeepEqual(want, got) {
			t.Fatalf("%s at %s: %v (-want +got):\n%s", r.Host, at, err, cmp.Diff(want, got))
		}
		from, to := instant(records[rnd.IntN(len(records))]), at
		var list, listed []procmon.Record
		for _, r := range records {
			if !r.Snapshot.Timestamp.Before(from) && !r.Snapshot.Timestamp.After(to) {
				list = append(list, r)
			}
		}
		must(t, s.Snapshots(t.Context(), r.Host, from, to, func(r procmon.Record) error {
			listed = append(listed, r)
			return nil
		}))
		if !reflect.DeepEqual(list, listed) {
			t.Fatalf("snapshots of %s from %s to %s (-want +got):\n%s", r.Host, from, to, cmp.Diff(list, listed))
		}
		if from.After(to) {
			continue
		}
		difference, ok := model.Difference(records, from, to)
		changed, err := s.Difference(t.Context(), r.Host, from, to)
		if ok == errors.Is(err, procmon.ErrNotFound) || ok && !reflect.DeepEqual(difference, changed) {
			t.Fatalf("%s from %s to %s: %v (-want +got):\n%s", r.Host, from, to, err, cmp.Diff(difference, changed))
		}
	}
	for range 3 {
		if err := f.Check(t.Context(), rnd, s); err != nil {
			t.Fatal(err)
		}
	}
}
