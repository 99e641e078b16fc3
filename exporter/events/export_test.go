package events

import (
	"time"

	"github.com/procmon/procmon"
)

// A Journal is a Watcher's without a kernel that writes it.
type Journal struct{ *Watcher }

// NewJournal returns an empty one.
func NewJournal(o Options) Journal {
	return Journal{&Watcher{journal: newJournal(o), source: nothing{}}}
}

type nothing struct{}

func (nothing) run() error   { return nil }
func (nothing) settle()      {}
func (nothing) close() error { return nil }

// Add records an event, and keeps that of a start for its end.
func (j Journal) Add(e procmon.Event) {
	if e.Kind == procmon.Started {
		j.journal.started(&e)
		return
	}
	j.journal.finished(e, j.journal.forget(e.PID))
}

// Know takes facts into an event.
func (j Journal) Know(e *procmon.Event, f Facts) { j.journal.know(e, f) }

// End ends the recording, as when the kernel stops telling.
func (j Journal) End() { j.journal.end() }

// Text returns how many bytes of text wait, and how many are kept for ends.
func (j Journal) Text() (waiting, kept int) { return j.journal.ring.text, j.journal.text }

// KernelLog takes events of Microsoft-Windows-Kernel-Process into a Journal.
func (j Journal) KernelLog(drives map[string]string, facts func(uint32, time.Time) Facts) func(id uint16, version uint8, at time.Time, data []byte) {
	l := &kernelLog{journal: j.journal, volumes: func() volumes { return drives }, facts: facts}
	return l.take
}

// ConnectorEvent is a connectorEvent.
type ConnectorEvent struct {
	What                uint32
	Timestamp           time.Duration
	PID, Thread, Parent uint32
	Status, Ack         uint32
}

// ParseConnector returns the events in a datagram.
func ParseConnector(b []byte) (all []ConnectorEvent, err error) {
	err = parseConnector(b, func(e *connectorEvent) {
		all = append(all, ConnectorEvent{e.what, e.timestamp, e.pid, e.thread, e.parent, e.status, e.ack})
	})
	return all, err
}

var (
	ExitCode    = exitCode
	CommandLine = commandLine
)

// ParseProcStat returns what a line of /proc/PID/stat says.
func ParseProcStat(line []byte) (comm string, over bool, ppid uint32, start uint64, ok bool) {
	s, ok := parseProcStat(line)
	return s.comm, s.over(), s.ppid, s.start, ok
}
