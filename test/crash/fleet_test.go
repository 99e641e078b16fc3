package crash_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"
)

// sent is one snapshot that left a simulated host. Its one process carries its serial number.
type sent struct {
	host   string
	at     time.Time
	serial int
}

func (s sent) cmdline() string { return fmt.Sprintf("serial %d of %s", s.serial, s.host) }

func (s sent) payload() []byte {
	body, err := json.Marshal(map[string]any{
		"hostname":  s.host,
		"timestamp": s.at.Format(time.RFC3339Nano),
		"processes": []any{map[string]any{"pid": 1, "name": "serial", "cmdline": s.cmdline(), "cpu_seconds": float64(s.serial)}},
	})
	if err != nil {
		panic(err)
	}
	return body
}

// fleet is the simulated exporters and pushing hosts, and what the server has acknowledged.
type fleet struct {
	t         *testing.T
	exporters []*exporter

	mu        sync.Mutex
	serial    int
	serverNow int // number of the server that runs now
	acked     []sent
	scraped   int
	pushed    int
}

// An exporter knows that its snapshot was acknowledged when the same server asks for the next
// one: a target's scrapes follow each other, and one is over when it is stored.
type exporter struct {
	host       string
	server     *httptest.Server
	last       sent
	lastServer string // number of the server that fetched last
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t}
	for i := range exporters {
		e := &exporter{host: fmt.Sprintf("scraped-%02d", i)}
		e.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write(f.scrape(e, r.URL.Query().Get("server")).payload())
		}))
		t.Cleanup(e.server.Close)
		f.exporters = append(f.exporters, e)
	}
	return f
}

func (f *fleet) next(host string) sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nextLocked(host)
}

func (f *fleet) nextLocked(host string) sent {
	f.serial++
	return sent{host: host, at: time.Now().UTC(), serial: f.serial}
}

func (f *fleet) scrape(e *exporter, server string) sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.lastServer == server {
		f.acked = append(f.acked, e.last)
		f.scraped++
	}
	e.last, e.lastServer = f.nextLocked(e.host), server
	return e.last
}

func (f *fleet) acknowledge(s sent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acked = append(f.acked, s)
	f.pushed++
}

// newServer returns the number of the server that is started next.
func (f *fleet) newServer() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serverNow++
	return f.serverNow
}

// allScraped returns an error until the server that runs now has fetched from every exporter.
func (f *fleet) allScraped() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.exporters {
		if e.lastServer != strconv.Itoa(f.serverNow) {
			return fmt.Errorf("%s was not scraped", e.host)
		}
	}
	return nil
}

// acknowledged returns everything that was acknowledged since the test began.
func (f *fleet) acknowledged() []sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]sent(nil), f.acked...)
}

func (f *fleet) counts() (scraped, pushed int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.scraped, f.pushed
}
