// Package procmon is the domain: what a host's processes are at one instant, how they
// form a tree, and what two instants differ in.
//
// It does no I/O and imports nothing else of this module. All text in it comes from the
// processes of a host and is hostile: it is data, never a format, markup or a path.
package procmon

import (
	"math"
	"time"
)

// Opt is a fact that may be unknown, as when the OS denied access to it. The zero Opt is
// unknown; it never stands for the number 0 or the empty text.
type Opt[T any] struct {
	Value T
	Known bool
}

// Some returns a known fact.
func Some[T any](v T) Opt[T] { return Opt[T]{Value: v, Known: true} }

// Or returns the fact, or fallback if it is unknown.
func (o Opt[T]) Or(fallback T) T {
	if o.Known {
		return o.Value
	}
	return fallback
}

// A Snapshot is all processes of one host at one instant, with the host's system facts.
type Snapshot struct {
	Hostname  string    // as the host calls itself; never empty
	Timestamp time.Time // UTC
	System    System
	Processes []Process // each pid once, in no particular order
	Events    []Event   // starts and ends since an earlier snapshot, by time; nil where they are not recorded
}

// System holds the facts of a host. Sizes are in GiB, storage is all fixed volumes together.
type System struct {
	OS             Opt[string]
	Processor      Opt[string]
	Cores          Opt[uint32] // physical
	Threads        Opt[uint32] // logical CPUs
	RAMGB          Opt[float64]
	UsedRAMGB      Opt[float64]
	FreeRAMGB      Opt[float64]
	StorageTotalGB Opt[float64]
	StorageUsedGB  Opt[float64]
	StorageFreeGB  Opt[float64]
	BootTime       Opt[time.Time]
	CPU            Opt[float64] // percent of the whole host since the previous collection
	AgentVersion   Opt[string]
}

// A Process is one process in one snapshot. CPUSeconds, KernelSeconds and what is read and
// written only grow; memory, threads and handles come and go; the rest is static over its
// life, or nearly so.
type Process struct {
	PID             uint32
	PPID            Opt[uint32] // of the process that started it, unless that pid is another's now
	Name            string
	CPU             Opt[float64] // percent of one core since the previous collection
	Memory          Opt[float64] // MiB; working set (Windows) or resident set
	Cmdline         Opt[string]
	Username        Opt[string]
	StartTime       Opt[time.Time] // UTC
	Exe             Opt[string]
	CPUSeconds      Opt[float64] // user and kernel, since its start
	WorkingSetBytes Opt[uint64]
	PrivateBytes    Opt[uint64]
	Threads         Opt[uint32]
	Handles         Opt[uint32] // file descriptors on Linux
	ReadBytes       Opt[uint64]
	WriteBytes      Opt[uint64]
	SessionID       Opt[uint32]
	Services        []string     // names of the Windows services in it; nil is unknown
	KernelSeconds   Opt[float64] // the part of CPUSeconds in kernel mode
	ReadOperations  Opt[uint64]  // of files, pipes and devices; system calls on Linux
	WriteOperations Opt[uint64]
	Integrity       Opt[Integrity] // Windows alone
	Elevated        Opt[bool]      // it runs with an administrator's full rights; Windows alone
	Bits            Opt[uint32]    // 32 or 64, of its machine code
	Company         Opt[string]    // from the version resource of its program
	Description     Opt[string]    // likewise
}

// Integrity is a mandatory integrity level of Windows: what a process may write to
// (https://learn.microsoft.com/en-us/windows/win32/secauthz/mandatory-integrity-control).
type Integrity = string

// The integrity levels that Windows names, from low to high.
const (
	IntegrityUntrusted  Integrity = "untrusted"
	IntegrityLow        Integrity = "low"
	IntegrityMedium     Integrity = "medium"
	IntegrityMediumPlus Integrity = "medium_plus"
	IntegrityHigh       Integrity = "high"
	IntegritySystem     Integrity = "system"
	IntegrityProtected  Integrity = "protected"
)

// A ProcessID names a process over all of a host's history. A pid alone is reused.
type ProcessID struct {
	PID   uint32
	Start int64 // Unix nanoseconds; 0 is unknown
}

// ID returns the identity of p.
func (p *Process) ID() ProcessID {
	id := ProcessID{PID: p.PID}
	if p.StartTime.Known {
		id.Start = p.StartTime.Value.UnixNano()
	}
	return id
}

// Idle reports whether p is Windows' System Idle Process, whose CPU time is the time in which
// nothing ran.
func (p *Process) Idle() bool { return p.PID == 0 }

// MemoryMiB returns the memory of p in MiB, from the exact byte count if there is one.
func (p *Process) MemoryMiB() Opt[float64] {
	if p.WorkingSetBytes.Known {
		return Some(float64(p.WorkingSetBytes.Value) / (1 << 20))
	}
	return p.Memory
}

// MemoryBytes returns the memory of p: the working set, or where that is not known what memory says.
func (p *Process) MemoryBytes() Opt[uint64] {
	const most = 1 << 43 // MiB, beyond which there are no bytes in an uint64
	if mib := p.Memory; !p.WorkingSetBytes.Known && mib.Known && mib.Value >= 0 && mib.Value < most {
		return Some(uint64(math.Round(mib.Value * (1 << 20))))
	}
	return p.WorkingSetBytes
}

// ByID returns the index in s.Processes of every identity.
func (s *Snapshot) ByID() map[ProcessID]int {
	index := make(map[ProcessID]int, len(s.Processes))
	for i := range s.Processes {
		index[s.Processes[i].ID()] = i
	}
	return index
}
