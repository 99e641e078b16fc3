//go:build unix

package storage_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
)

func withRetention(d time.Duration, c *testClock) testOption {
	return func(o *storage.Options) { o.Retention, o.Clock = d, c.now }
}

// allocated returns the disk space of the files under dir, as du does.
func allocated(t testing.TB, dir string) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return err
	})
	must(t, err)
	return bytes
}

func TestExpiredHistoryGoesAndItsSpaceReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testExpiredHistoryGoesAndItsSpaceReturns)
}

func testExpiredHistoryGoesAndItsSpaceReturns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	clock := &testClock{}
	clock.set(time.Unix(workload.Base, 0))
	s := openStore(t, dir, withRetention(24*time.Hour, clock))
	// Enough for several files of the database, over three hours.
	var all []procmon.Record
	for i := range 3 {
		h := workload.New(1, i)
		for range 3 * 3600 / workload.Step {
			all = append(all, noisy(h.Record(), 12_000))
		}
	}
	appendTogether(t, s, all...)
	full := allocated(t, dir)
	if full < 20<<20 {
		t.Fatalf("the store takes %d bytes only; the test says nothing", full)
	}

	// One day later the first two hours are gone, and nothing else.
	clock.set(time.Unix(workload.Base+24*3600+2*3600, 0))
	must(t, s.Expire(t.Context()))
	cutoff := clock.now().Add(-24 * time.Hour)
	for _, r := range all {
		v, err := s.At(t.Context(), r.Host, r.Snapshot.Timestamp)
		expired := r.Snapshot.Timestamp.Before(cutoff)
		if expired && !errors.Is(err, procmon.ErrNotFound) {
			t.Fatalf("expired %s: got %v, %v", r.Snapshot.Timestamp, v, err)
		}
		if !expired && (err != nil || !v.Snapshot.Timestamp.Equal(r.Snapshot.Timestamp)) {
			t.Fatalf("kept %s: got %v", r.Snapshot.Timestamp, err)
		}
	}
	hosts, err := s.Hosts(t.Context())
	if err != nil || len(hosts) != 3 || !hosts[0].FirstSeen.Equal(cutoff) {
		t.Errorf("got %v, %v; want 3 hosts first seen at %s", hosts, err, cutoff)
	}
	// Two thirds of the data are gone; the log of Badger is 16 MiB whatever it holds.
	if used := allocated(t, dir); used > full*6/10 {
		t.Errorf("after expiry the store takes %d bytes, before %d", used, full)
	}

	// Then all of it.
	clock.set(time.Unix(workload.Base+48*3600, 0))
	if _, err := s.Latest(t.Context()); !errors.Is(err, procmon.ErrNotFound) {
		t.Errorf("latest of an expired store: %v", err)
	}
	must(t, s.Expire(t.Context()))
	if used := allocated(t, dir); used > 2<<20 {
		t.Errorf("the empty store takes %d bytes", used)
	}
	if hosts, err := s.Hosts(t.Context()); err != nil || len(hosts) != 0 {
		t.Errorf("hosts of an expired store: %v, %v", hosts, err)
	}
	must(t, s.Close())
	s = openStore(t, dir, withRetention(24*time.Hour, clock))
	if d := s.Damage(); len(d) > 0 {
		t.Errorf("expiry is taken for damage: %v", d)
	}
}

func TestExpiredIsHiddenBeforeItIsRemoved(t *testing.T) {
	clock := &testClock{}
	clock.set(noon)
	s := openStore(t, filepath.Join(t.TempDir(), "data"), withRetention(time.Hour, clock))
	appendAll(t, s, record("a", 59*time.Minute), record("a", time.Minute), record("gone", 59*time.Minute))
	clock.set(noon.Add(2 * time.Minute))

	if _, err := s.At(t.Context(), "a", noon.Add(-30*time.Minute)); !errors.Is(err, procmon.ErrNotFound) {
		t.Errorf("at an instant when all was expired: %v", err)
	}
	v, err := s.At(t.Context(), "a", time.Time{})
	if err != nil || v.Previous != nil {
		t.Errorf("got %v, %v; want no previous snapshot", v.Previous, err)
	}
	hosts, err := s.Hosts(t.Context())
	if err != nil || len(hosts) != 1 || hosts[0].FirstSeen.Before(clock.now().Add(-time.Hour)) {
		t.Errorf("hosts: got %v, %v; want only a, first seen within the hour", hosts, err)
	}
	if _, err := s.Host(t.Context(), "gone"); !errors.Is(err, procmon.ErrNotFound) {
		t.Errorf("a host of which all has expired: %v", err)
	}
	must(t, s.Expire(t.Context()))
	h, err := s.Host(t.Context(), "a")
	if err != nil || !h.FirstSeen.Equal(noon.Add(-time.Minute)) {
		t.Errorf("first seen %s, %v; want the snapshot that is left", h.FirstSeen, err)
	}
	_, ok := errors.AsType[*procmon.FieldError](s.Append(t.Context(), record("a", 59*time.Minute)))
	if !ok {
		t.Error("a snapshot that is too old was taken")
	}
}

// shrunk is a store with the history of some hosts, all of it in blocks, that gets nothing new.
func shrunk(t *testing.T, dir string, clock *testClock, keep testOption) (s *storage.Store, all []procmon.Record) {
	t.Helper()
	clock.set(time.Unix(workload.Base, 0))
	s = openStore(t, dir, keep, func(o *storage.Options) { o.Clock = clock.now })
	const hosts = 3
	var list [hosts][]procmon.Record
	var together sync.WaitGroup
	for i := range list {
		h := workload.New(1, i)
		for n := range 4 * 3600 / workload.Step {
			if r := h.Record(); n%4 == 0 {
				list[i] = append(list[i], noisy(r, 32_000))
			}
		}
		all = append(all, list[i]...)
		together.Go(func() { appendAll(t, s, list[i]...) })
	}
	together.Wait()
	clock.set(time.Unix(workload.Base, 0).Add(6 * time.Hour))
	must(t, s.Seal(t.Context()))
	time.Sleep(time.Minute) // of the bubble, in which what was removed leaves the disk
	return s, all
}

// wantKept wants exactly those of all records to be there for which kept is true, and nothing to
// be damaged or left behind.
func wantKept(t *testing.T, s *storage.Store, all []procmon.Record, kept func(procmon.Record) bool) {
	t.Helper()
	there := make(map[string]bool)
	for _, list := range content(t, s) {
		for _, r := range list {
			there[procmon.SnapshotID(r.Host, r.Snapshot.Timestamp)] = true
		}
	}
	for _, r := range all {
		if id := procmon.SnapshotID(r.Host, r.Snapshot.Timestamp); there[id] != kept(r) {
			t.Fatalf("%s: there %v, want %v", id, there[id], kept(r))
		}
	}
	if v, found := problems(t, s); found != "" || v.Leftovers > 0 {
		t.Errorf("%d leftovers, and %s", v.Leftovers, found)
	}
}

func TestHistoryOfSomeHostsExpiresAndItsSpaceReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, clock := filepath.Join(t.TempDir(), "data"), &testClock{}
		short := workload.New(1, 0).Record().Host
		s, all := shrunk(t, dir, clock, func(o *storage.Options) {
			o.Retention = 30 * 24 * time.Hour
			o.RetentionOf = func(labels map[string]string) time.Duration {
				if labels["instance"] == short+":9910" {
					return 24 * time.Hour
				}
				return 0
			}
		})
		full := allocated(t, dir)
		clock.set(time.Unix(workload.Base, 0).Add(24*time.Hour + 2*time.Hour + time.Minute))
		must(t, s.Expire(t.Context()))
		cutoff := clock.now().Add(-24 * time.Hour)
		wantKept(t, s, all, func(r procmon.Record) bool { return r.Host != short || !r.Snapshot.Timestamp.Before(cutoff) })

		clock.set(time.Unix(workload.Base, 0).Add(48 * time.Hour))
		must(t, s.Expire(t.Context()))
		wantKept(t, s, all, func(r procmon.Record) bool { return r.Host != short })
		// A third is gone; the log of Badger is 16 MiB whatever it holds.
		used := allocated(t, dir)
		t.Logf("%d bytes before, %d after", full, used)
		const log = 16 << 20
		if used-log > (full-log)*72/100 {
			t.Errorf("after expiry the store takes %d bytes, before %d", used, full)
		}
	})
}

func TestOldestHistoryGoesWhereTheDirectoryIsTooLarge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, clock := filepath.Join(t.TempDir(), "data"), &testClock{}
		s, all := shrunk(t, dir, clock, func(o *storage.Options) {})
		full := allocated(t, dir)
		must(t, s.Close())
		bound := full * 80 / 100
		s = openStore(t, dir, func(o *storage.Options) { o.Clock, o.RetentionSize = clock.now, bound })
		must(t, s.Expire(t.Context()))
		used := allocated(t, dir)
		t.Logf("%d bytes before, %d after; the bound is %d", full, used, bound)
		if used > bound {
			t.Errorf("the store takes %d bytes; at most %d are allowed", used, bound)
		}
		begin := time.Unix(workload.Base, 0).Add(2 * time.Hour)
		wantKept(t, s, all, func(r procmon.Record) bool { return !r.Snapshot.Timestamp.Before(begin) })
	})
}

// hookContext calls hook after so many looks at whether it has ended.
type hookContext struct {
	context.Context
	after *int
	hook  func()
}

func (c hookContext) Err() error {
	if *c.after--; *c.after == 0 {
		c.hook()
	}
	return c.Context.Err()
}

// TestWhatExpiresWhileBlocksAreMadeOneStaysGone has a host's history expire between the reading of
// its blocks and the writing of the one that takes their place.
func TestWhatExpiresWhileBlocksAreMadeOneStaysGone(t *testing.T) {
	clock := &testClock{}
	clock.set(noon.Add(-3 * time.Hour))
	var age atomic.Int64
	s := openStore(t, filepath.Join(t.TempDir(), "data"), func(o *storage.Options) {
		o.Clock, o.Retention = clock.now, 30*24*time.Hour
		o.RetentionOf = func(labels map[string]string) time.Duration {
			if labels["instance"] == "a:9910" {
				return time.Duration(age.Load())
			}
			return 0
		}
	})
	first, late := record("a", 3*time.Hour), record("a", 3*time.Hour+time.Minute)
	appendAll(t, s, first, record("b", 3*time.Hour))
	clock.set(noon)
	must(t, s.Seal(t.Context()))
	appendAll(t, s, late)
	// The late one becomes a block of its own, and the next round makes one of both.
	over, cancel := context.WithCancel(t.Context())
	clock.set(noon.Add(time.Hour))
	blocks := storage.Blocks(t, s)
	must(t, storage.CloseAll(s))
	if n := storage.Blocks(t, s); n != blocks+1 {
		t.Fatalf("%d blocks, before %d", n, blocks)
	}
	defer cancel()
	fired := false
	// Two blocks are read twice, for their keys and for what is in them, and then two snapshots.
	looks := 6
	must(t, s.Seal(hookContext{over, &looks, func() {
		fired = true
		age.Store(int64(time.Hour))
		must(t, s.Expire(t.Context()))
	}}))
	if !fired {
		t.Fatal("nothing was read")
	}
	if n := storage.Blocks(t, s); n != 1 {
		t.Errorf("%d blocks, want that of b", n)
	}
	wantKept(t, s, []procmon.Record{first, late}, func(procmon.Record) bool { return false })
}
