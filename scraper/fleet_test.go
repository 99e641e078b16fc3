package scraper_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/scraper"
)

// fleet is hosts without a network, for tests in a synctest bubble, where no real socket may
// be waited for.
type fleet struct {
	mu    sync.Mutex
	hosts map[string]*machine // by address
}

// machine is one host, and what was asked of it.
type machine struct {
	handler http.Handler
	conns   chan net.Conn

	mu    sync.Mutex
	asked []time.Time
	dials int
	down  bool
}

// add starts a host in the bubble of the test.
func (f *fleet) add(t *testing.T, address string, h http.Handler) *machine {
	t.Helper()
	m := &machine{handler: h, conns: make(chan net.Conn)}
	f.mu.Lock()
	f.hosts[address] = m
	f.mu.Unlock()
	closed := make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(m.serve)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(&pipeListener{conns: m.conns, closed: closed})
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return m
}

func (m *machine) serve(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	m.asked = append(m.asked, time.Now())
	down := m.down
	m.mu.Unlock()
	if down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	m.handler.ServeHTTP(w, r)
}

func (m *machine) setDown(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}

func (m *machine) times() []time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]time.Time(nil), m.asked...)
}

func (f *fleet) dial(ctx context.Context, _, address string) (net.Conn, error) {
	f.mu.Lock()
	m := f.hosts[address]
	f.mu.Unlock()
	if m == nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("no route to host")}
	}
	client, server := net.Pipe()
	select {
	case m.conns <- server:
		m.mu.Lock()
		m.dials++
		m.mu.Unlock()
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// bubble runs a test on a clock that jumps, with a manager of a fleet.
func bubble(t *testing.T, test func(t *testing.T, f *fleet, m *scraper.Manager, store *memory)) {
	synctest.Test(t, func(t *testing.T) {
		f, store := &fleet{hosts: map[string]*machine{}}, &memory{}
		m := newManager(t, scraper.Options{Appender: store, DialContext: f.dial})
		test(t, f, m, store)
	})
}

// pass lets time pass, and everything come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func up(m *scraper.Manager) (n int) {
	for _, s := range m.Targets() {
		if s.Health == procmon.HealthUp {
			n++
		}
	}
	return n
}
