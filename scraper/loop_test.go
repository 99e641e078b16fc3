package scraper_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/scraper"
)

func TestScheduleKeepsOffsetAndConnection(t *testing.T) {
	phases := func() (found map[string]time.Duration) {
		found = map[string]time.Duration{}
		bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, _ *memory) {
			j := job("fleet")
			j.Interval, j.Timeout = 15*time.Second, 10*time.Second
			var addresses []string
			machines := map[string]*machine{}
			for i := range 50 {
				address := fmt.Sprintf("win-%02d:9910", i)
				addresses = append(addresses, address)
				machines[address] = f.add(t, address, host(address))
			}
			j.Discovery = discovery.Configs{static(nil, addresses...)}
			apply(t, m, j)
			runManager(t, m)
			pass(time.Second)
			if n := up(m); n != 50 {
				t.Errorf("after a second %d of 50 new targets are up: first scrapes do not wait for an interval", n)
			}
			pass(10 * time.Minute)
			for address, machine := range machines {
				times := machine.times()
				if machine.dials != 1 {
					t.Errorf("%s: %d connections for %d scrapes, want 1", address, machine.dials, len(times))
				}
				if n := len(times); n < 40 || n > 42 {
					t.Errorf("%s: %d scrapes in ten minutes, want one in 15 s", address, n)
				}
				phase := func(at time.Time) time.Duration { return time.Duration(at.UnixNano() % int64(15*time.Second)) }
				found[address] = phase(times[1])
				for i, at := range times[1:] {
					if i > 0 && at.Sub(times[i]) != 15*time.Second {
						t.Errorf("%s: scrape %d comes %v after the one before", address, i+1, at.Sub(times[i]))
					}
				}
			}
		})
		return found
	}
	first, second := phases(), phases()
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("offsets differ from run to run (-first +second):\n%s", diff)
	}
	quarters := map[time.Duration]int{}
	for _, phase := range first {
		quarters[phase/(15*time.Second/4)]++
	}
	for q := range time.Duration(4) {
		if quarters[q] < 3 {
			t.Errorf("%d of 50 targets in quarter %d of the interval: they are not spread", quarters[q], q)
		}
	}
}

func TestOutageMarksStaleOnce(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, store *memory) {
		machine := f.add(t, "a:1", host("WIN-A"))
		f.add(t, "never:1", http.NotFoundHandler())
		apply(t, m, job("j", "a:1", "never:1"))
		runManager(t, m)
		pass(5 * time.Second)
		good := status(m, "a:1")
		if good.Health != procmon.HealthUp || good.Host != "WIN-A" || good.LastProcesses != 3 || good.LastError != "" {
			t.Fatalf("got %+v", good)
		}
		for range 2 {
			machine.setDown(true)
			pass(10 * time.Second)
			bad := status(m, "a:1")
			if bad.Health != procmon.HealthDown || bad.Host != "WIN-A" || bad.LastError != "the target answered HTTP status 503 Service Unavailable: down" {
				t.Errorf("got %+v", bad)
			}
			machine.setDown(false)
			pass(5 * time.Second)
			if got := status(m, "a:1"); got.Health != procmon.HealthUp || got.LastError != "" {
				t.Errorf("did not come up again: %+v", got)
			}
		}
		records, stale := store.all()
		if len(stale) != 2 || stale[0].Host != "WIN-A" {
			t.Fatalf("got %v, want WIN-A stale once for each of two outages", stale)
		}
		for _, s := range stale {
			if slices.ContainsFunc(records, func(r procmon.Record) bool { return r.Snapshot.Timestamp.Equal(s.At) }) {
				t.Errorf("marked stale at %v, when it delivered", s.At)
			}
		}
	})
}

func TestStaleMarkIsRepeatedUntilStored(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, store *memory) {
		machine := f.add(t, "a:1", host("A"))
		apply(t, m, job("j", "a:1"))
		runManager(t, m)
		pass(3 * time.Second)
		store.fail(errStore)
		pass(3 * time.Second)
		if got := status(m, "a:1"); got.Health != procmon.HealthDown || got.LastError != "store the snapshot: the disk is full" {
			t.Errorf("a scrape that is not stored is not good; got %+v", got)
		}
		machine.setDown(true)
		pass(3 * time.Second)
		store.fail(nil)
		pass(5 * time.Second)
		if _, stale := store.all(); len(stale) != 1 {
			t.Errorf("got %v, want one mark", stale)
		}
	})
}

func TestDisappearedTargetIsStale(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, store *memory) {
		for _, name := range []string{"a", "b", "c"} {
			f.add(t, name+":1", host(name))
		}
		apply(t, m, job("j", "a:1", "b:1"), job("k", "c:1"))
		runManager(t, m)
		pass(3 * time.Second)
		apply(t, m, job("j", "a:1"))
		_, stale := store.all()
		var hosts []string
		for _, s := range stale {
			hosts = append(hosts, s.Host)
		}
		slices.Sort(hosts)
		if diff := cmp.Diff([]string{"b", "c"}, hosts); diff != "" {
			t.Errorf("stale hosts (-want +got):\n%s", diff)
		}
		if got := len(m.Targets()); got != 1 {
			t.Errorf("%d targets, want 1", got)
		}
	})
}

// A server that ends says nothing about its hosts.
func TestEndIsNoOutage(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, store *memory) {
		f.add(t, "a:1", host("a"))
		f.add(t, "slow:1", http.HandlerFunc(hang))
		apply(t, m, job("j", "a:1", "slow:1"))
		stop := runManager(t, m)
		pass(3500 * time.Millisecond)
		stop()
		if _, stale := store.all(); len(stale) != 0 {
			t.Errorf("got %v", stale)
		}
		if err := m.Apply(nil); err == nil {
			t.Error("apply after the end: got no error")
		}
	})
}

func TestReloadLeavesUnchangedTargetsAlone(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, _ *memory) {
		a, b := f.add(t, "a:1", host("a")), f.add(t, "b:1", host("b"))
		f.add(t, "c:1", host("c"))
		b.setDown(true)
		j := job("j", "a:1", "b:1")
		j.Interval = 10 * time.Second
		apply(t, m, j)
		runManager(t, m)
		pass(25 * time.Second)
		before := map[string]procmon.TargetStatus{"a:1": status(m, "a:1"), "b:1": status(m, "b:1")}

		j.Discovery = discovery.Configs{static(nil, "c:1", "a:1"), static(nil, "b:1")}
		j.BodySizeLimit *= 2
		apply(t, m, j)
		for name, want := range before {
			if diff := cmp.Diff(want, status(m, name)); diff != "" {
				t.Errorf("%s after the reload (-before +after):\n%s", name, diff)
			}
		}
		asked := len(a.times())
		pass(50 * time.Second)
		times := a.times()
		if got := len(times) - asked; got != 5 {
			t.Errorf("%d scrapes in 50 s, want 5", got)
		}
		for i := 2; i < len(times); i++ {
			if times[i].Sub(times[i-1]) != 10*time.Second {
				t.Errorf("scrape %d comes %v after the one before", i, times[i].Sub(times[i-1]))
			}
		}
		if a.dials != 1 {
			t.Errorf("%d connections, want 1: the reload closed it", a.dials)
		}
		if up(m) != 2 || len(m.Targets()) != 3 {
			t.Errorf("got %d up of %d", up(m), len(m.Targets()))
		}
	})
}

// New labels or another interval make another target of the same endpoint, which goes on
// where the old one was.
func TestRelabelledTargetGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, store *memory) {
		a := f.add(t, "a:1", host("a"))
		j := job("j", "a:1")
		j.Interval = 10 * time.Second
		apply(t, m, j)
		runManager(t, m)
		pass(25 * time.Second)
		j.Discovery = discovery.Configs{static(model.LabelSet{"room": "b2"}, "a:1")}
		apply(t, m, j)
		got := status(m, "a:1")
		if got.Health != procmon.HealthUp || got.Host != "a" || got.Labels["room"] != "b2" {
			t.Errorf("got %+v", got)
		}
		pass(30 * time.Second)
		if _, stale := store.all(); len(stale) != 0 {
			t.Errorf("a host that is there all the time was marked stale: %v", stale)
		}
		times := a.times()
		for i := 2; i < len(times); i++ {
			if times[i].Sub(times[i-1]) != 10*time.Second {
				t.Errorf("scrape %d comes %v after the one before", i, times[i].Sub(times[i-1]))
			}
		}
		if r := store.of("a:1"); r[len(r)-1].Labels["room"] != "b2" {
			t.Errorf("the last record has labels %v", r[len(r)-1].Labels)
		}
	})
}

func TestApplyIsAllOrNothing(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, _ *memory) {
		f.add(t, "a:1", host("a"))
		apply(t, m, job("j", "a:1"))
		runManager(t, m)
		pass(3 * time.Second)
		before := m.Targets()

		change := func(name string, edit func(*scraper.Job)) scraper.Job {
			j := job(name, "new:1")
			edit(&j)
			return j
		}
		for _, tc := range []struct {
			want, name string
			edit       func(*scraper.Job)
		}{
			{`job "x": the scrape interval is 0s and must be more than 0`, "x", func(j *scraper.Job) { j.Interval = 0 }},
			{`job "x": the scrape timeout is 2s and must be more than 0 and at most the interval of 1s`, "x", func(j *scraper.Job) { j.Timeout = 2 * time.Second }},
			{`job "x": the scheme is "ftp" and must be http or https`, "x", func(j *scraper.Job) { j.Scheme = "ftp" }},
			{`job "x": the path is "" and must begin with /`, "x", func(j *scraper.Job) { j.Path = "" }},
			{`job "x": unable to read CA cert: `, "x", func(j *scraper.Job) { j.HTTPClient.TLSConfig.CAFile = "/does/not/exist" }},
			{`job "x": relabel rule 0 was not validated`, "x", func(j *scraper.Job) { j.Relabel = []*relabel.Config{{}} }},
			{`job "j": the name is there twice`, "j", func(*scraper.Job) {}},
			{`a job without a name`, "", func(*scraper.Job) {}},
		} {
			jobs := []scraper.Job{job("j", "b:1"), change(tc.name, tc.edit)}
			for what, err := range map[string]error{"apply": m.Apply(jobs), "check": m.Check(jobs)} {
				if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
					t.Errorf("%s: got %v, want %s", what, err, tc.want)
				}
			}
			if diff := cmp.Diff(before, m.Targets()); diff != "" {
				t.Fatalf("%s: something changed (-before +after):\n%s", tc.want, diff)
			}
		}
	})
}
