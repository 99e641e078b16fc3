package query

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
)

// Top returns who used most, most first; of equals, by host, name and identity.
func (e *Engine) Top(ctx context.Context, q procmon.TopQuery) ([]procmon.TopRow, error) {
	from, to, err := checkRange(q.From, q.To)
	if err != nil {
		return nil, err
	}
	switch {
	case q.By != procmon.TopCPU && q.By != procmon.TopMemory && q.By != procmon.TopIO:
		return nil, &procmon.FieldError{Field: "by", Problem: fmt.Sprintf("%q is not %s, %s or %s", q.By, procmon.TopCPU, procmon.TopMemory, procmon.TopIO)}
	case q.Per != procmon.PerProcess && q.Per != procmon.PerName && q.Per != procmon.PerUser && q.Per != procmon.PerHost:
		return nil, &procmon.FieldError{Field: "per", Problem: fmt.Sprintf("%q is not %s, %s, %s or %s", q.Per, procmon.PerProcess, procmon.PerName, procmon.PerUser, procmon.PerHost)}
	case q.Limit < 1 || q.Limit > MaxRows:
		return nil, &procmon.FieldError{Field: "limit", Problem: fmt.Sprintf("%d is not from 1 to %d", q.Limit, MaxRows)}
	}
	order := orderOf(q.By)
	var all []procmon.TopRow
	merged := make(map[string]*procmon.TopRow)
	err = eachHost(ctx, e.Source, q.Hosts, func(h *procmon.HostSummary) ([]procmon.TopRow, error) {
		t := topOfHost{q: &q, host: h.Host, from: from, to: to, clock: clock{never}, rows: map[string]*topRow{}, last: map[procmon.ProcessID]used{}}
		if err := e.Source.Segments(ctx, procmon.HostKey(h.Host), from-int64(Farthest), to, nil, t.segment); err != nil {
			return nil, err
		}
		rows := t.result()
		if q.Per == procmon.PerProcess {
			slices.SortFunc(rows, order)
			rows = rows[:min(len(rows), q.Limit)]
		}
		return rows, nil
	}, func(_ *procmon.HostSummary, rows []procmon.TopRow) bool {
		if q.Per == procmon.PerProcess || q.Per == procmon.PerHost {
			all = append(all, rows...)
			return true
		}
		for i := range rows {
			mergeTop(merged, &rows[i])
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	for _, r := range merged {
		all = append(all, *r)
	}
	slices.SortFunc(all, order)
	return all[:min(len(all), q.Limit)], nil
}

// mergeTop adds up what has a name or a user in common.
func mergeTop(merged map[string]*procmon.TopRow, r *procmon.TopRow) {
	key := strings.ToLower(r.Name) + "\x00" + strings.ToLower(r.User.Value) + fmt.Sprint(r.User.Known)
	m := merged[key]
	if m == nil {
		merged[key] = r
		return
	}
	m.CPUSeconds = plus(m.CPUSeconds, r.CPUSeconds)
	m.MemoryBytes, m.IOBytes = plus(m.MemoryBytes, r.MemoryBytes), plus(m.IOBytes, r.IOBytes)
	m.Processes += r.Processes
	m.Hosts += r.Hosts
	m.PeakAt = time.Time{} // hosts have their peaks at different times
}

func plus[T float64 | uint64](a, b procmon.Opt[T]) procmon.Opt[T] {
	return procmon.Opt[T]{Value: a.Value + b.Value, Known: a.Known || b.Known}
}

func orderOf(by string) func(a, b procmon.TopRow) int {
	more := func(a, b procmon.TopRow) int { return compareOpt(b.CPUSeconds, a.CPUSeconds) }
	switch by {
	case procmon.TopMemory:
		more = func(a, b procmon.TopRow) int { return compareOpt(b.MemoryBytes, a.MemoryBytes) }
	case procmon.TopIO:
		more = func(a, b procmon.TopRow) int { return compareOpt(b.IOBytes, a.IOBytes) }
	}
	return func(a, b procmon.TopRow) int {
		id := func(r *procmon.TopRow) procmon.ProcessID {
			if r.ID == nil {
				return procmon.ProcessID{}
			}
			return *r.ID
		}
		i, j := id(&a), id(&b)
		return cmp.Or(more(a, b), cmp.Compare(procmon.HostKey(a.Host), procmon.HostKey(b.Host)), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.User.Value, b.User.Value), cmp.Compare(i.PID, j.PID), cmp.Compare(i.Start, j.Start))
	}
}

// compareOpt has what is not known first.
func compareOpt[T cmp.Ordered](a, b procmon.Opt[T]) int {
	if a.Known != b.Known {
		if a.Known {
			return 1
		}
		return -1
	}
	return cmp.Compare(a.Value, b.Value)
}

// topOfHost adds up the processes of one host.
type topOfHost struct {
	q        *procmon.TopQuery
	host     string
	from, to int64
	clock    clock
	rows     map[string]*topRow
	last     map[procmon.ProcessID]used // in the snapshot before the segment
}

// used is what a process has used since its start.
type used struct {
	cpuSeconds  procmon.Opt[float64]
	read, write procmon.Opt[uint64]
}

func usedBy(p *procmon.Process) used { return used{p.CPUSeconds, p.ReadBytes, p.WriteBytes} }

// topRow is a row, and what is counted for it.
type topRow struct {
	procmon.TopRow
	ids    map[procmon.ProcessID]bool
	memory []uint64 // of each step of the segment
}

func (t *topOfHost) segment(g block.Segment) error {
	rows, err := g.Rows()
	if err != nil {
		return err
	}
	times := g.Times()
	ends := make(map[procmon.ProcessID]used)
	// The step before the range is what the first in it is measured from.
	first, _ := slices.BinarySearch(times, t.from)
	first = max(first-1, 0)
	for i := range rows {
		if rows[i].Last() < first || times[rows[i].First()] > t.to {
			continue
		}
		if err := t.process(g, i, &rows[i], first, ends); err != nil {
			return err
		}
	}
	for _, r := range t.rows {
		for step, bytes := range r.memory {
			if bytes > r.MemoryBytes.Value || !r.MemoryBytes.Known && bytes > 0 {
				r.MemoryBytes, r.PeakAt = procmon.Some(bytes), nanoTime(times[step])
			}
		}
		clear(r.memory)
	}
	t.last = ends
	t.clock.end(times)
	return nil
}

func (t *topOfHost) process(g block.Segment, i int, row *block.Row, first int, ends map[procmon.ProcessID]used) error {
	c := topOfProcess{topOfHost: t, id: row.ID, times: g.Times(), there: t.clock.last}
	err := g.Facts(i, false, func(step int, p *procmon.Process) error {
		c.facts = append(c.facts, stage{step: step, p: *p})
		return nil
	})
	if err != nil {
		return err
	}
	c.before, c.was = t.last[row.ID]
	const chosen = block.CPUSeconds | block.DeliveredCPU | block.Memory | block.ReadBytes | block.WriteBytes
	return stretches(g, i, row, chosen, first, func(from, until int, p *procmon.Process) {
		for step := from; step < until; step++ {
			if step > from {
				step += c.idle(step, until, p)
			}
			if step < until {
				c.add(step, p)
			}
		}
		if until == len(c.times) {
			ends[row.ID] = usedBy(p)
		}
	})
}

// topOfProcess adds up what is of one process in a segment.
type topOfProcess struct {
	*topOfHost
	id     procmon.ProcessID
	times  []int64
	facts  []stage // one process can run one program after the other
	row    *topRow // nil until it is known
	passed bool    // it is not included
	before used    // what it had used in the step before, if was
	was    bool
	there  int64 // when that was
	idles  bool  // nothing changed from the step before it to that
}

// idle takes in steps in a row in which nothing changes of a process, as of most at most times, and
// returns how many. What is known of it was counted at the first of them; delivered CPU use
// counts at each.
func (c *topOfProcess) idle(step, until int, p *procmon.Process) int {
	if !c.idles || p.CPU.Known || c.row == nil && !c.passed {
		return 0
	}
	if len(c.facts) > 1 {
		until = min(until, c.facts[1].step)
	}
	n := 0
	for ; step+n < until && c.times[step+n] <= c.to; n++ {
		if c.row != nil {
			c.row.memory[step+n] += p.WorkingSetBytes.Value
		}
		c.there = c.times[step+n]
	}
	return n
}

// add takes in one step.
func (c *topOfProcess) add(step int, p *procmon.Process) {
	at := c.times[step]
	if at < c.from-int64(Farthest) || at > c.to {
		return
	}
	now, last := usedBy(p), c.clock.before(c.times, step)
	defer func() { c.before, c.was, c.there = now, true, at }()
	c.idles = c.was && at >= c.from && c.there == last && now == c.before
	if at < c.from {
		return
	}
	for len(c.facts) > 1 && c.facts[1].step <= step {
		c.facts, c.row, c.passed = c.facts[1:], nil, false
	}
	if c.row == nil {
		fact := &c.facts[0].p
		if c.passed = c.q.Include != nil && !c.q.Include(c.host, fact.Name); c.passed {
			return
		}
		c.row = c.topOfHost.row(c.id, fact, len(c.times))
	}
	if last < c.from-int64(Farthest) {
		last = never // whether or not it is in a segment that reaches into the range
	}
	before := &c.before
	switch {
	case c.was && c.there == last:
	case rowStarted(c.id, p, last):
		before = &used{procmon.Some(0.0), procmon.Some[uint64](0), procmon.Some[uint64](0)}
	default:
		before, c.idles = nil, false // nothing was counted
	}
	c.row.add(before, p, c.clock.interval(c.times, step))
	if p.WorkingSetBytes.Known {
		c.row.memory[step] += p.WorkingSetBytes.Value
	}
}

// row returns the row that a process belongs to.
func (t *topOfHost) row(id procmon.ProcessID, p *procmon.Process, steps int) *topRow {
	var key string
	row := procmon.TopRow{Hosts: 1}
	switch t.q.Per {
	case procmon.PerProcess:
		key = fmt.Sprint(id)
		row.Host, row.ID, row.Name, row.User = t.host, &id, p.Name, p.Username
	case procmon.PerName:
		key, row.Name = strings.ToLower(p.Name), p.Name
	case procmon.PerUser:
		key, row.User = strings.ToLower(p.Username.Value)+fmt.Sprint(p.Username.Known), p.Username
	case procmon.PerHost:
		row.Host = t.host
	}
	r := t.rows[key]
	if r == nil {
		r = &topRow{TopRow: row, ids: map[procmon.ProcessID]bool{}}
		t.rows[key] = r
	}
	r.ids[id] = true
	if len(r.memory) < steps {
		r.memory = append(r.memory, make([]uint64, steps-len(r.memory))...)
	}
	return r
}

// add takes in what p used since before, which is nil if that is not known.
func (r *topRow) add(before *used, p *procmon.Process, seconds float64) {
	switch {
	case p.CPUSeconds.Known:
		if before != nil && before.cpuSeconds.Known && p.CPUSeconds.Value >= before.cpuSeconds.Value {
			r.CPUSeconds = plus(r.CPUSeconds, procmon.Some(p.CPUSeconds.Value-before.cpuSeconds.Value))
		}
	case p.CPU.Known && seconds > 0:
		r.CPUSeconds = plus(r.CPUSeconds, procmon.Some(p.CPU.Value/100*seconds))
	}
	if before == nil {
		return
	}
	for _, c := range [...][2]procmon.Opt[uint64]{{before.read, p.ReadBytes}, {before.write, p.WriteBytes}} {
		if c[0].Known && c[1].Known && c[1].Value >= c[0].Value {
			r.IOBytes = plus(r.IOBytes, procmon.Some(c[1].Value-c[0].Value))
		}
	}
}

func (t *topOfHost) result() []procmon.TopRow {
	rows := make([]procmon.TopRow, 0, len(t.rows))
	for _, r := range t.rows {
		r.Processes = len(r.ids)
		rows = append(rows, r.TopRow)
	}
	return rows
}

// eachHost calls work with the hosts that are chosen, several at a time, and then done with
// what came out, host by host in the order of their keys, until done returns false.
func eachHost[T any](ctx context.Context, source Source, chosen func(*procmon.HostSummary) bool,
	work func(*procmon.HostSummary) (T, error), done func(*procmon.HostSummary, T) bool,
) error {
	hosts, err := source.Hosts(ctx)
	if err != nil {
		return err
	}
	if chosen != nil {
		hosts = slices.DeleteFunc(slices.Clone(hosts), func(h procmon.HostSummary) bool { return !chosen(&h) })
	}
	type result struct {
		value T
		err   error
	}
	atOnce := 4 * runtime.GOMAXPROCS(0)
	for len(hosts) > 0 {
		n := min(len(hosts), atOnce)
		results := make([]result, n)
		var workers sync.WaitGroup
		next := make(chan int)
		for range min(n, runtime.GOMAXPROCS(0)) {
			workers.Go(func() {
				for i := range next {
					if results[i].err = ctx.Err(); results[i].err == nil {
						results[i].value, results[i].err = work(&hosts[i])
					}
				}
			})
		}
		for i := range n {
			next <- i
		}
		close(next)
		workers.Wait()
		for i := range n {
			if results[i].err != nil {
				return results[i].err
			}
			if !done(&hosts[i], results[i].value) {
				return nil
			}
		}
		hosts = hosts[n:]
	}
	return nil
}
