//go:build unix

package storage_test

import (
	"errors"
	"io/fs"
	"path/filepath"
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
