// Package push delivers snapshots to a server that cannot reach this host.
//
// Every snapshot goes through a spool: on disk, where it outlives the process, or in memory
// when there is no path for one. Snapshots are delivered oldest first and one at a time,
// whether or not new ones are wanted. What fails is tried again with growing, random pauses,
// and what has piled up is delivered at about one snapshot a second, so that a fleet does not
// fall on a server that comes back.
package push

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/procmon/procmon/exporter/push/spool"
)

// Mode says when snapshots are pushed.
type Mode string

// The modes.
const (
	Off      Mode = "off"
	Fallback Mode = "fallback" // while nobody has pulled for three intervals
	Always   Mode = "always"
)

// ParseMode returns the mode of that name.
func ParseMode(name string) (Mode, error) {
	switch m := Mode(name); m {
	case Off, Fallback, Always:
		return m, nil
	}
	return "", fmt.Errorf("%q is not a push mode; allowed are off, fallback and always", name)
}

// DefaultURL is where a server on the same host takes pushes.
const DefaultURL = "http://127.0.0.1:8000/api/process-data/"

// Options configures a Pusher. Nothing is pushed without a key.
type Options struct {
	Mode     Mode          // empty is Fallback
	URL      string        // of the ingest API; empty is DefaultURL
	Key      string        // sent as "Authorization: Token KEY"
	Interval time.Duration // 0 is a minute

	// Snapshot appends a snapshot as JSON to dst. Taken, if not nil, is called after the spool
	// has taken that snapshot and before the next call of Snapshot, by the same goroutine:
	// what was in it need not be in the next one. It is not called for one that is lost.
	Snapshot func(ctx context.Context, dst []byte) ([]byte, error)
	Taken    func()

	LastPull func() time.Time // when somebody with the right to pulled; nil or the zero time is never
	Spool    spool.Options    // where snapshots wait; an empty path is memory. Its Logger is Logger
	Logger   *slog.Logger     // nil discards

	ProxyURL  string            // of the proxy (http, https, socks5); empty is what HTTP_PROXY, HTTPS_PROXY and NO_PROXY say
	CAFile    string            // PEM certificates that sign the server's, beside the system's; empty is none
	Transport http.RoundTripper // nil is one like http.DefaultTransport; one that is given knows of no ProxyURL and CAFile
}

// A Pusher takes and delivers snapshots while it runs.
type Pusher struct {
	o      Options
	client *http.Client
	spool  atomic.Pointer[spool.Spool] // nil before Run

	// Of the delivering goroutine.
	coding     string   // that the server has said that it takes
	refuses    []string // codings that it has refused all the same
	compressor compressor

	delivered, refused, failures atomic.Uint64
}

// Stats counts since the start.
type Stats struct {
	Delivered uint64
	Dropped   uint64 // that the server refused for good, that the spool had no room for, or that were too old
	Failures  uint64 // deliveries that are tried again
	Damaged   uint64 // files of the spool that were not whole

	Waiting       int       // snapshots in the spool
	WaitingBytes  int64     // that they take there, compressed
	OldestWaiting time.Time // when the oldest of them was taken; the zero time if none waits
}

// New checks the options and fills in their defaults.
func New(o Options) (*Pusher, error) {
	o.setDefaults()
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.LastPull == nil {
		o.LastPull = func() time.Time { return time.Time{} }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Spool.Logger = o.Logger
	var err error
	if o.Transport, err = o.transport(); err != nil {
		return nil, err
	}
	return &Pusher{
		o: o,
		client: &http.Client{
			Transport: o.Transport,
			Timeout:   30 * time.Second,
			// A redirect would carry the key to wherever it points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func (o *Options) setDefaults() {
	if o.Mode == "" {
		o.Mode = Fallback
	}
	if o.Interval == 0 {
		o.Interval = time.Minute
	}
	if o.URL == "" {
		o.URL = DefaultURL
	}
}

// Check says which option is wrong, and what is allowed.
func (o Options) Check() error {
	o.setDefaults()
	if _, err := ParseMode(string(o.Mode)); err != nil {
		return err
	}
	if o.Interval < time.Second {
		return fmt.Errorf("the push interval %v is too short; the shortest is 1s", o.Interval)
	}
	if o.ProxyURL != "" {
		if _, err := parseProxy(o.ProxyURL); err != nil {
			return err
		}
	}
	if err := o.Spool.Check(); err != nil {
		return err
	}
	return checkURL(o.URL)
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return fmt.Errorf("the push URL %q is wrong: %w", s, errors.Unwrap(err))
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("the push URL %q is not of the form http://HOST:PORT/PATH or https://HOST:PORT/PATH", u.Redacted())
	}
	return nil
}

// Stats returns the counts so far. It can be called at any time.
func (p *Pusher) Stats() Stats {
	s := Stats{Delivered: p.delivered.Load(), Dropped: p.refused.Load(), Failures: p.failures.Load()}
	if spool := p.spool.Load(); spool != nil {
		w := spool.Stats()
		s.Dropped += w.Dropped
		s.Damaged, s.Waiting, s.WaitingBytes, s.OldestWaiting = w.Damaged, w.Waiting, w.Bytes, w.Oldest
	}
	return s
}

// Enabled reports whether Run will push at all.
func (p *Pusher) Enabled() bool { return p.o.Mode != Off && p.o.Key != "" }

// Run opens the spool and pushes until ctx ends, the first snapshot at once. It returns nil
// then. It fails when the spool's directory cannot be used, or another process uses it. It is
// called once.
func (p *Pusher) Run(ctx context.Context) error {
	if !p.Enabled() {
		<-ctx.Done()
		return nil
	}
	queue, err := spool.Open(p.o.Spool)
	if err != nil {
		return fmt.Errorf("push: %w", err)
	}
	p.spool.Store(queue)
	p.o.Logger.Info("pushing snapshots", "url", p.o.URL, "mode", p.o.Mode, "interval", p.o.Interval)
	if u, err := url.Parse(p.o.URL); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		p.o.Logger.Warn("the push URL is not https: key and snapshots travel in the clear", "url", p.o.URL)
	}
	var both sync.WaitGroup
	both.Go(func() { p.take(ctx, queue) })
	both.Go(func() { p.deliver(ctx, queue) })
	both.Wait()
	p.client.CloseIdleConnections()
	return queue.Close()
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// reuse returns a buffer for using it again, or nil if what it held last was so much smaller than
// it is that most of its memory would lie idle: one snapshot with many events is no measure.
func reuse(buffer []byte) []byte {
	const small = 1 << 20 // bytes
	if cap(buffer) > small && cap(buffer) > 4*len(buffer) {
		return nil
	}
	return buffer[:0]
}

// take puts a snapshot into the spool at every interval, when one is wanted.
func (p *Pusher) take(ctx context.Context, queue *spool.Spool) {
	tick := time.NewTicker(p.o.Interval)
	defer tick.Stop()
	var buffer []byte
	for {
		if p.wanted(time.Now()) {
			var err error
			if buffer, err = p.o.Snapshot(ctx, reuse(buffer)); err == nil && ctx.Err() == nil {
				err = queue.Put(buffer)
			}
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				p.o.Logger.Error("no snapshot to push", "error", err)
			case p.o.Taken != nil:
				p.o.Taken()
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// wanted reports whether a snapshot shall be pushed now.
func (p *Pusher) wanted(now time.Time) bool {
	const quiet = 3 // intervals
	if p.o.Mode == Always {
		return true
	}
	pulled := p.o.LastPull()
	return pulled.IsZero() || now.Sub(pulled) >= quiet*p.o.Interval
}
