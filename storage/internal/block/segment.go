package block

import (
	"slices"

	"github.com/procmon/procmon"
)

// A Segment is many consecutive snapshots of one host: a *Block, or a *Builder that still
// grows. It is for one goroutine at a time, and what it returns is not the caller's to change.
type Segment interface {
	// Times returns the timestamps of the snapshots, in Unix nanoseconds, ascending.
	Times() []int64
	// Rows returns the processes, in the order in which they came.
	Rows() ([]Row, error)
	// Snapshot returns the record of a step as it was added.
	Snapshot(step int) (procmon.Record, error)
	// Hosts calls f with the facts of the host, at the first step and at every step at which one
	// of them is not what it was before. s is f's until it returns.
	Hosts(f func(step int, s *procmon.System) error) error
	// Facts calls f with who process i is and its static facts, at its first step and at
	// every step at which one of them is not what it was before. Without lines, command line
	// and exe are left out, which saves reading them. p is f's until it returns.
	Facts(i int, lines bool, f func(step int, p *procmon.Process) error) error
	// Walk calls f with the chosen numbers of process i at its first step, and at every step
	// at which one of them is not what it was before. p is f's until it returns. Neither Walk
	// nor Facts says anything of the steps at which the process is not there; see Row.In.
	Walk(i int, chosen Columns, f func(step int, p *procmon.Process)) error
	// Events calls f with the events of every step that has some.
	Events(f func(step int, events []procmon.Event) error) error
	// AnyWord reports whether match is true of a text that is, among others, every name and
	// user of a process; AnyLine does so of every command line and exe. Both are quick.
	AnyWord(match func(string) bool) (bool, error)
	AnyLine(match func(string) bool) (bool, error)
}

var (
	_ Segment = (*Block)(nil)
	_ Segment = (*Builder)(nil)
)

// Columns chooses what Walk reads.
type Columns uint64

// The columns of numbers. One column more is one section more to decompress.
const (
	CPUSeconds    Columns = 1 << colCPUSeconds
	WorkingSet    Columns = 1 << colWorkingSet
	Private       Columns = 1 << colPrivate
	Threads       Columns = 1 << colThreads
	Handles       Columns = 1 << colHandles
	ReadBytes     Columns = 1 << colRead
	WriteBytes    Columns = 1 << colWrite
	KernelSeconds Columns = 1 << colKernel
	// DeliveredCPU is the CPU use as it was delivered, where CPU seconds are not known; those
	// must be chosen too.
	DeliveredCPU Columns = 1 << colCPU
	// Memory is WorkingSet, and in its place the memory that was delivered where it is not known.
	Memory  = WorkingSet | 1<<colMemory
	Numbers = CPUSeconds | Memory | Private | Threads | Handles | ReadBytes | WriteBytes | KernelSeconds | DeliveredCPU
)

const (
	always      = uint64(1)<<colKnown | 1<<colRaw
	staticWords = always | 1<<colPPID | 1<<colName | 1<<colUser | 1<<colSession | 1<<colServices |
		1<<colIntegrity | 1<<colElevated | 1<<colBits | 1<<colCompany | 1<<colDescription
	staticLines = uint64(1)<<colCmdline | 1<<colExe
)

// numbers fills in the chosen columns of p.
func (now *codes) numbers(p *procmon.Process, chosen Columns) {
	d := unpacker{known: now[colKnown] & uint64(chosen), raw: now[colRaw]}
	p.CPUSeconds = d.float(colCPUSeconds, now[colCPUSeconds], secondsScale)
	p.KernelSeconds = d.float(colKernel, now[colKernel], secondsScale)
	p.Memory = procmon.Opt[float64]{}
	if p.WorkingSetBytes = d.whole(colWorkingSet, now[colWorkingSet]); !p.WorkingSetBytes.Known {
		p.Memory = d.memory(now)
		p.WorkingSetBytes, p.Memory = p.MemoryBytes(), procmon.Opt[float64]{}
	}
	p.PrivateBytes = d.whole(colPrivate, now[colPrivate])
	p.Threads = d.whole32(colThreads, now[colThreads])
	p.Handles = d.whole32(colHandles, now[colHandles])
	p.ReadBytes = d.whole(colRead, now[colRead])
	p.WriteBytes = d.whole(colWrite, now[colWrite])
	cpu := now[colCPU]
	if d.raw&(1<<colCPU) == 0 {
		cpu = uint64(unzigzag(cpu)) // nothing is expected of it
	}
	if p.CPU = d.float(colCPU, cpu, percentScale); d.knows(colCPUSeconds) {
		p.CPU = procmon.Opt[float64]{}
	}
}

// facts fills in who p is, without command line and exe if lines is nil.
func (now *codes) facts(p *procmon.Process, words, lines *texts) error {
	d := unpacker{known: now[colKnown], raw: now[colRaw]}
	p.Name = d.word(words, now[colName])
	p.Username = d.text(words, colUser, now[colUser])
	p.PPID = d.whole32(colPPID, now[colPPID])
	p.SessionID = d.whole32(colSession, now[colSession])
	p.Bits = d.whole32(colBits, now[colBits])
	p.Integrity = d.text(words, colIntegrity, now[colIntegrity])
	p.Company = d.text(words, colCompany, now[colCompany])
	p.Description = d.text(words, colDescription, now[colDescription])
	p.Elevated, p.Services = procmon.Opt[bool]{}, nil // p may be what it was before
	if d.knows(colElevated) {
		p.Elevated = procmon.Some(now[colElevated] != 0)
	}
	if d.knows(colServices) {
		list, err := splitTexts(d.word(words, now[colServices]))
		if err != nil {
			return err
		}
		p.Services = list
	}
	if lines != nil {
		p.Cmdline = d.text(lines, colCmdline, now[colCmdline])
		p.Exe = d.text(lines, colExe, now[colExe])
	}
	return d.err
}

// any reports whether match is true of one of the texts.
func (t *texts) any(match func(string) bool) bool { return slices.ContainsFunc(t.list[1:], match) }

// eachEvent calls f with the events of every step that has some in what an eventLog wrote.
func (t *dictionaries) eachEvent(log []byte, times []int64, f func(step int, events []procmon.Event) error) error {
	r := reader{bytes: log}
	for step := 0; len(r.bytes) > 0; {
		step += int(r.uvarint(uint64(len(times))))
		n := r.counted(len(r.bytes))
		if r.err == nil && step >= len(times) {
			r.fail(errRange)
		}
		if r.err != nil {
			break
		}
		events := make([]procmon.Event, 0, min(n, 1024))
		for range n {
			events = append(events, t.event(&r, times[step]))
			if r.err != nil {
				return r.err
			}
		}
		if len(events) > 0 {
			if err := f(step, events); err != nil {
				return err
			}
		}
	}
	return r.err
}
