package query

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
)

var processMetrics = []procmon.Metric{
	procmon.MetricCPU, procmon.MetricMemory, procmon.MetricPrivate, procmon.MetricThreads,
	procmon.MetricHandles, procmon.MetricRead, procmon.MetricWrite,
}

var hostMetrics = []procmon.Metric{
	procmon.MetricCPU, procmon.MetricMemory, procmon.MetricProcesses, procmon.MetricStarts, procmon.MetricEnds,
}

// Series returns metrics of a process, or of a host, over time.
func (e *Engine) Series(ctx context.Context, q procmon.SeriesQuery) (procmon.Series, error) {
	from, to, err := checkRange(q.From, q.To)
	if err != nil {
		return procmon.Series{}, err
	}
	allowed := hostMetrics
	if q.Process != nil {
		allowed = processMetrics
	}
	metrics := q.Metrics
	if len(metrics) == 0 {
		metrics = allowed
	}
	for _, m := range metrics {
		if !slices.Contains(allowed, m) {
			return procmon.Series{}, &procmon.FieldError{Field: "metric", Problem: fmt.Sprintf("%q is none; allowed are %v", m, allowed)}
		}
	}
	if q.Step < 0 {
		return procmon.Series{}, &procmon.FieldError{Field: "step", Problem: "it is negative"}
	}
	b := newReducer(metrics, int64(q.Step))
	// What is in the range is measured from what is before it.
	lookback := func(f func(block.Segment) error) error {
		return e.Source.Segments(ctx, procmon.HostKey(q.Host), from-int64(Farthest), to, nil, f)
	}
	if q.Process != nil {
		p := processSeries{id: *q.Process, from: from, to: to, columns: columnsOf(metrics), out: b, clock: clock{never}}
		err = lookback(p.segment)
	} else {
		rows := slices.ContainsFunc(metrics, func(m procmon.Metric) bool {
			return m == procmon.MetricProcesses || m == procmon.MetricStarts || m == procmon.MetricEnds
		})
		h := hostSeries{from: from, to: to, out: b, clock: clock{never}, cpu: slices.Contains(metrics, procmon.MetricCPU), rows: rows}
		err = lookback(h.segment)
		if errors.Is(err, errDerive) {
			b = newReducer(metrics, int64(q.Step))
			h = hostSeries{from: from, to: to, out: b, clock: clock{never}, cpu: true, derive: true, rows: rows}
			err = lookback(h.segment)
		}
	}
	if err != nil {
		return procmon.Series{}, err
	}
	return b.series(), nil
}

func columnsOf(metrics []procmon.Metric) (c block.Columns) {
	for _, m := range metrics {
		switch m {
		case procmon.MetricCPU:
			c |= block.CPUSeconds | block.DeliveredCPU
		case procmon.MetricMemory:
			c |= block.Memory
		case procmon.MetricPrivate:
			c |= block.Private
		case procmon.MetricThreads:
			c |= block.Threads
		case procmon.MetricHandles:
			c |= block.Handles
		case procmon.MetricRead:
			c |= block.ReadBytes
		case procmon.MetricWrite:
			c |= block.WriteBytes
		}
	}
	return c
}

// reducer gathers values into points.
type reducer struct {
	metrics []procmon.Metric
	step    int64
	at      []int64 // begin of each point
	stats   [][]sum // of each metric
}

// sum is what values come to.
type sum struct {
	min, max, total, weight float64
	some                    bool
}

func newReducer(metrics []procmon.Metric, step int64) *reducer {
	return &reducer{metrics: metrics, step: step, stats: make([][]sum, len(metrics))}
}

// point makes sure that there is one for an instant, which is not before the last one.
func (r *reducer) point(at int64) error {
	if r.step > 0 {
		at -= ((at % r.step) + r.step) % r.step
	}
	if n := len(r.at); n > 0 && r.at[n-1] == at {
		return nil
	}
	if len(r.at) == MaxPoints {
		return fmt.Errorf("the series have more than %d points: %w: choose a larger step, or a shorter range", MaxPoints, procmon.ErrTooMuch)
	}
	r.at = append(r.at, at)
	for i := range r.stats {
		r.stats[i] = append(r.stats[i], sum{})
	}
	return nil
}

// add takes in a value of the last point.
func (r *reducer) add(m procmon.Metric, v procmon.Opt[float64], weight float64) {
	i := slices.Index(r.metrics, m)
	if i < 0 || !v.Known {
		return
	}
	s := &r.stats[i][len(r.at)-1]
	if !s.some {
		*s = sum{min: v.Value, max: v.Value, some: true}
	}
	s.min, s.max = min(s.min, v.Value), max(s.max, v.Value)
	s.total += v.Value * weight
	s.weight += weight
}

func (r *reducer) series() procmon.Series {
	s := procmon.Series{Step: time.Duration(r.step), Times: make([]time.Time, len(r.at)), Values: make(map[procmon.Metric][]procmon.Opt[procmon.Stat], len(r.metrics))}
	for i, at := range r.at {
		s.Times[i] = nanoTime(at)
	}
	for i, m := range r.metrics {
		values := make([]procmon.Opt[procmon.Stat], len(r.at))
		for j, v := range r.stats[i] {
			if v.some {
				// Rounding must not lead out of what there was.
				avg := min(max(v.total/v.weight, v.min), v.max)
				values[j] = procmon.Some(procmon.Stat{Min: v.min, Max: v.max, Avg: avg})
			}
		}
		s.Values[m] = values
	}
	return s
}

// processSeries measures one process.
type processSeries struct {
	id       procmon.ProcessID
	from, to int64
	columns  block.Columns
	out      *reducer
	clock    clock
	before   procmon.Process // in the snapshot before
	there    int64           // time of that snapshot
	was      bool            // it was in one
}

func (s *processSeries) segment(g block.Segment) error {
	rows, err := g.Rows()
	if err != nil {
		return err
	}
	times := g.Times()
	i := find(rows, s.id)
	if i < 0 {
		s.clock.end(times)
		return nil
	}
	var failed error
	err = each(g, i, &rows[i], s.columns, func(step int, p *procmon.Process) {
		at := times[step]
		if at < s.from-int64(Farthest) || at > s.to || failed != nil {
			return
		}
		if at >= s.from {
			failed = s.tell(times, step, p)
		}
		s.before, s.there, s.was = *p, at, true
	})
	s.clock.end(times)
	return cmp.Or(err, failed)
}

func (s *processSeries) tell(times []int64, step int, p *procmon.Process) error {
	if err := s.out.point(times[step]); err != nil {
		return err
	}
	interval := s.clock.interval(times, step)
	var before *procmon.Process
	last := s.clock.before(times, step)
	switch {
	case s.was && s.there == last:
		before = &s.before
	case rowStarted(s.id, p, last):
		before = &procmon.Process{CPUSeconds: procmon.Some(0.0), ReadBytes: procmon.Some[uint64](0), WriteBytes: procmon.Some[uint64](0)}
	default:
		interval = 0
	}
	s.out.add(procmon.MetricCPU, cpuPercent(before, p, interval), weightOf(interval))
	s.out.add(procmon.MetricMemory, asFloat(p.WorkingSetBytes), 1)
	s.out.add(procmon.MetricPrivate, asFloat(p.PrivateBytes), 1)
	s.out.add(procmon.MetricThreads, asFloat(p.Threads), 1)
	s.out.add(procmon.MetricHandles, asFloat(p.Handles), 1)
	if interval > 0 {
		s.out.add(procmon.MetricRead, rate(before.ReadBytes, p.ReadBytes, interval), interval)
		s.out.add(procmon.MetricWrite, rate(before.WriteBytes, p.WriteBytes, interval), interval)
	}
	return nil
}

// rowStarted reports whether a process started after the snapshot of that time.
func rowStarted(id procmon.ProcessID, p *procmon.Process, last int64) bool {
	return p.StartTime.Known && last != never && id.Start >= last
}

// weightOf is 1 for a value that does not come from an interval.
func weightOf(interval float64) float64 {
	if interval > 0 {
		return interval
	}
	return 1
}

// cpuPercent returns the CPU use of p in percent of one core, of seconds since before.
func cpuPercent(before, p *procmon.Process, seconds float64) procmon.Opt[float64] {
	if !p.CPUSeconds.Known {
		return p.CPU
	}
	if seconds <= 0 || !before.CPUSeconds.Known || p.CPUSeconds.Value < before.CPUSeconds.Value {
		return procmon.Opt[float64]{}
	}
	return procmon.Some(100 * (p.CPUSeconds.Value - before.CPUSeconds.Value) / seconds)
}

func rate(before, after procmon.Opt[uint64], seconds float64) procmon.Opt[float64] {
	if !before.Known || !after.Known || after.Value < before.Value {
		return procmon.Opt[float64]{}
	}
	return procmon.Some(float64(after.Value-before.Value) / seconds)
}

func asFloat[T uint32 | uint64](v procmon.Opt[T]) procmon.Opt[float64] {
	return procmon.Opt[float64]{Value: float64(v.Value), Known: v.Known}
}
