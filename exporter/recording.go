package exporter

import (
	"cmp"
	"runtime"
	"slices"
	"strings"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/events"
	"github.com/procmon/procmon/exporter/proctable"
)

// eventStats returns what /metrics says of the recording of starts and ends: the counts, and
// how many events a reader came too late for. ok is false where there is no recording.
func (c *collector) eventStats() (stats events.Stats, overwritten uint64, ok bool) {
	if c.watcher == nil {
		return events.Stats{}, 0, false
	}
	return c.watcher.Stats(), c.overwritten.Load(), true
}

// eventsBetween returns the events after one cursor and up to another; nil where they are
// not recorded.
func (c *collector) eventsBetween(after, upTo events.Cursor) []procmon.Event {
	if c.watcher == nil {
		return nil
	}
	list, lost := c.watcher.Between(after, upTo)
	c.overwritten.Add(lost)
	return list
}

// unseen returns the names of the processes that ended and are in neither of two readings of
// the table: they lived between them.
func unseen(recorded []procmon.Event, before, now *proctable.Rows) []string {
	var names []string
	for i := range recorded {
		e := &recorded[i]
		if e.Kind != procmon.Ended || !e.StartTime.Known || !e.Name.Known || has(before, e) || has(now, e) {
			continue
		}
		const kthreadd = 2 // whose children are threads of the kernel, numbered after a slash
		name := e.Name.Value
		if runtime.GOOS == "linux" && e.PPID == procmon.Some[uint32](kthreadd) {
			name, _, _ = strings.Cut(name, "/")
		}
		names = append(names, name)
	}
	return names
}

// has reports whether the process of an event is in a reading of the table.
func has(rows *proctable.Rows, e *procmon.Event) bool {
	i, found := slices.BinarySearchFunc(rows.Processes, e.PID, func(p procmon.Process, pid uint32) int { return cmp.Compare(p.PID, pid) })
	return found && rows.Processes[i].ID() == e.ID()
}
