package storage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
)

func newStore(t testing.TB, options ...testOption) *storage.Store {
	t.Helper()
	return openStore(t, filepath.Join(t.TempDir(), "data"), options...)
}

func TestSameSnapshotIsStoredOnceAndTheFirstWins(t *testing.T) {
	s := newStore(t)
	first := record("Win-07", 0)
	again := record("WIN-07", 0) // the same host
	again.Snapshot.Processes = nil
	appendAll(t, s, first, again)

	var wg sync.WaitGroup
	for range 50 { // in one batch, and in several
		wg.Go(func() {
			if err := s.Append(t.Context(), again); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	v, err := s.At(t.Context(), "win-07", time.Time{})
	must(t, err)
	if diff := cmp.Diff(procmon.View{Record: first}, v); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := strings.NewReader(`
# HELP procmon_storage_hosts Hosts of which snapshots are kept.
# TYPE procmon_storage_hosts gauge
procmon_storage_hosts 1
# HELP procmon_storage_snapshots_appended_total Snapshots that were stored.
# TYPE procmon_storage_snapshots_appended_total counter
procmon_storage_snapshots_appended_total 1
# HELP procmon_storage_snapshots_duplicate_total Snapshots that were delivered again and not stored twice.
# TYPE procmon_storage_snapshots_duplicate_total counter
procmon_storage_snapshots_duplicate_total 51
`)
	if err := testutil.CollectAndCompare(s, want, "procmon_storage_hosts",
		"procmon_storage_snapshots_appended_total", "procmon_storage_snapshots_duplicate_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.CollectAndLint(s); err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v, %v", problems, err)
	}
	if err := prometheus.NewPedanticRegistry().Register(s); err != nil {
		t.Error(err)
	}
}

// TestAnyOrder appends snapshots of some hosts in random order, some twice, and holds what
// is read at every instant against a plain list, before and after the store is opened again.
func TestAnyOrder(t *testing.T) { synctest.Test(t, testAnyOrder) }

func testAnyOrder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openStore(t, dir)
	rnd := rand.New(rand.NewPCG(1, 2))
	model := make(map[string][]procmon.Record) // oldest first
	var deliveries []procmon.Record
	for _, host := range []string{"a", "ab", "A.corp", "b\u00e9"} {
		before := 40 * time.Hour
		for range 60 {
			before -= time.Duration(rnd.IntN(int(30*time.Minute))) + 1
			r := record(host, before)
			model[host] = append(model[host], r)
			deliveries = append(deliveries, r)
			if rnd.IntN(5) == 0 {
				deliveries = append(deliveries, r)
			}
		}
	}
	rnd.Shuffle(len(deliveries), func(i, j int) { deliveries[i], deliveries[j] = deliveries[j], deliveries[i] })

	check := func() {
		t.Helper()
		hosts, err := s.Hosts(t.Context())
		must(t, err)
		if len(hosts) != len(model) {
			t.Fatalf("got %d hosts, want %d", len(hosts), len(model))
		}
		for i, h := range hosts {
			if i > 0 && procmon.HostKey(hosts[i-1].Host) >= procmon.HostKey(h.Host) {
				t.Errorf("%q stands before %q", hosts[i-1].Host, h.Host)
			}
			records := model[h.Host]
			if diff := cmp.Diff(summary(records), h); diff != "" {
				t.Errorf("%s (-want +got):\n%s", h.Host, diff)
			}
			if _, err := s.At(t.Context(), h.Host, records[0].Snapshot.Timestamp.Add(-1)); !errors.Is(err, procmon.ErrNotFound) {
				t.Errorf("%s before the first snapshot: %v", h.Host, err)
			}
			for i, r := range records {
				next := noon
				if i+1 < len(records) {
					next = records[i+1].Snapshot.Timestamp.Add(-1)
				}
				want := procmon.View{Record: r, Previous: previous(records, i)}
				at := r.Snapshot.Timestamp.Add(time.Duration(rnd.Int64N(int64(next.Sub(r.Snapshot.Timestamp)) + 1)))
				want.Stale = at.Sub(r.Snapshot.Timestamp) > procmon.StaleAfter
				v, err := s.At(t.Context(), h.Host, at)
				must(t, err)
				if !reflect.DeepEqual(want, v) {
					t.Fatalf("%s at %s (-want +got):\n%s", h.Host, at, cmp.Diff(want, v))
				}
			}
		}
	}
	appendTogether(t, s, deliveries...)
	check()
	must(t, s.Close())
	s = openStore(t, dir)
	check()
}

func previous(records []procmon.Record, i int) *procmon.Snapshot {
	if i == 0 || records[i].Snapshot.Timestamp.Sub(records[i-1].Snapshot.Timestamp) > time.Hour {
		return nil
	}
	return records[i-1].Snapshot
}

func summary(records []procmon.Record) procmon.HostSummary {
	newest := records[len(records)-1]
	cpu := procmon.CPUPercent(previous(records, len(records)-1).Counters(), newest.Snapshot)
	p := &newest.Snapshot.Processes[0]
	h := procmon.HostSummary{
		Host: newest.Host, Labels: newest.Labels,
		FirstSeen: records[0].Snapshot.Timestamp, LastSeen: newest.Snapshot.Timestamp,
		System: newest.Snapshot.System, Processes: len(newest.Snapshot.Processes),
		CPU: procmon.HostCPUPercent(newest.Snapshot, cpu),
	}
	if cpu[0].Known {
		h.Busiest = &procmon.Usage{ID: p.ID(), Name: p.Name, CPU: cpu[0].Value}
	}
	return h
}

func TestStale(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openStore(t, dir)
	must(t, s.MarkStale(t.Context(), "nobody", noon)) // not known: nothing to mark
	if _, err := s.Host(t.Context(), "nobody"); !errors.Is(err, procmon.ErrNotFound) {
		t.Errorf("a host came to be of a missed scrape: %v", err)
	}
	appendAll(t, s, record("a", 4*time.Minute), record("pushes", 10*time.Minute))
	must(t, s.MarkStale(t.Context(), "A", noon.Add(-3*time.Minute)))
	must(t, s.MarkStale(t.Context(), "a", noon.Add(-2*time.Minute))) // no news
	appendAll(t, s, record("a", time.Minute), record("ahead", -time.Minute))
	must(t, s.MarkStale(t.Context(), "ahead", noon)) // its clock is a minute ahead of ours

	check := func() {
		t.Helper()
		for _, test := range []struct {
			host   string
			before time.Duration // noon
			want   bool
		}{
			{"a", 4 * time.Minute, false},
			{"a", 3*time.Minute + 1, false},
			{"a", 3 * time.Minute, true},
			{"a", time.Minute + 1, true},
			{"a", time.Minute, false},
			{"a", 0, false},
			{"pushes", 5 * time.Minute, false},
			{"pushes", 5*time.Minute - 1, true}, // too old
			{"pushes", 0, true},
			{"ahead", -time.Minute, false},
			{"ahead", -time.Minute - 1, true},
		} {
			v, err := s.At(t.Context(), test.host, noon.Add(-test.before))
			if err != nil || v.Stale != test.want {
				t.Errorf("%s %s before noon: stale %v, %v; want %v", test.host, test.before, v.Stale, err, test.want)
			}
		}
	}
	check()
	must(t, s.Close())
	s = openStore(t, dir)
	check()
	must(t, s.MarkStale(t.Context(), "a", noon))
	if v, err := s.At(t.Context(), "a", noon); err != nil || !v.Stale {
		t.Errorf("marked after it was opened again: stale %v, %v", v.Stale, err)
	}
}

// TestManyAtOnce shares commits between appenders.
func TestManyAtOnce(t *testing.T) {
	s := newStore(t)
	const hosts, rounds = 100, 5
	var wg sync.WaitGroup
	for i := range hosts {
		wg.Go(func() {
			for round := range rounds {
				if err := s.Append(t.Context(), record(fmt.Sprintf("host-%d", i), -time.Duration(round)*time.Second)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	all, err := s.Hosts(t.Context())
	if err != nil || len(all) != hosts {
		t.Errorf("got %d hosts, %v; want %d", len(all), err, hosts)
	}
	commits := metric(t, s, "procmon_storage_commits_total")
	if commits >= hosts*rounds/2 {
		t.Errorf("%v commits for %d snapshots", commits, hosts*rounds)
	}
}

func metric(t testing.TB, c prometheus.Collector, name string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func TestAppendRefuses(t *testing.T) {
	s := newStore(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Append(ended, record("a", 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	large := record("a", 0)
	large.Snapshot.Processes[0].Cmdline = procmon.Some(strings.Repeat("x", 65<<20))
	far := record("a", 0)
	far.Snapshot.Processes[0].StartTime = procmon.Some(time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC))
	for _, test := range []struct {
		name string
		r    procmon.Record
		want string
	}{
		{"no host", record("", 0), `host: "" is not a name of 1 to 253 bytes without control characters`},
		{"control character", record("a\x00b", 0), `host: "a\x00b" is not a name of 1 to 253 bytes without control characters`},
		{"too large", large, "the texts of the snapshot take 68157"},
		{"time out of range", far, "processes[0].start_time: the time 1600-01-01T00:00:00Z is not between the years 1680 and 2260"},
	} {
		err := s.Append(t.Context(), test.r)
		if _, ok := errors.AsType[*procmon.FieldError](err); !ok || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	if hosts, err := s.Hosts(t.Context()); err != nil || len(hosts) != 0 {
		t.Errorf("something was stored: %v, %v", hosts, err)
	}
	if _, err := s.Latest(t.Context()); !errors.Is(err, procmon.ErrNotFound) {
		t.Errorf("latest of an empty store: %v", err)
	}
}

// TestLargeSnapshot is larger than a value may be, and than a transaction.
func TestLargeSnapshot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openStore(t, dir)
	rnd := rand.New(rand.NewPCG(3, 4))
	large := record("a", 0)
	for i := range 300 {
		noise := make([]byte, 8000)
		for j := range noise {
			noise[j] = byte(rnd.Uint32())
		}
		large.Snapshot.Processes = append(large.Snapshot.Processes, procmon.Process{
			PID: uint32(1000 + i), Name: "noise", Cmdline: procmon.Some(fmt.Sprintf("%x", noise)),
		})
	}
	appendAll(t, s, record("a", time.Minute), large, record("a", -time.Minute))
	for range 2 {
		v, err := s.At(t.Context(), "a", noon)
		must(t, err)
		if !reflect.DeepEqual(large, v.Record) {
			t.Fatal("it came back changed")
		}
		must(t, s.Close())
		s = openStore(t, dir)
	}
}
