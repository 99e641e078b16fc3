package bench_test

import (
	"context"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
)

// ours is procmon's store, in simulated time.
type ours struct {
	*storage.Store
	dir string
	now *atomic.Int64 // Unix nanoseconds
}

func openProcmon(b *testing.B, dir string) history {
	o := &ours{dir: dir, now: new(atomic.Int64)}
	o.now.Store(workload.Base * 1e9)
	var err error
	o.Store, err = storage.Open(dir, storage.Options{Clock: func() time.Time { return time.Unix(0, o.now.Load()) }})
	must(b, err)
	return o
}

func (o *ours) append(ctx context.Context, round []procmon.Record) error {
	o.now.Store(round[0].Snapshot.Timestamp.Add(100 * time.Millisecond).UnixNano())
	var g errgroup.Group
	for _, r := range round {
		g.Go(func() error { return o.Append(ctx, r) })
	}
	return g.Wait()
}

func (o *ours) minute(ctx context.Context, now time.Time) error {
	o.now.Store(now.UnixNano())
	if err := o.Expire(ctx); err != nil {
		return err
	}
	return o.Seal(ctx)
}

func (o *ours) table(ctx context.Context, host string, at time.Time) (int, error) {
	v, err := o.At(ctx, host, at)
	if err != nil {
		return 0, err
	}
	return len(v.Snapshot.Processes), nil
}

func (o *ours) processCPU(ctx context.Context, host string, p *procmon.Process, from, to time.Time) (int, error) {
	id := p.ID()
	s, err := o.Series(ctx, procmon.SeriesQuery{Host: host, Process: &id, From: from, To: to, Metrics: []procmon.Metric{procmon.MetricCPU}})
	return len(s.Times), err
}

func (o *ours) top(ctx context.Context, _ string, from, to time.Time) (int, error) {
	rows, err := o.Top(ctx, procmon.TopQuery{From: from, To: to, By: procmon.TopCPU, Per: procmon.PerProcess, Limit: 10})
	return len(rows), err
}

func (o *ours) show(context.Context) error { return nil }

// disk counts everything: what a closed store still has in logs it has for good.
func (o *ours) disk() (all, logs int64, err error) {
	all, err = allocated(o.dir)
	return all, 0, err
}

func (o *ours) settle(ctx context.Context) error {
	return o.minute(ctx, time.Unix(0, o.now.Load()).Add(3*time.Hour))
}

func (o *ours) close() error { return o.Close() }
func (o *ours) pid() int     { return os.Getpid() }
