// Package webui is where people and programs look: the REST API that openapi.yaml describes,
// the pages, and the operational endpoints.
//
// It only reads; snapshots come in through the handler that Options.Receiver mounts. What it
// shows comes from the processes of other machines and is hostile: it leaves here as JSON text
// and nothing else.
package webui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/procmon/procmon"
)

// A Store is where hosts and their snapshots are read. Names of hosts are compared as
// procmon.HostKey does, and what is not there is procmon.ErrNotFound.
type Store interface {
	// Hosts returns all hosts.
	Hosts(ctx context.Context) ([]procmon.HostSummary, error)
	// Host returns one.
	Host(ctx context.Context, name string) (procmon.HostSummary, error)
	// At returns the newest snapshot of a host at or before an instant; the zero time asks
	// for the newest of all.
	At(ctx context.Context, host string, at time.Time) (procmon.View, error)
	// Latest returns the newest snapshot of any host.
	Latest(ctx context.Context) (procmon.View, error)
	// Changed returns a channel that is closed at the next change of what Hosts answers.
	Changed() <-chan struct{}
	History
}

// Options are what a Server is made of. Only Store is needed.
type Options struct {
	Store    Store
	Targets  func() []procmon.TargetStatus // what is scraped; nil is nothing
	Receiver http.Handler                  // of POST /api/process-data/; nil leaves the route out
	Metrics  http.Handler                  // of GET /metrics; nil leaves the route out
	Reload   func(context.Context) error   // of POST /-/reload; nil leaves the route out
	Ready    func() error                  // why GET /-/ready says no; nil is always ready

	// Pages holds what the build of webui/app makes, with index.html at its root. Nil takes
	// what was there when this program was built, if anything.
	Pages fs.FS
	// AllowedHosts are the names that a request's Host header may hold besides addresses and
	// localhost, so that a name which a stranger points at a server on a loopback address
	// (DNS rebinding) opens nothing. Nil allows every name.
	AllowedHosts []string

	QueryTimeout time.Duration // of a question about the past; 0 is 30 s
	MaxQueries   int           // of them at a time; 0 is 20

	// ExternalURL is how people reach the server through a proxy; pages from there may open live
	// connections. Nil is by the name that a request's Host header has.
	ExternalURL *url.URL
	MaxLive     int // live connections at a time; 0 is 1,000

	Registerer prometheus.Registerer // for the server's own metrics; nil keeps none
	Logger     *slog.Logger          // nil discards
	Clock      func() time.Time      // nil is time.Now
}

// A Server answers all HTTP requests of procmon. It is safe for concurrent use. Goroutines that
// it starts end with the requests that they work for; Close ends those that last.
type Server struct {
	store    Store
	targets  func() []procmon.TargetStatus
	gate     *gate
	live     live
	trees    recentTrees
	fleetCPU shared[steps, []byte]
	tops     shared[topKey, topAnswer]
	log      *slog.Logger
	now      func() time.Time
	handler  http.Handler
}

// New returns a Server. It fails when the store is missing, the pages can not be read, or the
// metrics are registered already.
func New(o Options) (*Server, error) {
	if o.Store == nil {
		return nil, errors.New("make the web server: Options.Store is missing")
	}
	s := &Server{store: o.Store, targets: o.Targets, log: o.Logger, now: o.Clock}
	s.gate = newGate(cmp.Or(o.QueryTimeout, defaultQueryTimeout), cmp.Or(o.MaxQueries, defaultMaxQueries))
	s.live = live{external: o.ExternalURL, most: cmp.Or(o.MaxLive, defaultMaxLive), closing: make(chan struct{}), topics: map[string]*topic{}}
	s.tops.fresh, s.tops.most = topFresh, 64
	s.fleetCPU.fresh, s.fleetCPU.most = fleetCPUFresh, 8
	if s.targets == nil {
		s.targets = func() []procmon.TargetStatus { return nil }
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if o.Pages == nil {
		built, err := fs.Sub(embedded, "app/dist")
		if err != nil {
			return nil, fmt.Errorf("make the web server: %w", err)
		}
		o.Pages = built
	}
	pages, err := loadPages(o.Pages)
	if err != nil {
		return nil, fmt.Errorf("make the web server: %w", err)
	}
	instruments, err := newInstruments(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("make the web server: %w", err)
	}
	router, err := newRouter(s.routes(o, pages), pages, instruments)
	if err != nil {
		return nil, fmt.Errorf("make the web server: %w", err)
	}
	s.handler = secure(onlyHosts(o.AllowedHosts, router))
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }
