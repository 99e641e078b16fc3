package storage_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDirEnv); dir != "" {
		workUntilKilled(dir)
		return
	}
	if dir := os.Getenv(fullDirEnv); dir != "" {
		workOnFullDisk(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// noon is the instant that tests take as now.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// testClock is a clock that tests set.
type testClock struct{ at atomic.Int64 }

func (c *testClock) set(t time.Time) { c.at.Store(t.UnixNano()) }
func (c *testClock) now() time.Time  { return time.Unix(0, c.at.Load()) }

type testOption func(*storage.Options)

func openStore(t testing.TB, dir string, options ...testOption) *storage.Store {
	t.Helper()
	s, err := tryOpen(t, dir, options...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tryOpen(t testing.TB, dir string, options ...testOption) (*storage.Store, error) {
	t.Helper()
	o := storage.Options{
		Logger: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelInfo})),
		Clock:  func() time.Time { return noon },
	}
	for _, option := range options {
		option(&o)
	}
	s, err := storage.Open(dir, o)
	if err == nil {
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return s, err
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// record returns a small snapshot of a host, made so long before noon.
func record(host string, before time.Duration) procmon.Record {
	at := noon.Add(-before)
	return procmon.Record{
		Host:   host,
		Labels: map[string]string{"job": "windows", "instance": host + ":9910"},
		Snapshot: &procmon.Snapshot{
			Hostname:  host,
			Timestamp: at,
			System:    procmon.System{OS: procmon.Some("Windows"), Threads: procmon.Some[uint32](4)},
			Processes: []procmon.Process{{
				PID: 4, Name: "System",
				StartTime:  procmon.Some(noon.Add(-24 * time.Hour)),
				CPUSeconds: procmon.Some(at.Sub(noon.Add(-24*time.Hour)).Seconds() / 2),
			}},
		},
	}
}

func appendAll(t testing.TB, s *storage.Store, records ...procmon.Record) {
	t.Helper()
	for _, r := range records {
		if err := s.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// appendTogether appends records in their order, but so that many share a commit, which
// appendAll does not do. It works in a bubble of synctest, where the store does not stop waiting
// for more before all of them wait.
func appendTogether(t testing.TB, s *storage.Store, records ...procmon.Record) {
	t.Helper()
	for chunk := range slices.Chunk(records, 200) {
		var wg sync.WaitGroup
		for _, r := range chunk {
			wg.Go(func() {
				if err := s.Append(t.Context(), r); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
	}
}

func TestAppendAndReadBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openStore(t, dir)
	h := workload.New(1, 0)
	h.JitterMillis = 40
	first, second := h.Record(), h.Record()
	appendAll(t, s, first, second)
	check := func(s *storage.Store) {
		t.Helper()
		v, err := s.At(t.Context(), strings.ToLower(h.Name), second.Snapshot.Timestamp)
		if err != nil {
			t.Fatal(err)
		}
		want := procmon.View{Record: second, Previous: first.Snapshot}
		if diff := cmp.Diff(want, v); diff != "" {
			t.Errorf("at (-want +got):\n%s", diff)
		}
		hosts, err := s.Hosts(t.Context())
		if err != nil || len(hosts) != 1 {
			t.Fatalf("got %v, %v; want one host", hosts, err)
		}
		cpu := procmon.CPUPercent(first.Snapshot.Counters(), second.Snapshot)
		if got, want := hosts[0].CPU, procmon.HostCPUPercent(second.Snapshot, cpu); got != want {
			t.Errorf("host CPU: got %v, want %v", got, want)
		}
		if hosts[0].Busiest == nil || hosts[0].Processes != workload.Slots ||
			!hosts[0].FirstSeen.Equal(first.Snapshot.Timestamp) || !hosts[0].LastSeen.Equal(second.Snapshot.Timestamp) {
			t.Errorf("summary: %+v", hosts[0])
		}
	}
	check(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), first); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("append to a closed store: %v", err)
	}
	check(openStore(t, dir))
}

func TestIdleTimeKeepsNobodyBusy(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "data"))
	r := record("WIN-07", 0)
	r.Snapshot.Processes = []procmon.Process{
		{PID: 0, Name: "System Idle Process", CPU: procmon.Some(780.0)},
		{PID: 4, Name: "System", CPU: procmon.Some(1.5)},
	}
	if err := s.Append(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	h, err := s.Host(t.Context(), r.Host)
	if err != nil {
		t.Fatal(err)
	}
	if h.Busiest == nil || h.Busiest.Name != "System" {
		t.Errorf("the busiest process is %+v", h.Busiest)
	}
}
