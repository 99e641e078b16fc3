// Package groups adds up the processes of a host by name, as /metrics shows them by
// default: a fleet's process names are few, its processes are not.
//
// A group's counters begin at zero when the first table is seen and grow by what its
// members used since: a member that ends takes nothing away, and a new exporter does not
// count again what an earlier one has counted.
package groups

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/proctable"
)

// A Group is the sum over the processes that share a name. Sums are over the members whose
// figure is known; they are unknown when there are members and none tells the figure.
type Group struct {
	Name      string
	Processes int

	WorkingSetBytes procmon.Opt[uint64]
	PrivateBytes    procmon.Opt[uint64]
	Threads         procmon.Opt[uint64]
	Handles         procmon.Opt[uint64]
	OldestStart     procmon.Opt[time.Time] // of the members

	// Counters never shrink. They are unknown until a member told the figure.
	UserSeconds   procmon.Opt[float64]
	SystemSeconds procmon.Opt[float64]
	ReadBytes     procmon.Opt[uint64]
	WriteBytes    procmon.Opt[uint64]
	Starts        uint64 // members that came after the first table, also by taking the name
	Ends          uint64 // members that went, also by changing their name

	born  uint64 // number of the update that made it
	empty uint64 // number of the update that found it empty first; 0 when it has members
}

// A Tracker follows the groups of one host from table to table. Its methods can be called
// from several goroutines.
type Tracker struct {
	limit int

	mu      sync.Mutex
	groups  map[string]*Group
	updates uint64
	left    int // processes without a group in the last update
}

// New returns a tracker that holds at most limit groups. When a name more comes up, the
// group that has been without members for longest makes room; when all have members, the
// processes of that name are left out and Left says so.
func New(limit int) *Tracker {
	return &Tracker{limit: limit, groups: map[string]*Group{}}
}

// Update takes in a new table. before is the table of the previous call, nil at the first.
// It keeps nothing of either but names.
func (t *Tracker) Update(before, now *proctable.Rows) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.updates++
	t.left = 0
	for _, g := range t.groups {
		g.clear()
	}
	// Members first: a group that still has some must not make room for another.
	for i := range now.Processes {
		if g := t.groups[name(now, i)]; g != nil {
			g.add(&now.Processes[i])
		}
	}
	full := false
	for i := range now.Processes {
		n := name(now, i)
		g := t.groups[n]
		if g == nil && !full {
			g = t.make(n)
			full = g == nil
		}
		switch {
		case g == nil:
			t.left++
		case g.born == t.updates:
			g.add(&now.Processes[i])
		}
	}
	if before == nil {
		before = now
	}
	proctable.Join(before, now, func(i, j int) { t.count(before, now, i, j) })
	for _, g := range t.groups {
		if g.Processes > 0 {
			g.empty = 0
		} else if g.empty == 0 {
			g.empty = t.updates
		}
	}
}

// make makes a group of that name if there is room, else it returns nil.
func (t *Tracker) make(name string) *Group {
	if len(t.groups) >= t.limit {
		var oldest *Group
		for _, g := range t.groups {
			if g.Processes == 0 && (oldest == nil || g.age() < oldest.age() || g.age() == oldest.age() && g.Name < oldest.Name) {
				oldest = g
			}
		}
		if oldest == nil {
			return nil
		}
		delete(t.groups, oldest.Name)
	}
	name = strings.Clone(name) // a part of a longer text would keep all of it
	g := &Group{Name: name, born: t.updates}
	t.groups[name] = g
	return g
}

// age orders groups without members; one that lost its last member just now is the youngest.
func (g *Group) age() uint64 { return g.empty - 1 }

// count adds to the counters what the process at i before and j now used in between.
func (t *Tracker) count(before, now *proctable.Rows, i, j int) {
	var from, to *Group
	if i >= 0 {
		from = t.groups[name(before, i)]
	}
	if j >= 0 {
		to = t.groups[name(now, j)]
	}
	if from != to {
		if from != nil {
			from.Ends++
		}
		if to != nil {
			to.Starts++
		}
	}
	if to == nil {
		return
	}
	var was procmon.Process
	var wasDetail proctable.Detail
	if i >= 0 {
		was, wasDetail = before.Processes[i], before.Details[i]
	} else { // all that it used, it used since before
		was.CPUSeconds, was.ReadBytes, was.WriteBytes = procmon.Some(0.0), procmon.Some(uint64(0)), procmon.Some(uint64(0))
	}
	is, detail := &now.Processes[j], &now.Details[j]
	if is.CPUSeconds.Known {
		grow(&to.UserSeconds, procmon.Opt[float64]{Value: wasDetail.UserSeconds, Known: was.CPUSeconds.Known}, detail.UserSeconds)
		grow(&to.SystemSeconds, procmon.Opt[float64]{Value: wasDetail.SystemSeconds, Known: was.CPUSeconds.Known}, detail.SystemSeconds)
	}
	if is.ReadBytes.Known {
		grow(&to.ReadBytes, was.ReadBytes, is.ReadBytes.Value)
	}
	if is.WriteBytes.Known {
		grow(&to.WriteBytes, was.WriteBytes, is.WriteBytes.Value)
	}
}

// grow adds to a counter what one process's figure grew by.
func grow[T uint64 | float64](counter *procmon.Opt[T], was procmon.Opt[T], is T) {
	counter.Known = true
	if was.Known && is > was.Value {
		counter.Value += is - was.Value
	}
}

// name returns the name of a process's group. The kernel runs one thread for each processor
// or queue and numbers them after a slash: they are one group.
func name(rows *proctable.Rows, i int) string {
	n := rows.Processes[i].Name
	if rows.Details[i].Kernel {
		n, _, _ = strings.Cut(n, "/")
	}
	return n
}

// clear makes g a group without members, which uses nothing.
func (g *Group) clear() {
	g.Processes = 0
	g.WorkingSetBytes.Value, g.PrivateBytes.Value, g.Threads.Value, g.Handles.Value = 0, 0, 0, 0
	g.OldestStart = procmon.Opt[time.Time]{}
}

func (g *Group) add(p *procmon.Process) {
	if g.Processes == 0 {
		g.WorkingSetBytes, g.PrivateBytes = procmon.Opt[uint64]{}, procmon.Opt[uint64]{}
		g.Threads, g.Handles = procmon.Opt[uint64]{}, procmon.Opt[uint64]{}
	}
	g.Processes++
	sum(&g.WorkingSetBytes, p.WorkingSetBytes)
	sum(&g.PrivateBytes, p.PrivateBytes)
	sum(&g.Threads, p.Threads)
	sum(&g.Handles, p.Handles)
	if p.StartTime.Known && (!g.OldestStart.Known || p.StartTime.Value.Before(g.OldestStart.Value)) {
		g.OldestStart = p.StartTime
	}
}

func sum[T uint32 | uint64](total *procmon.Opt[uint64], v procmon.Opt[T]) {
	if v.Known {
		total.Value += uint64(v.Value)
		total.Known = true
	}
}

// Groups returns a copy of every group, by name.
func (t *Tracker) Groups() []Group {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Group, 0, len(t.groups))
	for _, g := range t.groups {
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Len returns how many groups there are.
func (t *Tracker) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.groups)
}

// Left returns how many processes the limit left out in the last update.
func (t *Tracker) Left() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.left
}

// Limit returns how many groups there can be.
func (t *Tracker) Limit() int { return t.limit }
