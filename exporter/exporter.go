// Package exporter is the agent: it collects the processes and the facts of the host it
// runs on, and serves them as one snapshot (/snapshot), grouped for Prometheus (/metrics),
// or pushes them to a server that cannot reach it.
//
// A collection is shared: whoever asks while one is under way, or shortly after, gets the
// same one, encoded once. What the system refuses to tell is left out, never invented.
package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon/exporter/groups"
	"github.com/procmon/procmon/exporter/push"
)

// Options configures an Exporter. The zero value serves without authentication and pushes
// nothing.
type Options struct {
	Logger         *slog.Logger        // nil discards
	Version        string              // of the agent; empty takes the version of the main module
	CPUSampleDelay time.Duration       // over which the first collection measures CPU; 0 is 150 ms, negative is not at all
	Redact         func(string) string // what leaves the host of a command line, asked once per process; nil is all of it
	ShareFor       time.Duration       // how long a collection answers later callers; 0 is 1 s, negative is not at all
	Events         bool                // record starts and ends between collections; where that cannot be, a warning says why
	BearerToken    string              // asked of everything but /-/healthy and /-/ready; empty asks nothing
	Groups         groups.Options      // rules; its Limit follows from Metrics.MaxSeries
	Metrics        MetricsOptions      // what /metrics shows
	Push           push.Options        // what to push where; its Snapshot, Taken, Logger and LastPull are the exporter's
}

// An Exporter collects and serves. Its methods can be called from several goroutines.
type Exporter struct {
	log       *slog.Logger
	version   string
	collector *collector
	cursors   *cursors
	pusher    *push.Pusher
	metrics   *metrics
	handler   http.Handler
}

// New opens the process table of this host. The caller closes the exporter after Run and
// the server that uses its Handler have ended.
func New(o Options) (*Exporter, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Version == "" {
		o.Version = moduleVersion()
	}
	if o.CPUSampleDelay == 0 {
		o.CPUSampleDelay = 150 * time.Millisecond
	}
	if o.ShareFor == 0 {
		o.ShareFor = time.Second
	}
	if err := o.Metrics.Check(); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	e := &Exporter{log: o.Logger, version: o.Version, cursors: newCursors()}
	o.Groups.Limit = o.Metrics.groupLimit()
	tracker, err := groups.New(o.Groups)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	if e.collector, err = openCollector(o, tracker); err != nil {
		return nil, err
	}
	pulls := &pullClock{}
	o.Push.Snapshot, o.Push.Taken, o.Push.Logger, o.Push.LastPull = e.appendSnapshot, e.cursors.taken, o.Logger, pulls.last
	if e.pusher, err = push.New(o.Push); err != nil {
		return nil, errors.Join(err, e.collector.close())
	}
	if e.metrics, err = newMetrics(e, o.Metrics); err != nil {
		return nil, errors.Join(err, e.collector.close())
	}
	e.handler = newHandler(e, o.BearerToken, pulls)
	return e, nil
}

// Close gives back what the exporter holds of the system.
func (e *Exporter) Close() error { return e.collector.close() }

// Handler returns the exporter's HTTP interface.
func (e *Exporter) Handler() http.Handler { return e.handler }

// Run collects once, so that the first who asks need not wait for it, and then pushes as
// the options say until ctx ends. It returns nil then.
func (e *Exporter) Run(ctx context.Context) error {
	c, err := e.collector.collect(ctx)
	switch {
	case err == nil:
		c.release()
	case ctx.Err() == nil:
		e.log.Error("the first collection failed", "error", err)
	}
	return e.pusher.Run(ctx)
}

// WriteSnapshot collects and writes one snapshot, indented and ending in a line feed.
func (e *Exporter) WriteSnapshot(ctx context.Context, w io.Writer) error {
	c, err := e.collector.collect(ctx)
	if err != nil {
		return err
	}
	defer c.release()
	var out jx.Encoder
	out.SetIdent(2)
	c.snapshot.Encode(&out)
	if _, err := w.Write(append(out.Bytes(), '\n')); err != nil {
		return fmt.Errorf("write the snapshot: %w", err)
	}
	return nil
}

// appendSnapshot collects and appends one snapshot as JSON to dst, with the events since the
// last one that was taken for pushing.
func (e *Exporter) appendSnapshot(ctx context.Context, dst []byte) ([]byte, error) {
	c, err := e.collector.collect(ctx)
	if err != nil {
		return dst, err
	}
	defer c.release()
	dst = append(dst, c.body(e.cursors.toPush(), identity)...)
	e.cursors.offer(c.upTo)
	return dst, nil
}

// moduleVersion returns the version that the go command recorded of the program.
func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
