package model

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/procmon/procmon"
)

// A Fleet is the records of every host, by key, oldest first.
type Fleet map[string][]procmon.Record

// Hosts returns the keys of all hosts in their order.
func (f Fleet) Hosts() []string { return slices.Sorted(maps.Keys(f)) }

// Search returns every match, page after page.
func (f Fleet) Search(q procmon.SearchQuery) (all []procmon.Match) {
	for _, host := range f.Hosts() {
		if q.Match.MatchHost(f[host][0].Host) {
			all = append(all, search(f[host], &q)...)
		}
	}
	return all
}

// search looks at every process of every snapshot.
func search(records []procmon.Record, q *procmon.SearchQuery) []procmon.Match {
	ranged := !q.To.IsZero()
	newest := -1
	for i, r := range records {
		if q.At.IsZero() || !r.Snapshot.Timestamp.After(q.At) {
			newest = i
		}
	}
	found, hits := map[procmon.ProcessID]*procmon.Match{}, map[procmon.ProcessID]bool{}
	for i, r := range records {
		at := r.Snapshot.Timestamp
		if ranged && !within(at, q.From, q.To) || !ranged && i != newest {
			continue
		}
		for j := range r.Snapshot.Processes {
			p := &r.Snapshot.Processes[j]
			u := used(before(records, i), r.Snapshot, p)
			m := found[p.ID()]
			if m == nil {
				m = &procmon.Match{Life: procmon.Life{Host: r.Host, FirstSeen: at}}
				found[p.ID()] = m
			}
			m.LastSeen, m.GoneAt, m.Process = at, time.Time{}, facts(p)
			if u.cpu.Known && (!m.CPU.Known || u.cpu.Value > m.CPU.Value) {
				m.CPU = u.cpu
			}
			if memory := p.MemoryBytes(); memory.Known && (!m.Memory.Known || memory.Value > m.Memory.Value) {
				m.Memory = memory
			}
			if q.Match.MatchFacts(p, at) && q.Match.MatchFigures(u.cpu, p.MemoryBytes()) {
				hits[p.ID()] = true
			}
		}
		for id, m := range found {
			if find(r.Snapshot, id) == nil && m.GoneAt.IsZero() {
				m.GoneAt = at
			}
		}
	}
	if ranged {
		told(records, q, found, hits)
	}
	var all []procmon.Match
	for id := range hits {
		all = append(all, *found[id])
	}
	slices.SortFunc(all, func(a, b procmon.Match) int {
		return cmp.Or(a.FirstSeen.Compare(b.FirstSeen), cmp.Compare(a.Process.PID, b.Process.PID), a.Process.StartTime.Value.Compare(b.Process.StartTime.Value))
	})
	return all
}

// told adds what events say: the ends of what was found, and what is in no snapshot of the range.
func told(records []procmon.Record, q *procmon.SearchQuery, found map[procmon.ProcessID]*procmon.Match, hits map[procmon.ProcessID]bool) {
	seen := map[procmon.ProcessID]bool{}
	for _, r := range records {
		if !within(r.Snapshot.Timestamp, q.From, q.To) {
			continue
		}
		for i := range r.Snapshot.Processes {
			seen[r.Snapshot.Processes[i].ID()] = true
		}
	}
	for _, r := range records {
		at := r.Snapshot.Timestamp
		if !within(at, q.From, q.To) {
			continue
		}
		for i := range r.Snapshot.Events {
			e := &r.Snapshot.Events[i]
			id := eventID(e)
			m := found[id]
			if m == nil {
				var p procmon.Process
				take(&p, e)
				if seen[id] || q.Match.Figures() || !q.Match.MatchFacts(&p, e.Time) {
					continue
				}
				m = &procmon.Match{Life: procmon.Life{Host: r.Host, Process: p, FirstSeen: at}}
				found[id], hits[id] = m, true
			}
			if !seen[id] {
				m.LastSeen = at
			}
			if e.Kind == procmon.Ended {
				m.EndedAt, m.ExitCode = e.Time, e.ExitCode
			}
		}
	}
}

// Insert adds a record to those of its host, unless there is one of its time.
func (f Fleet) Insert(r procmon.Record) {
	key := procmon.HostKey(r.Host)
	i, there := slices.BinarySearchFunc(f[key], r.Snapshot.Timestamp, func(o procmon.Record, at time.Time) int { return o.Snapshot.Timestamp.Compare(at) })
	if !there {
		f[key] = slices.Insert(f[key], i, r)
	}
}
