package exporter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/events"
	"github.com/procmon/procmon/exporter/groups"
	"github.com/procmon/procmon/exporter/hostfacts"
	"github.com/procmon/procmon/exporter/proctable"
)

// collector makes collections, one at a time, and hands out the latest while it is fresh.
type collector struct {
	shareFor    time.Duration
	sampleDelay time.Duration
	table       *proctable.Table
	facts       *hostfacts.Reader
	groups      *groups.Tracker
	compressor  compressor
	watcher     *events.Watcher // nil where starts and ends are not recorded
	overwritten atomic.Uint64   // events that a reader came too late for

	turn chan struct{} // holds one token; its holder may collect, and use what is above

	mu        sync.Mutex // guards what follows, and the holders of every collection
	latest    *collection
	spare     []*collection
	rendering *rendering // of a collection that is not the latest any more
	stats     collectorStats
}

// collectorStats is what /metrics says of the collecting itself.
type collectorStats struct {
	collections uint64
	failures    uint64
	last        time.Time     // timestamp of the last that succeeded
	took        time.Duration // by the last that succeeded, without waiting for a sample
	processes   int
}

func openCollector(o Options, g *groups.Tracker) (*collector, error) {
	table, err := proctable.Open(proctable.Options{Redact: o.Redact, Logger: o.Logger})
	if err != nil {
		return nil, fmt.Errorf("open the process table: %w", err)
	}
	c := &collector{
		shareFor: o.ShareFor, sampleDelay: o.CPUSampleDelay, table: table, groups: g,
		facts: hostfacts.New(hostfacts.Options{AgentVersion: o.Version, BootTime: table.BootTime()}),
		turn:  make(chan struct{}, 1),
	}
	if o.Events {
		c.watcher, err = events.Open(events.Options{Logger: o.Logger, BootTime: table.BootTime(), Redact: o.Redact, Facts: lookAtStarts()})
		if err != nil {
			o.Logger.Warn("starts and ends of processes between collections are not recorded", "error", err)
		}
	}
	return c, nil
}

// lookAtStarts returns how facts are found that the kernel's events do not tell, or nil where the
// recorder finds them by itself.
func lookAtStarts() func(pid uint32, started time.Time) events.Facts {
	looker := proctable.NewLooker()
	if looker == nil {
		return nil
	}
	return func(pid uint32, started time.Time) events.Facts {
		s := looker.Look(pid, started)
		return events.Facts{Exe: s.Exe, Cmdline: s.Cmdline, Username: s.Username}
	}
}

func (c *collector) close() error {
	var err error
	if c.watcher != nil {
		err = c.watcher.Close()
	}
	return errors.Join(err, c.table.Close())
}

// collect returns a collection that is at most shareFor old, or was begun after the call.
// The caller releases it.
func (c *collector) collect(ctx context.Context) (*collection, error) {
	asked := time.Now()
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-c.turn }()

	if recent := c.recent(asked); recent != nil {
		return recent, nil
	}
	before := c.hold() // stays readable while the next is made from it
	if before == nil && c.sampleDelay > 0 {
		var err error
		if before, err = c.sample(ctx); err != nil {
			return nil, c.failed(ctx, err)
		}
	}
	if before != nil {
		defer before.release()
	}
	now := c.take()
	if err := c.fill(ctx, now, before); err != nil {
		now.release()
		return nil, c.failed(ctx, err)
	}
	c.publish(now)
	return now, nil
}

// recent returns the latest collection, held for the caller, if it will do for somebody who
// asked at that time.
func (c *collector) recent(asked time.Time) *collection {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.latest == nil || c.latest.began.Before(asked.Add(-max(c.shareFor, 0))) {
		return nil
	}
	c.latest.holders++
	return c.latest
}

// hold returns the latest collection, held for the caller; nil before the first.
func (c *collector) hold() *collection {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.latest != nil {
		c.latest.holders++
	}
	return c.latest
}

// take returns a collection for filling, held for the caller.
func (c *collector) take() *collection {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.spare); n > 0 {
		taken := c.spare[n-1]
		c.spare = c.spare[:n-1]
		taken.holders = 1
		return taken
	}
	return &collection{home: c, holders: 1}
}

// publish makes now, which stays held for the caller, the latest collection.
func (c *collector) publish(now *collection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.latest != nil {
		c.latest.releaseLocked()
	}
	now.holders++
	c.latest = now
	c.stats.collections++
	c.stats.last, c.stats.took = now.snapshot.Timestamp, time.Since(now.began)
	c.stats.processes = len(now.snapshot.Processes)
}

func (c *collector) failed(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		c.mu.Lock()
		c.stats.failures++
		c.mu.Unlock()
	}
	return fmt.Errorf("collect the processes: %w", err)
}

func (c *collector) statistics() collectorStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// sample reads the table and waits, so that the first collection has something to measure
// CPU against.
func (c *collector) sample(ctx context.Context) (*collection, error) {
	first := c.take()
	if err := c.fill(ctx, first, nil); err != nil {
		first.release()
		return nil, err
	}
	wait := time.NewTimer(c.sampleDelay)
	defer wait.Stop()
	select {
	case <-wait.C:
		return first, nil
	case <-ctx.Done():
		first.release()
		return nil, ctx.Err()
	}
}

// fill makes now a collection of this instant, measured against before, which may be nil.
func (c *collector) fill(ctx context.Context, now, before *collection) error {
	hostname, err := hostfacts.Hostname()
	if err != nil {
		return err
	}
	now.began = time.Now()
	if err := c.table.Read(&now.rows); err != nil {
		return err
	}
	now.snapshot = procmon.Snapshot{
		Hostname: hostname, Timestamp: now.began.UTC().Round(0),
		System: c.facts.Read(ctx), Processes: now.rows.Processes,
	}
	if c.watcher != nil {
		now.upTo = c.watcher.Now()
	}
	if before == nil {
		c.groups.Update(nil, &now.rows)
		return nil
	}
	measureCPU(&before.rows, &now.rows, now.began.Sub(before.began))
	c.groups.Update(&before.rows, &now.rows)
	if c.watcher != nil && now.upTo > before.upTo {
		recorded, _ := c.watcher.Between(before.upTo, now.upTo)
		c.groups.Lived(unseen(recorded, &before.rows, &now.rows))
	}
	return nil
}

// measureCPU sets each process's CPU in percent of one core, to 0.01 %, over the time between the
// two readings. A process that has started in between is measured over the same time.
func measureCPU(before, now *proctable.Rows, between time.Duration) {
	if between <= 0 {
		return
	}
	proctable.Join(before, now, func(i, j int) {
		if j < 0 || !now.Processes[j].CPUSeconds.Known {
			return
		}
		var was procmon.Opt[float64]
		if i >= 0 {
			was = before.Processes[i].CPUSeconds
		} else {
			was = procmon.Some(0.0)
		}
		used := now.Processes[j].CPUSeconds.Value - was.Value
		if was.Known && used >= 0 {
			now.Processes[j].CPU = procmon.Some(math.Round(1e4*used/between.Seconds()) / 100)
		}
	})
}
