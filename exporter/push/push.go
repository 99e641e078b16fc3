// Package push delivers snapshots to a server that cannot reach this host.
//
// Snapshots that cannot be delivered yet wait in a bounded queue in memory, and are
// delivered oldest first. The queue does not outlive the process: queue is the seam where
// one on disk would stand.
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
)

// Mode says when snapshots are pushed.
type Mode string

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

	Snapshot  func(ctx context.Context, dst []byte) ([]byte, error) // appends a snapshot as JSON
	LastPull  func() time.Time                                      // when somebody with the right to pulled; nil or the zero time is never
	Logger    *slog.Logger                                          // nil discards
	Transport http.RoundTripper                                     // nil is one like http.DefaultTransport
}

// A Pusher takes and delivers snapshots while it runs.
type Pusher struct {
	o        Options
	client   *http.Client
	queue    *queue
	compress bool // the server has said that it takes gzip; of the delivering goroutine

	delivered, dropped, failures atomic.Uint64
}

// Stats counts since the start.
type Stats struct {
	Delivered uint64
	Dropped   uint64 // that the server refused for good, or the queue had no room for
	Failures  uint64 // deliveries that are tried again
	Waiting   int    // snapshots in the queue
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
	if o.Transport == nil {
		o.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	return &Pusher{
		o: o,
		client: &http.Client{
			Transport: o.Transport,
			Timeout:   30 * time.Second,
			// A redirect would carry the key to wherever it points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		queue: newQueue(),
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
	return Stats{Delivered: p.delivered.Load(), Dropped: p.dropped.Load(), Failures: p.failures.Load(), Waiting: p.queue.len()}
}

// Enabled reports whether Run will push at all.
func (p *Pusher) Enabled() bool { return p.o.Mode != Off && p.o.Key != "" }

// Run pushes until ctx ends, the first snapshot at once. It returns nil then.
func (p *Pusher) Run(ctx context.Context) error {
	if !p.Enabled() {
		<-ctx.Done()
		return nil
	}
	p.o.Logger.Info("pushing snapshots", "url", p.o.URL, "mode", p.o.Mode, "interval", p.o.Interval)
	if u, err := url.Parse(p.o.URL); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		p.o.Logger.Warn("the push URL is not https: key and snapshots travel in the clear", "url", p.o.URL)
	}
	var both sync.WaitGroup
	both.Go(func() { p.take(ctx) })
	both.Go(func() { p.deliver(ctx) })
	both.Wait()
	p.client.CloseIdleConnections()
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// take puts a snapshot into the queue at every interval, when one is wanted.
func (p *Pusher) take(ctx context.Context) {
	tick := time.NewTicker(p.o.Interval)
	defer tick.Stop()
	var buffer []byte
	for {
		if p.wanted(time.Now()) {
			var err error
			buffer, err = p.o.Snapshot(ctx, buffer[:0])
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				p.o.Logger.Error("no snapshot to push", "error", err)
			default:
				if dropped := p.queue.put(buffer); dropped > 0 {
					p.dropped.Add(uint64(dropped))
					p.o.Logger.Warn("the queue is full: the oldest snapshots are dropped", "dropped", dropped, "url", p.o.URL)
				}
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
