package groups_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/groups"
	"github.com/procmon/procmon/exporter/proctable"
)

// counts are the counters of one group, or the sums over all groups. Their figures are whole
// numbers, so that adding them in another order gives the same.
type counts struct {
	User, System                    float64
	ReadBytes, WriteBytes           uint64
	ReadOperations, WriteOperations uint64
	Starts, Ends                    uint64
}

func (c counts) plus(d counts) counts {
	return counts{
		c.User + d.User, c.System + d.System, c.ReadBytes + d.ReadBytes, c.WriteBytes + d.WriteBytes,
		c.ReadOperations + d.ReadOperations, c.WriteOperations + d.WriteOperations, c.Starts + d.Starts, c.Ends + d.Ends,
	}
}

func (c counts) atLeast(d counts) bool {
	return c.User >= d.User && c.System >= d.System && c.ReadBytes >= d.ReadBytes && c.WriteBytes >= d.WriteBytes &&
		c.ReadOperations >= d.ReadOperations && c.WriteOperations >= d.WriteOperations && c.Starts >= d.Starts && c.Ends >= d.Ends
}

func countsOf(g groups.Group) counts {
	return counts{
		g.UserSeconds.Value, g.SystemSeconds.Value, g.ReadBytes.Value, g.WriteBytes.Value,
		g.ReadOperations.Value, g.WriteOperations.Value, g.Starts, g.Ends,
	}
}

// history is a host whose processes start, work, change, hide figures and end at random. Pids
// and names are few, so that both come again.
type history struct {
	*rand.Rand
	alive map[uint32]procmon.Process
	clock int // seconds; jumps both ways
}

const pids = 8

var historyRules = []groups.Rule{{Group: "first", Name: "^a$", User: "^u$"}, {Group: "two-$1", Name: "^(b)"}}

// groupOf is what historyRules say.
func groupOf(p procmon.Process) string {
	switch {
	case p.Name == "a" && p.Username == procmon.Some("u"):
		return "first"
	case p.Name == "b":
		return "two-b"
	}
	return p.Name
}

func (h *history) step() {
	h.clock += h.IntN(60) - 20
	for pid := range uint32(pids) {
		p, ok := h.alive[pid]
		switch h.IntN(10) {
		case 0:
			delete(h.alive, pid)
			continue
		case 1, 2: // what had the pid is gone
			p = procmon.Process{PID: pid, StartTime: procmon.Some(epoch.Add(time.Duration(h.clock) * time.Second)), Name: h.name(), Username: h.user()}
			if h.IntN(20) == 0 {
				p.StartTime = procmon.Opt[time.Time]{}
			}
			ok = true
		case 3:
			p.Name = h.name()
		case 4:
			p.Username = h.user()
		}
		if !ok {
			continue
		}
		h.grow(&p.ReadBytes)
		h.grow(&p.WriteBytes)
		h.grow(&p.ReadOperations)
		h.grow(&p.WriteOperations)
		h.growSeconds(&p.KernelSeconds)
		h.growSeconds(&p.CPUSeconds)
		h.alive[pid] = p
	}
}

func (h *history) name() string { return string(rune('a' + h.IntN(4))) }

func (h *history) user() procmon.Opt[string] {
	return []procmon.Opt[string]{procmon.Some("u"), procmon.Some("v"), {}}[h.IntN(3)]
}

// grow changes a figure: it grows, at times shrinks, and is at times unknown.
func (h *history) grow(v *procmon.Opt[uint64]) {
	switch h.IntN(12) {
	case 0:
		v.Known = false
	case 1:
		*v = procmon.Some(v.Value / 2)
	default:
		*v = procmon.Some(v.Value + uint64(h.IntN(9)))
	}
}

func (h *history) growSeconds(v *procmon.Opt[float64]) {
	whole := procmon.Opt[uint64]{Value: uint64(v.Value)}
	h.grow(&whole)
	*v = procmon.Opt[float64]{Value: float64(whole.Value), Known: whole.Known}
}

// rows returns the table of this moment. Its user time is CPUSeconds, its kernel time
// KernelSeconds, to have both change by themselves.
func (h *history) rows() *proctable.Rows {
	rows := &proctable.Rows{}
	for pid := range uint32(pids) {
		if p, ok := h.alive[pid]; ok {
			rows.Processes = append(rows.Processes, p)
			rows.Details = append(rows.Details, proctable.Detail{UserSeconds: p.CPUSeconds.Value, SystemSeconds: p.KernelSeconds.Value})
		}
	}
	return rows
}

// model adds up what the processes of a history did, in the plainest way.
type model struct {
	before map[procmon.ProcessID]int // in rows
	rows   *proctable.Rows
	groups map[string]counts
	sum    counts // over processes
}

func (m *model) update(now *proctable.Rows) {
	ids := map[procmon.ProcessID]int{}
	for j, p := range now.Processes {
		ids[p.ID()] = j
		if m.rows == nil {
			continue
		}
		var d counts
		i, lived := m.before[p.ID()]
		used := func(is, was procmon.Opt[uint64]) uint64 {
			if !lived {
				was = procmon.Some(uint64(0))
			}
			if !is.Known || !was.Known || is.Value < was.Value {
				return 0
			}
			return is.Value - was.Value
		}
		seconds := func(is, was float64, wasKnown bool) float64 {
			if !lived {
				was, wasKnown = 0, true
			}
			if !p.CPUSeconds.Known || !wasKnown {
				return 0
			}
			return max(is-was, 0)
		}
		var was procmon.Process
		var wasDetail proctable.Detail
		if lived {
			was, wasDetail = m.rows.Processes[i], m.rows.Details[i]
		}
		d.User = seconds(now.Details[j].UserSeconds, wasDetail.UserSeconds, was.CPUSeconds.Known)
		d.System = seconds(now.Details[j].SystemSeconds, wasDetail.SystemSeconds, was.CPUSeconds.Known)
		d.ReadBytes, d.WriteBytes = used(p.ReadBytes, was.ReadBytes), used(p.WriteBytes, was.WriteBytes)
		d.ReadOperations, d.WriteOperations = used(p.ReadOperations, was.ReadOperations), used(p.WriteOperations, was.WriteOperations)
		if !lived || groupOf(was) != groupOf(p) {
			d.Starts = 1
		}
		m.add(groupOf(p), d)
		if lived && groupOf(was) != groupOf(p) {
			m.add(groupOf(was), counts{Ends: 1})
		}
	}
	for id, i := range m.before {
		if _, lives := ids[id]; !lives {
			m.add(groupOf(m.rows.Processes[i]), counts{Ends: 1})
		}
	}
	m.before, m.rows = ids, now
}

func (m *model) add(group string, d counts) {
	m.groups[group] = m.groups[group].plus(d)
	m.sum = m.sum.plus(d)
}

// TestHistoriesAgainstModel holds the tracker against the model: every counter of every group
// after every table, none of which may shrink, and their sums.
func TestHistoriesAgainstModel(t *testing.T) {
	for seed := range uint64(300) {
		h := &history{Rand: rand.New(rand.NewPCG(3, seed)), alive: map[uint32]procmon.Process{}}
		m := &model{groups: map[string]counts{}}
		tracker := track(t, 100, historyRules...)
		var before *proctable.Rows
		last := map[string]counts{}
		for step := range 40 {
			h.step()
			now := h.rows()
			tracker.Update(before, now)
			m.update(now)
			before = now
			if h.IntN(3) == 0 {
				lived := []string{h.name(), "short", h.name()}
				tracker.Lived(lived)
				for _, name := range lived {
					if name == "b" {
						name = "two-b" // the other rule asks for a user too
					}
					m.add(name, counts{Starts: 1, Ends: 1})
				}
			}
			var sum counts
			for _, g := range tracker.Groups() {
				got := countsOf(g)
				if diff := cmp.Diff(m.groups[g.Name], got); diff != "" {
					t.Fatalf("seed %d, step %d, group %s:\n%s", seed, step, g.Name, diff)
				}
				if !got.atLeast(last[g.Name]) {
					t.Fatalf("seed %d, step %d, group %s shrank: %+v, was %+v", seed, step, g.Name, got, last[g.Name])
				}
				last[g.Name], sum = got, sum.plus(got)
			}
			if diff := cmp.Diff(m.sum, sum); diff != "" {
				t.Fatalf("seed %d, step %d, all groups:\n%s", seed, step, diff)
			}
		}
	}
}

// TestHistoriesUnderLimit has room for fewer groups than there are names: who has members
// stays, its counters never shrink, and what is left out is told.
func TestHistoriesUnderLimit(t *testing.T) {
	const limit = 3
	for seed := range uint64(300) {
		h := &history{Rand: rand.New(rand.NewPCG(4, seed)), alive: map[uint32]procmon.Process{}}
		tracker := track(t, limit, historyRules...)
		var before *proctable.Rows
		var last []groups.Group
		for step := range 40 {
			h.step()
			now := h.rows()
			tracker.Update(before, now)
			before = now
			if h.IntN(3) == 0 {
				tracker.Lived([]string{h.name(), fmt.Sprint("short", h.IntN(9))})
			}
			all := tracker.Groups()
			alive := map[string]int{}
			for _, p := range now.Processes {
				alive[groupOf(p)]++
			}
			shown := 0
			for _, g := range all {
				if g.Processes != alive[g.Name] {
					t.Fatalf("seed %d, step %d: %s has %d members, want %d", seed, step, g.Name, g.Processes, alive[g.Name])
				}
				shown += g.Processes
			}
			if left, _ := tracker.Left(); len(all) > limit || shown+left != len(now.Processes) || left > 0 && len(all) < limit {
				t.Fatalf("seed %d, step %d: %d groups with %d of %d processes, %d are said to be left out", seed, step, len(all), shown, len(now.Processes), left)
			}
			for _, was := range last {
				i := slices.IndexFunc(all, func(g groups.Group) bool { return g.Name == was.Name })
				if i < 0 && was.Processes > 0 && alive[was.Name] > 0 {
					t.Fatalf("seed %d, step %d: %s had and has members, and made room", seed, step, was.Name)
				}
				if i >= 0 && alive[was.Name] > 0 && was.Processes > 0 && !countsOf(all[i]).atLeast(countsOf(was)) {
					t.Fatalf("seed %d, step %d: %s shrank", seed, step, was.Name)
				}
			}
			last = all
		}
	}
}
