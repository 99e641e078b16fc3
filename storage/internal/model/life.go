package model

import (
	"cmp"
	"slices"
	"time"

	"github.com/procmon/procmon"
)

// facts returns what of p does not measure it, of the facts that Random makes.
func facts(p *procmon.Process) procmon.Process {
	return procmon.Process{PID: p.PID, StartTime: p.StartTime, Name: p.Name, Username: p.Username, PPID: p.PPID, Cmdline: p.Cmdline}
}

func eventID(e *procmon.Event) procmon.ProcessID {
	return procmon.ProcessID{PID: e.PID, Start: e.StartTime.Value.UnixNano()}
}

// take adds to p what an event says of it.
func take(p *procmon.Process, e *procmon.Event) {
	p.PID, p.StartTime = e.PID, e.StartTime
	if e.Name.Known {
		p.Name = e.Name.Value
	}
	if e.PPID.Known {
		p.PPID = e.PPID
	}
	if e.Cmdline.Known {
		p.Cmdline = e.Cmdline
	}
	if e.Username.Known {
		p.Username = e.Username
	}
}

// Life returns the life of a process of one host, and whether there is such a process.
func Life(records []procmon.Record, id procmon.ProcessID) (l procmon.Life, ok bool) {
	found, told := false, false
	for i, r := range records {
		s := r.Snapshot
		for j := range s.Events {
			e := &s.Events[j]
			if !e.StartTime.Known || eventID(e) != id {
				continue
			}
			if !found && !told {
				l.FirstSeen = s.Timestamp
			}
			if !found {
				take(&l.Process, e)
				l.LastSeen = s.Timestamp
				if !told && find(s, id) == nil {
					l.Parent = parent(records, i, id, e.PPID)
				}
			}
			told = true
			if e.Kind == procmon.Ended {
				l.EndedAt, l.ExitCode = e.Time, e.ExitCode
			}
		}
		p := find(s, id)
		switch {
		case p != nil:
			if !found {
				l.FirstSeen, l.Parent = s.Timestamp, parent(records, i, id, p.PPID)
			}
			found = true
			l.Process, l.LastSeen, l.GoneAt = facts(p), s.Timestamp, time.Time{}
		case found && l.GoneAt.IsZero():
			l.GoneAt = s.Timestamp
		}
		l.Host = r.Host
	}
	return l, found || told
}

// parent returns who started a process that is first in records[i]: who has the pid there, if
// it is not younger, else the youngest of those who had it in the snapshot before, or of
// whom an event since then tells.
func parent(records []procmon.Record, i int, id procmon.ProcessID, ppid procmon.Opt[uint32]) *procmon.ProcessID {
	if !ppid.Known || ppid.Value == id.PID {
		return nil
	}
	var all []procmon.ProcessID
	add := func(s *procmon.Snapshot) {
		for j := range s.Processes {
			if p := s.Processes[j].ID(); p.PID == ppid.Value && p.Start <= id.Start {
				all = append(all, p)
			}
		}
	}
	if add(records[i].Snapshot); len(all) == 0 {
		for j := range records[i].Snapshot.Events {
			if e := &records[i].Snapshot.Events[j]; e.StartTime.Known && e.PID == ppid.Value && eventID(e).Start <= id.Start {
				all = append(all, eventID(e))
			}
		}
		if previous := before(records, i); previous != nil {
			add(previous)
		}
	}
	if len(all) == 0 {
		return nil
	}
	youngest := slices.MaxFunc(all, func(a, b procmon.ProcessID) int { return cmp.Compare(a.Start, b.Start) })
	return &youngest
}

// At returns the newest snapshot at or before an instant, and the one before it.
func At(records []procmon.Record, at time.Time) (v procmon.View, ok bool) {
	for i, r := range records {
		if !r.Snapshot.Timestamp.After(at) {
			v, ok = procmon.View{Record: r, Previous: before(records, i)}, true
		}
	}
	return v, ok
}

// Difference returns what changed between two instants.
func Difference(records []procmon.Record, before, after time.Time) (d procmon.Difference, ok bool) {
	then, ok1 := At(records, before)
	now, ok2 := At(records, after)
	if !ok1 || !ok2 {
		return d, false
	}
	d = procmon.Difference{Host: now.Host, Before: then.Snapshot, After: now.Snapshot}
	for i := range now.Snapshot.Processes {
		p := &now.Snapshot.Processes[i]
		old := find(then.Snapshot, p.ID())
		if old == nil {
			d.Started = append(d.Started, procmon.Change{After: p})
			continue
		}
		c := procmon.Change{Before: old, After: p}
		if p.CPUSeconds.Known && old.CPUSeconds.Known && p.CPUSeconds.Value >= old.CPUSeconds.Value {
			c.CPUSeconds = procmon.Some(p.CPUSeconds.Value - old.CPUSeconds.Value)
		}
		if p.ReadBytes.Value >= old.ReadBytes.Value {
			c.ReadBytes = procmon.Some(p.ReadBytes.Value - old.ReadBytes.Value)
		}
		if p.WriteBytes.Value >= old.WriteBytes.Value {
			c.WriteBytes = procmon.Some(p.WriteBytes.Value - old.WriteBytes.Value)
		}
		d.Stayed = append(d.Stayed, c)
	}
	for i := range then.Snapshot.Processes {
		if p := &then.Snapshot.Processes[i]; find(now.Snapshot, p.ID()) == nil {
			d.Ended = append(d.Ended, procmon.Change{Before: p})
		}
	}
	return d, true
}
