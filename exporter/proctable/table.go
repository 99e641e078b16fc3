// Package proctable reads the process table of the operating system it runs on.
//
// A Table is cheap to read again and again: what does not change over a process's life is
// asked of the system once per process identity, and the buffers and texts of earlier
// readings are used again. Every system fulfils the one contract of Table.Read; what is
// peculiar to a system stands beside its implementation.
package proctable

import (
	"cmp"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/procmon/procmon"
)

// Rows is one reading of the process table.
type Rows struct {
	Processes []procmon.Process // by ascending pid, each pid once; CPU is unknown
	Details   []Detail          // of the process with the same index
}

// A Detail is what the table knows of a process beside what a snapshot carries.
type Detail struct {
	UserSeconds   float64 // CPU time in user mode since the process's start; known when CPUSeconds is
	SystemSeconds float64 // and in kernel mode
	Kernel        bool    // a thread of the kernel that shows as a process

	since uint64 // the reading in which this identity was first seen; 0 is unknown
}

func (r *Rows) reset() {
	r.Processes, r.Details = r.Processes[:0], r.Details[:0]
}

// reserve makes room for n rows in all, and a few that may come: rows are large, and appending
// would leave a quarter of them unused.
func (r *Rows) reserve(n int) {
	if n <= cap(r.Processes) {
		return
	}
	n += n / 16
	r.Processes, r.Details = make([]procmon.Process, 0, n), make([]Detail, 0, n)
}

// add makes room for one more row without clearing it: the caller writes every field.
func (r *Rows) add() (*procmon.Process, *Detail) {
	n := len(r.Processes)
	r.Processes = slices.Grow(r.Processes, 1)[:n+1]
	r.Details = slices.Grow(r.Details, 1)[:n+1]
	return &r.Processes[n], &r.Details[n]
}

// Options configures a Table. The zero value leaves command lines as they are.
type Options struct {
	// Redact says what to show of a command line, and is asked whenever one is read; nil is all
	// of it. On Linux NUL stands between the arguments, and where it is left becomes a space.
	Redact func(cmdline string) string
	Logger *slog.Logger // nil discards
}

// settlement is the age at which a process is taken to be what it will be. What was read of
// it before is read once more.
const settlement = 2 * time.Second

// A Table reads the processes of this host. It is for one goroutine at a time.
type Table struct {
	system  system
	parents parents
	boot    procmon.Opt[time.Time]
}

// system reads one operating system's table.
type system interface {
	read(*Rows) error // into rows that were reset, in any order
	close() error
}

// Open prepares reading. The caller closes the table.
func Open(o Options) (*Table, error) { return open(openSystem, o) }

func open(openSystem func(Options) (system, procmon.Opt[time.Time], error), o Options) (*Table, error) {
	if o.Redact == nil {
		o.Redact = func(cmdline string) string { return cmdline }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, boot, err := openSystem(o)
	if err != nil {
		return nil, err
	}
	return &Table{system: s, boot: boot}, nil
}

// Read replaces rows by every process there is now. Each row is what the system said of
// that process during the call; processes that end meanwhile may be missing. Text is valid
// UTF-8, with U+FFFD where the system's was not. What the system refused is unknown.
//
// The texts in rows are shared with later readings and never change. After an error the
// content of rows is unspecified.
func (t *Table) Read(rows *Rows) error {
	rows.reset()
	if err := t.system.read(rows); err != nil {
		return err
	}
	if !rows.sorted() {
		rows.sort()
	}
	t.parents.check(rows)
	for i := range rows.Processes {
		rows.Processes[i].Memory = rows.Processes[i].MemoryMiB()
	}
	return nil
}

// BootTime returns when the host started, on the clock by which this table dates its
// processes: the same at every call.
func (t *Table) BootTime() procmon.Opt[time.Time] { return t.boot }

// Close gives back what the table holds of the system.
func (t *Table) Close() error { return t.system.close() }

func (r *Rows) sorted() bool {
	for i := 1; i < len(r.Processes); i++ {
		if r.Processes[i-1].PID > r.Processes[i].PID {
			return false
		}
	}
	return true
}

func (r *Rows) sort() {
	order := make([]int, len(r.Processes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.Processes[a].PID, r.Processes[b].PID) })
	processes, details := make([]procmon.Process, len(order)), make([]Detail, len(order))
	for to, from := range order {
		processes[to], details[to] = r.Processes[from], r.Details[from]
	}
	r.Processes, r.Details = processes, details
}

// maxText bounds one command line or path, in bytes: no system's limit of a whole command
// line in practice is higher, and hostile ones reach megabytes.
const maxText = 64 << 10

// clean returns text that came from a process as valid UTF-8 of at most maxText bytes.
func clean(s string) string {
	if len(s) > maxText {
		end := maxText
		for end > maxText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
