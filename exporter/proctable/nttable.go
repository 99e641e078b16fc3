package proctable

import (
	"log/slog"
	"slices"
	"time"

	"github.com/procmon/procmon"
)

// ntSystem is what a table asks of Windows.
type ntSystem interface {
	// processes returns the table of all processes, as NtQuerySystemInformation fills a
	// buffer, and the address at which that began. It is valid until the next call.
	processes() (table []byte, base uint64, err error)
	// facts returns what is static of the process that has this pid and was created then, in
	// units of 100 ns since 1601. It reports false if there is none, or the system does not
	// let us look at it.
	facts(pid uint32, created int64) (ntFacts, bool)
	// version returns what a program says of itself.
	version(path string) programVersion
	// services calls f with every part of the list of active services, as
	// EnumServicesStatusEx fills a buffer, the address at which that began, and how many
	// services stand in it.
	services(f func(list []byte, base uint64, n uint32) error) error
}

// ntFacts is what is static over a process's life and not in the table. What Windows refuses
// to tell is unknown.
type ntFacts struct {
	Exe, Cmdline, Username procmon.Opt[string]
	Integrity              procmon.Opt[procmon.Integrity]
	Elevated               procmon.Opt[bool]
	Bits                   procmon.Opt[uint32]
}

// ntIdentity is what is remembered of a process from one reading to the next.
type ntIdentity struct {
	pid      uint32
	created  int64
	start    procmon.Opt[time.Time]
	name     string
	facts    ntFacts
	program  *program // of facts.Exe; nil where that is unknown
	services []string
	hosts    bool      // it was started by the service control manager
	due      time.Time // its facts are read again then; zero is never
	since    uint64    // the reading in which it was first seen
	reading  uint64    // in which it was last seen
}

// ntTable is the process table of Windows. What is static is asked once per identity, which
// is pid and time of creation; a process that was first seen in its first two seconds may
// not have its command line yet, and is asked once more. The clock may be set: what is
// younger than now is new, and no process waits longer than those two seconds.
type ntTable struct {
	system   ntSystem
	redact   func(cmdline string) string
	log      *slog.Logger
	reading  uint64    // number of this reading
	now      time.Time // of this reading
	known    map[uint32]*ntIdentity
	seen     []ntSeen // the processes of this reading, in the order of the buffer
	byPID    []uint64 // a pid, and below it an index of seen, ascending
	programs programs
	services serviceHosts
}

// ntSeen is where a process stands in the buffer.
type ntSeen struct {
	at       int
	identity *ntIdentity
}

func newNTTable(system ntSystem, o Options) *ntTable {
	return &ntTable{
		system: system, redact: o.Redact, log: o.Logger, known: map[uint32]*ntIdentity{},
		programs: programs{byPath: map[string]*program{}},
	}
}

func (t *ntTable) close() error { return nil }

func (t *ntTable) read(rows *Rows) error {
	t.reading++
	table, base, err := t.system.processes()
	if err != nil {
		return err
	}
	t.now = time.Now()
	if err := t.look(table, base); err != nil {
		return err
	}
	t.programs.read(t.system)
	t.services.refresh(t)
	rows.reserve(len(t.byPID))
	rows.Processes, rows.Details = rows.Processes[:len(t.byPID)], rows.Details[:len(t.byPID)]
	for i, key := range t.byPID {
		seen := t.seen[uint32(key)]
		row, detail := &rows.Processes[i], &rows.Details[i]
		*row = procmon.Process{}
		*detail = Detail{since: seen.identity.since}
		(*ntProcess)(table[seen.at:]).fill(row, detail)
		seen.identity.fill(row)
	}
	return nil
}

// look finds the identity of every process in the table, forgets those that have ended, and
// puts the others in order.
func (t *ntTable) look(table []byte, base uint64) error {
	before, n := len(t.seen), 0
	moved := false // others are here than in the reading before, or elsewhere
	err := eachNTProcess(table, func(at int, p *ntProcess) error {
		var id *ntIdentity
		if n < before && t.seen[n].identity.is(p) {
			id = t.seen[n].identity // idle hosts show the same processes in the same order
			t.seen[n].at = at
		} else {
			var err error
			if id, err = t.identify(p, table, base); err != nil {
				return err
			}
			moved = true
			t.seen = append(t.seen[:n], ntSeen{at, id})
			before = n
		}
		n++
		id.reading = t.reading
		if !id.due.IsZero() && !t.now.Before(id.due) {
			id.due = time.Time{}
			t.readFacts(id)
			t.services.changed(id)
		}
		return nil
	})
	if err != nil {
		// What was seen of a broken table is not known to have been there.
		t.seen, t.services.stale = t.seen[:0], true
		clear(t.known)
		return err
	}
	if moved || n != len(t.seen) {
		t.seen = t.seen[:n]
		t.order()
		t.forget()
	}
	return nil
}

func (id *ntIdentity) is(p *ntProcess) bool { return id.pid == p.pid() && id.created == p.created() }

// identify returns what is known of p, after reading what is not known yet.
func (t *ntTable) identify(p *ntProcess, table []byte, base uint64) (*ntIdentity, error) {
	id := t.known[p.pid()]
	if id != nil && id.is(p) {
		return id, nil
	}
	if id != nil {
		t.services.changed(id)
	}
	name, err := p.imageName(table, base)
	if err != nil {
		return nil, err
	}
	id = &ntIdentity{pid: p.pid(), created: p.created(), start: filetime(p.created()), name: name, since: t.reading}
	parent := t.known[p.ppid()]
	id.hosts = parent != nil && parent.isServiceManager()
	if age := t.now.Sub(id.start.Value); id.start.Known && age < settlement {
		id.due = t.now.Add(settlement - max(age, 0))
	}
	t.known[id.pid] = id
	t.readFacts(id)
	t.services.changed(id)
	return id, nil
}

// readFacts asks for the static facts of a process. What was known stays if nobody answers.
func (t *ntTable) readFacts(id *ntIdentity) {
	if id.pid == idlePID {
		return
	}
	facts, ok := t.system.facts(id.pid, id.created)
	if !ok {
		return
	}
	if facts.Cmdline.Known {
		facts.Cmdline.Value = t.redact(facts.Cmdline.Value)
	}
	id.facts, id.program = facts, nil
	if facts.Exe.Known {
		id.program = t.programs.of(facts.Exe.Value)
		id.facts.Exe.Value = id.program.path
	}
}

// order sorts what was seen by pid.
func (t *ntTable) order() {
	t.byPID = t.byPID[:0]
	for i, seen := range t.seen {
		t.byPID = append(t.byPID, uint64(seen.identity.pid)<<32|uint64(i))
	}
	slices.Sort(t.byPID)
	// A pid that is there twice is the one that was seen last.
	kept := t.byPID[:0]
	for i, key := range t.byPID {
		if i+1 == len(t.byPID) || t.byPID[i+1]>>32 != key>>32 {
			kept = append(kept, key)
		}
	}
	t.byPID = kept
}

// forget drops who was not seen in this reading.
func (t *ntTable) forget() {
	if len(t.known) == len(t.byPID) {
		return
	}
	for pid, id := range t.known {
		if id.reading != t.reading {
			t.services.changed(id)
			delete(t.known, pid)
		}
	}
}

// fill writes what is static.
func (id *ntIdentity) fill(row *procmon.Process) {
	row.Name, row.StartTime, row.Services = id.name, id.start, id.services
	row.Exe, row.Cmdline, row.Username = id.facts.Exe, id.facts.Cmdline, id.facts.Username
	row.Integrity, row.Elevated, row.Bits = id.facts.Integrity, id.facts.Elevated, id.facts.Bits
	if id.program != nil {
		row.Company, row.Description = id.program.version.Company, id.program.version.Description
	}
}
