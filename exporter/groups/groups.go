// Package groups adds up the processes of a host, as /metrics shows them by default: by
// name, or by the rules of the configuration. A fleet's process names are few, its processes
// are not.
//
// A group's counters begin at zero when the first table is seen and grow by what its
// members used since: a member that ends takes nothing away, and a new exporter does not
// count again what an earlier one has counted.
package groups

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/procmon/procmon"
)

// Options says how processes are grouped. The zero value groups them by name.
type Options struct {
	Rules []Rule // the first that takes a process names its group; what none takes is grouped by its name
	Limit int    // most groups; 0 is 2,000, negative is none
}

// A Group is the sum over the processes that share a name or were taken by rules of the same
// group. Sums are over the members whose figure is known; they are unknown when there are
// members and none tells the figure.
type Group struct {
	Name      string // as Label returns it
	Processes int

	WorkingSetBytes procmon.Opt[uint64]
	PrivateBytes    procmon.Opt[uint64]
	Threads         procmon.Opt[uint64]
	Handles         procmon.Opt[uint64]
	OldestStart     procmon.Opt[time.Time] // of the members

	// Counters never shrink. They are unknown until a member told the figure.
	UserSeconds     procmon.Opt[float64]
	SystemSeconds   procmon.Opt[float64]
	ReadBytes       procmon.Opt[uint64]
	WriteBytes      procmon.Opt[uint64]
	ReadOperations  procmon.Opt[uint64]
	WriteOperations procmon.Opt[uint64]
	Starts          uint64 // members that came after the first table, also from another group
	Ends            uint64 // members that went, also to another group

	born  uint64 // number of the update that made it
	empty uint64 // number of the update that found it empty first; 0 when it has members
}

// A Tracker follows the groups of one host from table to table. Its methods can be called
// from several goroutines.
type Tracker struct {
	limit int
	rules []rule

	mu       sync.Mutex
	groups   map[string]*Group
	updates  uint64
	places   []place // of the rows of the last update
	spare    []place
	left     int                 // processes without a group in the last update
	leftOver map[string]struct{} // names of the groups that there was no room for since then
	full     bool                // all groups there can be have members
}

// New returns a tracker that holds at most o.Limit groups. When one more comes up, the group
// that has been without members for longest makes room; when all have members, the processes
// of the new one are left out and Left says so.
func New(o Options) (*Tracker, error) {
	rules, err := compile(o.Rules)
	if err != nil {
		return nil, err
	}
	if o.Limit == 0 {
		o.Limit = 2000
	}
	return &Tracker{limit: max(o.Limit, 0), rules: rules, groups: map[string]*Group{}, leftOver: map[string]struct{}{}}, nil
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

// Left returns how many processes the limit left out in the last update, and how many groups
// it left out since.
func (t *Tracker) Left() (processes, groups int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.left, len(t.leftOver)
}

// Limit returns how many groups there can be.
func (t *Tracker) Limit() int { return t.limit }

// Trim drops groups without members, those that have been so for longest first, until at
// most so many groups are left or all have members.
func (t *Tracker) Trim(most int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.groups) > most && t.dropEmpty() {
	}
}

// make makes a group of that name if there is room, else it returns nil.
func (t *Tracker) make(name string) *Group {
	if len(t.groups) >= t.limit && (t.full || !t.dropEmpty()) {
		t.full = true // until the next update
		t.leftOver[name] = struct{}{}
		return nil
	}
	g := &Group{Name: name, born: t.updates}
	t.groups[name] = g
	return g
}

// dropEmpty drops the group that has been without members for longest, if there is one.
func (t *Tracker) dropEmpty() bool {
	var oldest *Group
	for _, g := range t.groups {
		if g.Processes == 0 && (oldest == nil || g.age() < oldest.age() || g.age() == oldest.age() && g.Name < oldest.Name) {
			oldest = g
		}
	}
	if oldest == nil {
		return false
	}
	delete(t.groups, oldest.Name)
	return true
}

// age orders groups without members; one that lost its last member just now is the youngest.
func (g *Group) age() uint64 { return g.empty - 1 }

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
