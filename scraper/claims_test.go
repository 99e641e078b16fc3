package scraper_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/scraper"
)

// rivals starts two targets that deliver the same host, the first of which owns it.
func rivals(t *testing.T, f *fleet, m *scraper.Manager) (first, second *machine) {
	t.Helper()
	first, second = f.add(t, "first:1", host("WIN-07")), f.add(t, "second:1", host("win-07"))
	second.setDown(true)
	apply(t, m, job("j", "first:1", "second:1"))
	runManager(t, m)
	pass(3 * time.Second)
	second.setDown(false)
	pass(3 * time.Second)
	return first, second
}

func TestConflictShowsOnBoth(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, store *memory) {
		rivals(t, f, m)
		a, b := status(m, "first:1"), status(m, "second:1")
		if a.Health != procmon.HealthUp || b.Health != procmon.HealthDown {
			t.Errorf("got %s and %s, want the first one up and the second one down", a.Health, b.Health)
		}
		for _, s := range []procmon.TargetStatus{a, b} {
			want := `: http://first:1/snapshot (job "j"), which is stored, and http://second:1/snapshot (job "j"), which is not; set the label host of one of them by relabelling`
			if got := strings.ToLower(s.LastError); got != `two targets deliver the host "win-07"`+want {
				t.Errorf("got %q", got)
			}
		}
		if n := len(store.of("second:1")); n != 0 {
			t.Errorf("%d snapshots of the second one were stored", n)
		}
		before := len(store.of("first:1"))
		pass(5 * time.Second)
		if n := len(store.of("first:1")) - before; n != 5 {
			t.Errorf("%d snapshots of the first one were stored in 5 s, want 5", n)
		}
		if _, stale := store.all(); len(stale) != 0 {
			t.Errorf("got %v", stale)
		}
	})
}

func TestConflictEnds(t *testing.T) {
	for _, tc := range []struct {
		name    string
		end     func(t *testing.T, f *fleet, m *scraper.Manager, first, second *machine)
		wait    time.Duration
		ownerUp string
	}{
		{"the owner is gone", func(t *testing.T, _ *fleet, m *scraper.Manager, _, _ *machine) {
			apply(t, m, job("j", "second:1"))
		}, 3 * time.Second, "second:1"},
		{"the owner is down for a while", func(_ *testing.T, _ *fleet, _ *scraper.Manager, first, _ *machine) {
			first.setDown(true)
		}, 65 * time.Second, "second:1"},
		{"the rival is gone", func(t *testing.T, _ *fleet, m *scraper.Manager, _, _ *machine) {
			apply(t, m, job("j", "first:1"))
		}, 0, "first:1"},
		{"the rival is down", func(_ *testing.T, _ *fleet, _ *scraper.Manager, _, second *machine) {
			second.setDown(true)
		}, 3 * time.Second, "first:1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, _ *memory) {
				first, second := rivals(t, f, m)
				tc.end(t, f, m, first, second)
				pass(tc.wait)
				if got := status(m, tc.ownerUp); got.Health != procmon.HealthUp || got.LastError != "" {
					t.Errorf("got %s, %q", got.Health, got.LastError)
				}
			})
		})
	}
}

func TestConflictWaitsForAShortOutage(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, store *memory) {
		first, _ := rivals(t, f, m)
		first.setDown(true)
		pass(30 * time.Second)
		first.setDown(false)
		pass(3 * time.Second)
		if n := len(store.of("second:1")); n != 0 {
			t.Errorf("the second one took over after 30 s: %d snapshots stored", n)
		}
		if got := status(m, "first:1").Health; got != procmon.HealthUp {
			t.Errorf("the first one is %s", got)
		}
	})
}

// The owner that comes back after another has taken over is the one that is refused.
func TestConflictAfterTakeover(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, store *memory) {
		first, _ := rivals(t, f, m)
		first.setDown(true)
		pass(65 * time.Second)
		first.setDown(false)
		before := len(store.of("first:1"))
		pass(5 * time.Second)
		if got := status(m, "first:1"); got.Health != procmon.HealthDown || !strings.Contains(got.LastError, "second:1/snapshot (job \"j\"), which is stored") {
			t.Errorf("got %s, %q", got.Health, got.LastError)
		}
		if n := len(store.of("first:1")) - before; n != 0 {
			t.Errorf("%d snapshots stored", n)
		}
		if _, stale := store.all(); len(stale) != 1 {
			t.Errorf("got %v, want one mark, of the outage", stale)
		}
	})
}

func TestHostLabelSettlesConflict(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, store *memory) {
		f.add(t, "first:1", host("same"))
		f.add(t, "second:1", host("same"))
		j := job("j")
		j.Discovery = discovery.Configs{static(nil, "first:1"), static(model.LabelSet{"host": "other"}, "second:1")}
		apply(t, m, j)
		runManager(t, m)
		pass(3 * time.Second)
		for instance, want := range map[string]string{"first:1": "same", "second:1": "other"} {
			s := status(m, instance)
			if s.Health != procmon.HealthUp || s.Host != want {
				t.Errorf("%s: got %s, host %q, %q", instance, s.Health, s.Host, s.LastError)
			}
			for _, r := range store.of(instance) {
				if r.Host != want || r.Snapshot.Hostname != "same" {
					t.Errorf("%s: stored as %q of %q, want %q", instance, r.Host, r.Snapshot.Hostname, want)
				}
			}
		}
	})
}

// A machine that is renamed leaves its old name behind.
func TestRenamedHost(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, store *memory) {
		old := time.Now().Add(5 * time.Second)
		f.add(t, "a:1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if time.Now().Before(old) {
				host("old")(w, r)
			} else {
				host("new")(w, r)
			}
		}))
		apply(t, m, job("j", "a:1"))
		runManager(t, m)
		pass(10 * time.Second)
		_, stale := store.all()
		if len(stale) != 1 || stale[0].Host != "old" {
			t.Errorf("got %v, want old to be stale", stale)
		}
		if got := status(m, "a:1"); got.Host != "new" || got.Health != procmon.HealthUp {
			t.Errorf("got %+v", got)
		}
		// The old name is free for another machine.
		f.add(t, "b:1", host("OLD"))
		apply(t, m, job("j", "a:1", "b:1"))
		pass(2 * time.Second)
		if got := status(m, "b:1"); got.Health != procmon.HealthUp {
			t.Errorf("got %s, %q", got.Health, got.LastError)
		}
	})
}
