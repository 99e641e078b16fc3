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
}

func (r *Rows) reset() {
	r.Processes, r.Details = r.Processes[:0], r.Details[:0]
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
	Redact func(cmdline string) string // what to show of a command line, asked once per identity; nil is all of it
	Logger *slog.Logger                // nil discards
}

// A Table reads the processes of this host. It is for one goroutine at a time.
type Table struct {
	system osTable
}

// Open prepares reading. The caller closes the table.
func Open(o Options) (*Table, error) {
	if o.Redact == nil {
		o.Redact = func(cmdline string) string { return cmdline }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	t := &Table{}
	if err := t.system.open(o); err != nil {
		return nil, err
	}
	return t, nil
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
	if !slices.IsSortedFunc(rows.Processes, byPID) {
		rows.sort()
	}
	for i := range rows.Processes {
		rows.Processes[i].Memory = rows.Processes[i].MemoryMiB()
	}
	return nil
}

// BootTime returns when the host started, on the clock by which this table dates its
// processes: the same at every call.
func (t *Table) BootTime() procmon.Opt[time.Time] { return t.system.bootTime() }

// Close gives back what the table holds of the system.
func (t *Table) Close() error { return t.system.close() }

func byPID(a, b procmon.Process) int { return cmp.Compare(a.PID, b.PID) }

func (r *Rows) sort() {
	order := make([]int, len(r.Processes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return byPID(r.Processes[a], r.Processes[b]) })
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
