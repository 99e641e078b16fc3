package scraper_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-faster/jx"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"go.uber.org/goleak"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/scraper"
)

func TestMain(m *testing.M) {
	runChild()
	goleak.VerifyTestMain(m)
}

// memory is an Appender that keeps everything.
type memory struct {
	mu      sync.Mutex
	records []procmon.Record
	stale   []staleMark
	fails   error
}

type staleMark struct {
	Host string
	At   time.Time
}

func (m *memory) Append(ctx context.Context, r procmon.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails != nil {
		return m.fails
	}
	m.records = append(m.records, r)
	return ctx.Err()
}

func (m *memory) MarkStale(_ context.Context, host string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails != nil {
		return m.fails
	}
	m.stale = append(m.stale, staleMark{host, at})
	return nil
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fails = err
}

func (m *memory) all() ([]procmon.Record, []staleMark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]procmon.Record(nil), m.records...), append([]staleMark(nil), m.stale...)
}

// of returns the records whose instance is that.
func (m *memory) of(instance string) (found []procmon.Record) {
	records, _ := m.all()
	for _, r := range records {
		if r.Labels["instance"] == instance {
			found = append(found, r)
		}
	}
	return found
}

var errStore = errors.New("the disk is full")

// job returns a job with static targets, scraped every second.
func job(name string, addresses ...string) scraper.Job {
	return scraper.Job{
		Name: name, Interval: time.Second, Timeout: time.Second, BodySizeLimit: 1 << 20, Path: "/snapshot", Scheme: "http",
		HTTPClient: promconfig.DefaultHTTPClientConfig,
		Discovery:  discovery.Configs{static(nil, addresses...)},
	}
}

func static(labels model.LabelSet, addresses ...string) discovery.StaticConfig {
	g := &targetgroup.Group{Labels: labels}
	for _, a := range addresses {
		g.Targets = append(g.Targets, model.LabelSet{model.AddressLabel: model.LabelValue(a)})
	}
	return discovery.StaticConfig{g}
}

func newManager(t testing.TB, o scraper.Options) *scraper.Manager {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	m, err := scraper.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// runManager runs m until the test ends, or until it calls stop.
func runManager(t testing.TB, m *scraper.Manager) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func apply(t testing.TB, m *scraper.Manager, jobs ...scraper.Job) {
	t.Helper()
	if err := m.Apply(jobs); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until ok is true, and looks at it often.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-deadline.C:
			t.Fatalf("after 30 s still not: %s", what)
		}
	}
}

func status(m *scraper.Manager, instance string) procmon.TargetStatus {
	for _, s := range m.Targets() {
		if s.Labels["instance"] == instance {
			return s
		}
	}
	return procmon.TargetStatus{}
}

// snapshot returns what a host with n processes delivers.
func snapshot(host string, at time.Time, n int) *procmon.Snapshot {
	s := &procmon.Snapshot{Hostname: host, Timestamp: at.UTC(), Processes: []procmon.Process{}}
	for i := range n {
		s.Processes = append(s.Processes, procmon.Process{PID: uint32(i), Name: fmt.Sprintf("p%d.exe", i)})
	}
	return s
}

func encode(s *procmon.Snapshot) []byte {
	var e jx.Encoder
	s.Encode(&e)
	return bytes.Clone(e.Bytes())
}

// host serves snapshots of a host that are taken when they are asked for.
func host(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", procmon.ContentType)
		_, _ = w.Write(encode(snapshot(name, time.Now(), 3)))
	}
}

// serve starts a server on loopback and returns its address.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return strings.TrimPrefix(s.URL, "http://")
}

func mustJSON(t testing.TB, data []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v in %q", err, data)
	}
	return v
}
