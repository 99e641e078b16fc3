package procmon

import (
	"errors"
	"time"
)

// The questions that a store of snapshots answers about the past, and their answers. A range
// holds both of its ends. An answer that has a cursor is not the whole of it: the same
// question with that cursor goes on where it ended. Every question ends with its context.

// ErrTooMuch is what a question wraps that asks for more than one answer may hold. The
// message says what to narrow.
var ErrTooMuch = errors.New("too much for one answer")

// A Life is what is known of one process of a host from first to last.
type Life struct {
	Host      string
	Process   Process    // its identity and static facts as they were last; without figures
	FirstSeen time.Time  // timestamp of the first snapshot kept that it is in
	LastSeen  time.Time  // and of the last
	Parent    *ProcessID // who started it, if that process is known to be the one; nil otherwise
	// GoneAt is the timestamp of the first snapshot after LastSeen, which does not hold it any
	// more; zero if there is none, and the process may still run.
	GoneAt   time.Time
	EndedAt  time.Time  // when it ended, from an event; zero if there is none
	ExitCode Opt[int64] // from that event
}

// Ended reports whether the process is known to have ended.
func (l *Life) Ended() bool { return !l.GoneAt.IsZero() || !l.EndedAt.IsZero() }

// A Change is one process in two snapshots of its host.
type Change struct {
	Before, After *Process // nil where it is not there
	// What was used in between, where both sides tell and it did not shrink.
	CPUSeconds Opt[float64]
	ReadBytes  Opt[uint64]
	WriteBytes Opt[uint64]
}

// A Difference is what changed on a host between two instants.
type Difference struct {
	Host          string
	Before, After *Snapshot // the newest at or before the two instants
	Started       []Change  // by pid; only After is set
	Ended         []Change  // by pid; only Before is set
	Stayed        []Change  // by pid; those that are the same in everything too
}

// A Metric is something that is measured over time.
type Metric string

// The metrics of a process and, where it says so, of a host.
const (
	MetricCPU       Metric = "cpu"       // percent of one core; of a host: percent of all its logical CPUs
	MetricMemory    Metric = "memory"    // working set in bytes; of a host: memory in use in bytes
	MetricPrivate   Metric = "private"   // private bytes
	MetricThreads   Metric = "threads"   //
	MetricHandles   Metric = "handles"   //
	MetricRead      Metric = "read"      // bytes per second
	MetricWrite     Metric = "write"     // bytes per second
	MetricProcesses Metric = "processes" // of a host: how many there are
	MetricStarts    Metric = "starts"    // of a host: how many are new in a snapshot
	MetricEnds      Metric = "ends"      // of a host: how many are gone since the one before
)

// A Stat is what a metric was over one step. Without a step all three are the one value.
// Of rates, Avg is weighted by time.
type Stat struct{ Min, Max, Avg float64 }

// Series are metrics over time, aligned: Values[m][i] belongs to Times[i]. What is not known,
// as in a gap, is absent: no value is invented.
type Series struct {
	// Step is how long one point stands for; 0 is one point for each snapshot. With a step,
	// point i holds the snapshots in [Times[i], Times[i]+Step).
	Step   time.Duration
	Times  []time.Time
	Values map[Metric][]Opt[Stat]
}

// A SeriesQuery asks for series of a host, or of one process of it.
type SeriesQuery struct {
	Host     string
	Process  *ProcessID // nil asks for the host
	From, To time.Time
	Step     time.Duration // 0 is native resolution
	Metrics  []Metric      // none is all that there are
}

// What a TopQuery can order by.
const (
	TopCPU    = "cpu"    // CPU seconds used in the range
	TopMemory = "memory" // largest working set at one instant, added up over the processes of a row
	TopIO     = "io"     // bytes read and written in the range
)

// What one row of a Top stands for.
const (
	PerProcess = "process"
	PerName    = "name" // compared without case
	PerUser    = "user"
	PerHost    = "host"
)

// A TopQuery asks who used most.
type TopQuery struct {
	From, To time.Time
	By       string                       // TopCPU, TopMemory, TopIO
	Per      string                       // PerProcess, PerName, PerUser, PerHost
	Hosts    func(h *HostSummary) bool    // nil is the whole fleet
	Limit    int                          // rows
	Include  func(host, name string) bool // nil is all; names of processes
}

// A TopRow is one process, or all that have a name, a user or a host in common.
type TopRow struct {
	Host        string     // of PerProcess and PerHost
	ID          *ProcessID // of PerProcess
	Name        string     // of PerProcess and PerName
	User        Opt[string]
	CPUSeconds  Opt[float64]
	MemoryBytes Opt[uint64] // at PeakAt
	PeakAt      time.Time   // of PerProcess; of others where it is one host's
	IOBytes     Opt[uint64]
	Processes   int // how many were added up
	Hosts       int // on how many hosts
}

// A SearchQuery asks which processes match.
type SearchQuery struct {
	Match Search
	// At asks for one instant of every host: the newest snapshot at or before it. The zero
	// time, without From and To, is now. From and To ask for a range instead.
	At       time.Time
	From, To time.Time
	Hosts    func(h *HostSummary) bool // nil is the whole fleet
	Limit    int                       // matches in one answer
	Cursor   string                    // of the answer before
}

// A Match is one process that a search found.
type Match struct {
	Life                // without GoneAt and the like where one instant was asked for
	CPU    Opt[float64] // percent of one core: at the instant, or at most in the range
	Memory Opt[uint64]  // working set in bytes, likewise
}

// Matches is one page of what a search found, by host key, then by first seen and identity.
type Matches struct {
	Matches []Match
	Cursor  string // asks for the next page; empty at the end
	Hosts   int    // hosts that were looked through for this page
}
