package groups

import (
	"strings"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/proctable"
)

// place is where a process is counted. It is decided once per identity, and again when a fact
// that rules can ask has changed, as by exec.
type place struct {
	name  string // of its group
	group *Group // nil when there was no room for it
}

// Update takes in a new table. before is the table of the previous call, nil at the first
// and where counting shall begin anew. It keeps nothing of either but names.
func (t *Tracker) Update(before, now *proctable.Rows) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.updates++
	t.left, t.full = 0, false
	clear(t.leftOver)
	for _, g := range t.groups {
		g.clear()
	}
	was := t.decide(before, now)
	places := t.places
	// Members first: a group that still has some must not make room for another.
	for i := range now.Processes {
		if g := t.groups[places[i].name]; g != nil {
			g.add(&now.Processes[i])
			places[i].group = g
		}
	}
	for i := range now.Processes {
		if places[i].group != nil {
			continue
		}
		g := t.groups[places[i].name]
		if g == nil {
			g = t.make(places[i].name)
		}
		if g == nil {
			t.left++
			continue
		}
		g.add(&now.Processes[i])
		places[i].group = g
	}
	if before == nil {
		before, was = now, places
	}
	proctable.Join(before, now, func(i, j int) { t.count(was, before, now, i, j) })
	for _, g := range t.groups {
		if g.Processes > 0 {
			g.empty = 0
		} else if g.empty == 0 {
			g.empty = t.updates
		}
	}
}

// decide sets t.places to the places of the rows of now, without their groups, and returns
// those of before.
func (t *Tracker) decide(before, now *proctable.Rows) (was []place) {
	was = t.places
	next := t.spare[:0]
	if before == nil {
		for j := range now.Processes {
			next = append(next, place{name: t.nameOf(now, j)})
		}
	} else {
		proctable.Join(before, now, func(i, j int) {
			switch {
			case j < 0:
			case i >= 0 && sameFacts(&before.Processes[i], &now.Processes[j]):
				next = append(next, place{name: was[i].name})
			default:
				next = append(next, place{name: t.nameOf(now, j)})
			}
		})
	}
	t.places, t.spare = next, was
	return was
}

// sameFacts reports whether rules decide the same of p and q. The table uses its texts again,
// so that comparing them is comparing where they stand.
func sameFacts(p, q *procmon.Process) bool {
	return p.Name == q.Name && p.Exe == q.Exe && p.Cmdline == q.Cmdline && p.Username == q.Username
}

// nameOf returns the name of a process's group. The kernel runs one thread for each processor
// or queue and numbers them after a slash: where no rule takes them they are one group.
func (t *Tracker) nameOf(rows *proctable.Rows, i int) string {
	p := &rows.Processes[i]
	name := t.ruled(p)
	if name == p.Name && rows.Details[i].Kernel {
		name, _, _ = strings.Cut(name, "/")
	}
	return t.keep(Label(name))
}

// ruled returns the name of the group of the first rule that takes p, and p's name if none
// does.
func (t *Tracker) ruled(p *procmon.Process) string {
	for i := range t.rules {
		if group, ok := t.rules[i].match(p); ok {
			if group == "" {
				break
			}
			return group
		}
	}
	return p.Name
}

// keep returns name in memory of its own: a part of a longer text would keep all of it.
func (t *Tracker) keep(name string) string {
	if g := t.groups[name]; g != nil {
		return g.Name
	}
	return strings.Clone(name)
}

// Lived counts processes that started and ended since the last update, so that no table
// shows them: one start and one end each in the group of that name. Of the rules, those take
// them that ask for nothing but the name.
func (t *Tracker) Lived(names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	times := make(map[string]uint64) // of each name, so that rules are asked once
	for _, n := range names {
		times[n]++
	}
	for _, n := range names {
		count := times[n]
		if count == 0 {
			continue // counted already
		}
		times[n] = 0
		name := t.keep(Label(t.ruled(&procmon.Process{Name: n})))
		g := t.groups[name]
		if g == nil {
			if g = t.make(name); g == nil {
				continue
			}
			g.empty = t.updates
		}
		g.Starts += count
		g.Ends += count
	}
}

// count adds to the counters what the process at i before and j now used in between.
func (t *Tracker) count(was []place, before, now *proctable.Rows, i, j int) {
	stayed := i >= 0 && j >= 0 && was[i].name == t.places[j].name
	if i >= 0 && !stayed {
		if from := t.groups[was[i].name]; from != nil {
			from.Ends++
		}
	}
	if j < 0 || t.places[j].group == nil {
		return
	}
	to := t.places[j].group
	if !stayed {
		to.Starts++
	}
	var old procmon.Process
	var oldDetail proctable.Detail
	if i >= 0 {
		old, oldDetail = before.Processes[i], before.Details[i]
	} else { // all that it used, it used since before
		zero := procmon.Some(uint64(0))
		old.CPUSeconds, old.ReadBytes, old.WriteBytes = procmon.Some(0.0), zero, zero
		old.ReadOperations, old.WriteOperations = zero, zero
	}
	is, detail := &now.Processes[j], &now.Details[j]
	if is.CPUSeconds.Known {
		grow(&to.UserSeconds, procmon.Opt[float64]{Value: oldDetail.UserSeconds, Known: old.CPUSeconds.Known}, procmon.Some(detail.UserSeconds))
		grow(&to.SystemSeconds, procmon.Opt[float64]{Value: oldDetail.SystemSeconds, Known: old.CPUSeconds.Known}, procmon.Some(detail.SystemSeconds))
	}
	grow(&to.ReadBytes, old.ReadBytes, is.ReadBytes)
	grow(&to.WriteBytes, old.WriteBytes, is.WriteBytes)
	grow(&to.ReadOperations, old.ReadOperations, is.ReadOperations)
	grow(&to.WriteOperations, old.WriteOperations, is.WriteOperations)
}

// grow adds to a counter what one process's figure grew by. A figure that was not known, or
// shrank, adds nothing: what it is now is where counting goes on.
func grow[T uint64 | float64](counter *procmon.Opt[T], was, is procmon.Opt[T]) {
	if !is.Known {
		return
	}
	counter.Known = true
	if was.Known && is.Value > was.Value {
		counter.Value += is.Value - was.Value
	}
}
