package scraper_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/dns"
	"github.com/prometheus/prometheus/discovery/file"
	sdhttp "github.com/prometheus/prometheus/discovery/http"

	"github.com/procmon/procmon/scraper"
)

// replace puts a file in the place of another at once, as those who write SD files should.
func replace(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func hosts(m *scraper.Manager) map[string]string {
	found := map[string]string{}
	for _, s := range m.Targets() {
		found[s.Host] = s.Labels["room"]
	}
	return found
}

func TestFileDiscovery(t *testing.T) {
	a, b := serve(t, host("a")), serve(t, host("b"))
	path := filepath.Join(t.TempDir(), "targets.yml")
	replace(t, path, fmt.Sprintf("- {targets: [%q], labels: {room: b1}}\n", a))
	store := &memory{}
	m := newManager(t, scraper.Options{Appender: store})
	j := job("files")
	j.Discovery = discovery.Configs{&file.SDConfig{Files: []string{path}, RefreshInterval: model.Duration(time.Minute)}}
	apply(t, m, j)
	runManager(t, m)
	eventually(t, "a found", func() bool { return cmp.Equal(hosts(m), map[string]string{"a": "b1"}) })

	replace(t, path, fmt.Sprintf("- {targets: [%q, %q], labels: {room: b2}}\n", a, b))
	eventually(t, "b found, a relabelled", func() bool { return cmp.Equal(hosts(m), map[string]string{"a": "b2", "b": "b2"}) })

	replace(t, path, fmt.Sprintf("- {targets: [%q], labels: {room: b3}}\n", b))
	eventually(t, "a gone", func() bool { return cmp.Equal(hosts(m), map[string]string{"b": "b3"}) })
	if _, stale := store.all(); len(stale) != 1 || stale[0].Host != "a" {
		t.Errorf("got %v, want a to be stale", stale)
	}
}

func TestHTTPDiscovery(t *testing.T) {
	a := serve(t, host("a"))
	var asked atomic.Int64
	gate := make(chan struct{})
	registry := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 {
			select { // the second discoverer has to wait for its first answer
			case <-gate:
			case <-r.Context().Done():
			}
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `[{"targets":[%q],"labels":{"room":"b1"}}]`, a)
	}))
	store := &memory{}
	m := newManager(t, scraper.Options{Appender: store})
	j := job("web")
	sd := func(every time.Duration) discovery.Configs {
		return discovery.Configs{&sdhttp.SDConfig{URL: "http://" + registry, RefreshInterval: model.Duration(every), HTTPClientConfig: promconfig.DefaultHTTPClientConfig}}
	}
	j.Discovery = sd(time.Hour)
	apply(t, m, j)
	runManager(t, m)
	eventually(t, "a found", func() bool { return cmp.Equal(hosts(m), map[string]string{"a": "b1"}) })

	// A reload that changes the mechanism must not lose its targets until it has answered.
	stored := func() int { r, _ := store.all(); return len(r) }
	j.Discovery = sd(2 * time.Hour)
	apply(t, m, j)
	eventually(t, "the new discoverer asks", func() bool { return asked.Load() == 2 })
	before := stored()
	eventually(t, "scrapes go on", func() bool { return stored() >= before+2 })
	close(gate)
	eventually(t, "still there", func() bool { return cmp.Equal(hosts(m), map[string]string{"a": "b1"}) })
	if _, stale := store.all(); len(stale) != 0 {
		t.Errorf("got %v, want none: the host was there all the time", stale)
	}

	// Without the mechanism its targets go at once.
	j.Discovery = nil
	apply(t, m, j)
	if n := len(m.Targets()); n != 0 {
		t.Errorf("%d targets are left", n)
	}
}

func TestDiscoveryIsAllOrNothing(t *testing.T) {
	m := newManager(t, scraper.Options{Appender: &memory{}})
	good, bad := job("good", "a:1"), job("bad")
	client := promconfig.DefaultHTTPClientConfig
	client.TLSConfig.CAFile = filepath.Join(t.TempDir(), "none")
	bad.Discovery = discovery.Configs{
		&dns.SDConfig{Names: []string{"x"}, Type: "SRV", RefreshInterval: model.Duration(time.Minute)},
		&sdhttp.SDConfig{URL: "https://x", HTTPClientConfig: client, RefreshInterval: model.Duration(time.Minute)},
	}
	if err := m.Apply([]scraper.Job{good, bad}); err == nil {
		t.Error("got no error for a CA file that is not there")
	}
	runManager(t, m)
	apply(t, m)
	if n := len(m.Targets()); n != 0 {
		t.Errorf("%d targets", n)
	}
}

func TestRunTwice(t *testing.T) {
	m := newManager(t, scraper.Options{Appender: &memory{}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	for range 2 {
		go func() { ended <- m.Run(ctx) }()
	}
	if err := <-ended; err == nil || err.Error() != "run scraper: it ran already" {
		t.Errorf("one of two: got %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the other one: %v", err)
	}
}
