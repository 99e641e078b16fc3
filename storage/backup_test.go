package storage_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
)

// fleetRecords returns the snapshots of some hosts over some hours, a minute apart.
func fleetRecords(hosts int, hours int) (all []procmon.Record) {
	for i := range hosts {
		h := workload.New(7, i)
		h.JitterMillis = 40
		for n := range hours * 3600 / workload.Step {
			if r := h.Record(); n%4 == 0 {
				all = append(all, r)
			}
		}
	}
	return all
}

// content returns all that is stored, by host.
func content(t testing.TB, s *storage.Store) map[string][]procmon.Record {
	t.Helper()
	hosts, err := s.Hosts(t.Context())
	must(t, err)
	all := make(map[string][]procmon.Record)
	for _, h := range hosts {
		must(t, s.Snapshots(t.Context(), h.Host, time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64), func(r procmon.Record) error {
			all[h.Host] = append(all[h.Host], r)
			return nil
		}))
	}
	return all
}

// filled returns a store with blocks, open segments, and a value in parts.
func filled(t testing.TB, dir string, records ...procmon.Record) *storage.Store {
	t.Helper()
	clock := &testClock{}
	clock.set(time.Unix(workload.Base, 0).Add(2 * time.Hour))
	s := openStore(t, dir, func(o *storage.Options) { o.Clock = clock.now })
	appendAll(t, s, records...)
	clock.set(time.Unix(workload.Base, 0).Add(3 * time.Hour))
	must(t, s.Seal(t.Context()))
	last := records[len(records)-1]
	appendAll(t, s, noisy(procmon.Record{Host: "big", Labels: map[string]string{}, Snapshot: &procmon.Snapshot{
		Hostname: "big", Timestamp: last.Snapshot.Timestamp, Processes: []procmon.Process{{PID: 4, Name: "System"}},
	}}, 2<<20))
	must(t, s.MarkStale(t.Context(), "big", last.Snapshot.Timestamp.Add(time.Second)))
	return s
}

func TestBackupIsWhatWasThereAtItsInstant(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	records := fleetRecords(2, 3)
	s := filled(t, dir, records...)
	if storage.Blocks(t, s) == 0 || storage.Singles(t, s) == 0 {
		t.Fatal("there should be blocks, and snapshots that are in none")
	}
	want := content(t, s)

	// While the backup is written, more comes, and the first hours expire.
	var backup bytes.Buffer
	var once sync.Once
	made, err := s.Backup(t.Context(), writerFunc(func(p []byte) (int, error) {
		once.Do(func() {
			appendAll(t, s, record("later", -time.Hour))
			must(t, storage.DropBefore(s, time.Unix(workload.Base, 0).Add(2*time.Hour)))
		})
		return backup.Write(p)
	}))
	must(t, err)
	if got := content(t, s); len(got) != 4 || len(got[records[0].Host]) >= len(want[records[0].Host]) {
		t.Fatalf("nothing was stored and expired meanwhile: %d hosts", len(got))
	}
	checked, err := storage.CheckBackup(bytes.NewReader(backup.Bytes()))
	if err != nil || checked.Entries != made.Entries || checked.Bytes != made.Bytes || !checked.Made.Equal(made.Made) {
		t.Errorf("check: got %+v, %v; want %+v", checked, err, made)
	}

	to := filepath.Join(t.TempDir(), "restored")
	_, err = storage.Restore(t.Context(), to, bytes.NewReader(backup.Bytes()), nil)
	must(t, err)
	r := openStore(t, to)
	if got := content(t, r); !reflect.DeepEqual(want, got) { // cmp takes long for so much
		t.Errorf("restored (-want +got):\n%.2000s", cmp.Diff(want, got))
	}
	if v, err := r.At(t.Context(), "big", time.Time{}); err != nil || !v.Stale {
		t.Errorf("a host that was stale: %v, %v", v.Stale, err)
	}
	if d := r.Damage(); len(d) > 0 {
		t.Errorf("damage: %v", d)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestRestoreRefusesWhatIsNotWhole(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "data"))
	appendAll(t, s, record("a", time.Minute), record("b", 0))
	var b bytes.Buffer
	_, err := s.Backup(t.Context(), &b)
	must(t, err)
	whole := b.Bytes()
	try := func(name string, data []byte) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "data")
		_, err := storage.Restore(t.Context(), dir, bytes.NewReader(data), nil)
		if !errors.Is(err, storage.ErrNoBackup) {
			t.Errorf("%s: got %v, want ErrNoBackup", name, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 1 {
			t.Errorf("%s: left %v, %v", name, left, err)
		}
		// What is left can be restored into.
		if name == "half" {
			_, err := storage.Restore(t.Context(), dir, bytes.NewReader(whole), nil)
			must(t, err)
		}
	}
	try("half", whole[:len(whole)/2])
	try("twice", append(bytes.Clone(whole), whole...))
	for _, size := range []int{0, 5, 17, 20, len(whole) - 1, len(whole) - 25} {
		if _, err := storage.CheckBackup(bytes.NewReader(whole[:size])); !errors.Is(err, storage.ErrNoBackup) {
			t.Errorf("%d bytes of %d: %v", size, len(whole), err)
		}
	}
	for i := 0; i < len(whole); i += 3 {
		bad := bytes.Clone(whole)
		bad[i] ^= 0x10
		if _, err := storage.CheckBackup(bytes.NewReader(bad)); !errors.Is(err, storage.ErrNoBackup) {
			t.Fatalf("byte %d of %d was changed: %v", i, len(whole), err)
		}
	}
}

func TestRestoreIsIntoAnEmptyDirectoryOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openStore(t, dir)
	appendAll(t, s, record("a", 0))
	var b bytes.Buffer
	_, err := s.Backup(t.Context(), &b)
	must(t, err)
	_, err = storage.Restore(t.Context(), dir, bytes.NewReader(b.Bytes()), nil)
	if err == nil || !strings.HasSuffix(err.Error(), "it holds a storage already: choose an empty directory, or move that one away") {
		t.Errorf("into a store: %v", err)
	}
	other := t.TempDir()
	write(t, other, "thesis.doc", "all of it")
	_, err = storage.Restore(t.Context(), other, bytes.NewReader(b.Bytes()), nil)
	if err == nil || !strings.Contains(err.Error(), `the directory is not empty ("thesis.doc")`) {
		t.Errorf("into a directory of somebody else's: %v", err)
	}
}

// TestInterruptedRestoreIsNoStore looks at the directory as a kill would leave it.
func TestInterruptedRestoreIsNoStore(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "data"))
	appendAll(t, s, record("a", 0))
	var b bytes.Buffer
	_, err := s.Backup(t.Context(), &b)
	must(t, err)
	dir := filepath.Join(t.TempDir(), "restored")
	var left string
	_, err = storage.Restore(t.Context(), dir, readerFunc(func(p []byte) (int, error) {
		if left == "" {
			left = t.TempDir()
			must(t, os.CopyFS(left, os.DirFS(dir)))
		}
		return b.Read(p)
	}), nil)
	must(t, err)
	if _, err := tryOpen(t, left); err == nil || !strings.HasSuffix(err.Error(),
		"a backup was being restored here, and that did not end: restore it again, or empty the directory") {
		t.Errorf("open: %v", err)
	}
	b.Reset()
	_, err = s.Backup(t.Context(), &b)
	must(t, err)
	_, err = storage.Restore(t.Context(), left, &b, nil)
	must(t, err)
	if diff := cmp.Diff(content(t, s), content(t, openStore(t, left))); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestBackupAndRestoreEndWithTheirContext(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "data"))
	appendAll(t, s, record("a", 0))
	var b bytes.Buffer
	_, err := s.Backup(t.Context(), &b)
	must(t, err)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Backup(over, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("backup: %v", err)
	}
	if _, err := storage.Restore(over, filepath.Join(t.TempDir(), "r"), &b, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("restore: %v", err)
	}
}

func TestInfoCountsWhatIsKept(t *testing.T) {
	t.Parallel()
	records := fleetRecords(2, 3)
	s := filled(t, filepath.Join(t.TempDir(), "data"), records...)
	info, err := s.Info(t.Context())
	must(t, err)
	type day struct {
		Host, Day          string
		Snapshots, Samples int64
		First, Last        time.Time
	}
	var want, got []day
	for host, list := range content(t, s) {
		for _, r := range list {
			name := r.Snapshot.Timestamp.UTC().Format(time.DateOnly)
			if n := len(want); n == 0 || want[n-1].Host != host || want[n-1].Day != name {
				want = append(want, day{Host: host, Day: name, First: r.Snapshot.Timestamp.UTC()})
			}
			d := &want[len(want)-1]
			d.Snapshots++
			d.Samples += int64(len(r.Snapshot.Processes))
			d.Last = r.Snapshot.Timestamp.UTC()
		}
	}
	bytes := int64(0)
	for _, h := range info.Hosts {
		for _, d := range h.Days {
			got = append(got, day{h.Host, d.Day, d.Snapshots, d.ProcessSamples, d.First, d.Last})
			bytes += d.Bytes
		}
	}
	sort := func(days []day) map[string]day {
		m := make(map[string]day)
		for _, d := range days {
			m[d.Host+d.Day] = d
		}
		return m
	}
	if diff := cmp.Diff(sort(want), sort(got)); diff != "" || len(got) != len(want) {
		t.Errorf("info (-want +got):\n%s", diff)
	}
	if bytes != info.Total.Bytes || bytes < 2<<20 || info.Total.Snapshots != int64(len(records)+1) || info.DiskBytes == 0 {
		t.Errorf("total %+v, %d bytes of all days, %d on the disk", info.Total, bytes, info.DiskBytes)
	}
}
