package block

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"

	"github.com/procmon/procmon"
)

// codes are the columns of one process at one instant, as whole numbers.
type codes [columns]uint64

// row is one process of a block, and what it was in each snapshot.
type row struct {
	index      int
	pid        uint32
	startKnown bool
	start      int64 // Unix nanoseconds

	last  codes
	given given
	runs  []run // the steps that it is in, ascending
	log   changeLog
	mark  int // length of log before the last step

	older *row // who had the pid before
}

// given are the texts of a process as they came with the last step, if the row is in it. A sender
// that knows what has not changed gives the very same ones, which need not be compared.
type given struct{ name, user, cmdline, exe string }

// sameText reports whether a and b are one text in memory.
func sameText(a, b string) bool {
	return len(a) == len(b) && len(a) > 0 && unsafe.StringData(a) == unsafe.StringData(b)
}

// changeLog is what changed in some columns, step by step.
type changeLog struct {
	bytes  []byte // of each change: the steps since the one before, a mask of columns, and a difference for each
	active int    // step of the last change; of none yet, the first step

	later   uint64 // mask of the columns that changed after the first step
	changes int
	ends    [2]change // the last change and the one before, if there are so many
}

// change is where a change stands in a log, and its step.
type change struct{ at, step int }

// note takes note of a change in the columns of mask that is about to be appended.
func (l *changeLog) note(step int, mask uint64) {
	if l.changes > 0 || step > l.active {
		l.later |= mask
	}
	l.changes++
	l.ends[1], l.ends[0] = l.ends[0], change{len(l.bytes), step}
}

// add notes the columns in which now is not as last.
func (l *changeLog) add(step int, now, last []uint64) {
	mask := uint64(0)
	for c := range now {
		if now[c] != last[c] {
			mask |= 1 << c
		}
	}
	if mask == 0 {
		return
	}
	l.note(step, mask)
	l.bytes = binary.AppendUvarint(l.bytes, uint64(step-l.active))
	l.bytes = binary.AppendUvarint(l.bytes, mask)
	for m := mask; m != 0; m &= m - 1 {
		c := bits.TrailingZeros64(m)
		l.bytes = binary.AppendVarint(l.bytes, int64(now[c]-last[c]))
	}
	l.active = step
}

// run is a range of steps, without its end.
type run struct{ from, to int }

// present reports whether the row is in that step, which is its last or later.
func (r *row) present(step int) bool { return len(r.runs) > 0 && r.runs[len(r.runs)-1].to > step }

func (r *row) is(p *procmon.Process) bool {
	if r.startKnown != p.StartTime.Known {
		return false
	}
	return !r.startKnown || r.start == p.StartTime.Value.UnixNano()
}

// add notes what the row is in a step that is later than all before.
func (r *row) add(step int, now *codes) {
	r.mark = len(r.log.bytes)
	r.stay(step)
	if *now != r.last {
		r.log.add(step, now[:], r.last[:])
		r.last = *now
	}
}

// stay notes that the row is in a step.
func (r *row) stay(step int) {
	if n := len(r.runs); n > 0 && r.runs[n-1].to == step {
		r.runs[n-1].to++
	} else {
		r.runs = append(r.runs, run{step, step + 1})
	}
}

// facts gathers what is known of a row; its methods return the code to store.
type facts struct{ known, raw uint64 }

func whole[T uint32 | uint64](f *facts, c int, v procmon.Opt[T]) uint64 {
	if !v.Known {
		return 0
	}
	f.known |= 1 << c
	return uint64(v.Value)
}

func float(f *facts, c int, v procmon.Opt[float64], scale float64) uint64 {
	if !v.Known {
		return 0
	}
	f.known |= 1 << c
	n, exact := scaled(v.Value, scale)
	if !exact {
		f.raw |= 1 << c
		return math.Float64bits(v.Value)
	}
	return n
}

func text(f *facts, t *texts, c int, v procmon.Opt[string], last uint64) uint64 {
	return textGiven(f, t, c, v, last, "")
}

// textGiven is text where the last one was given as before.
func textGiven(f *facts, t *texts, c int, v procmon.Opt[string], last uint64, before string) uint64 {
	if !v.Known {
		return 0
	}
	f.known |= 1 << c
	if last != 0 && sameText(v.Value, before) {
		return last
	}
	return t.code(v.Value, last)
}

// encode returns p as codes. r is its row as it was in the step before, if it was in that,
// and between the time since then.
func encode(p *procmon.Process, r *row, d *dictionaries, before bool, between int64) (now codes) {
	var f facts
	last := &r.last
	now[colCPUSeconds] = float(&f, colCPUSeconds, p.CPUSeconds, secondsScale)
	now[colWorkingSet] = whole(&f, colWorkingSet, p.WorkingSetBytes)
	now[colPrivate] = whole(&f, colPrivate, p.PrivateBytes)
	now[colThreads] = whole(&f, colThreads, p.Threads)
	now[colHandles] = whole(&f, colHandles, p.Handles)
	now[colRead] = whole(&f, colRead, p.ReadBytes)
	now[colWrite] = whole(&f, colWrite, p.WriteBytes)
	now[colKernel] = float(&f, colKernel, p.KernelSeconds, secondsScale)
	now[colReadOps] = whole(&f, colReadOps, p.ReadOperations)
	now[colWriteOps] = whole(&f, colWriteOps, p.WriteOperations)
	now[colPPID] = whole(&f, colPPID, p.PPID)
	now[colSession] = whole(&f, colSession, p.SessionID)
	now[colBits] = whole(&f, colBits, p.Bits)
	if now[colName] = last[colName]; !sameText(p.Name, r.given.name) {
		now[colName] = d.words.code(p.Name, last[colName])
	}
	now[colUser] = textGiven(&f, d.words, colUser, p.Username, last[colUser], r.given.user)
	now[colCmdline] = textGiven(&f, d.lines, colCmdline, p.Cmdline, last[colCmdline], r.given.cmdline)
	now[colExe] = textGiven(&f, d.lines, colExe, p.Exe, last[colExe], r.given.exe)
	now[colIntegrity] = text(&f, d.words, colIntegrity, p.Integrity, last[colIntegrity])
	now[colCompany] = text(&f, d.words, colCompany, p.Company, last[colCompany])
	now[colDescription] = text(&f, d.words, colDescription, p.Description, last[colDescription])
	if p.Elevated.Known {
		f.known |= 1 << colElevated
		if p.Elevated.Value {
			now[colElevated] = 1
		}
	}
	if p.Services != nil {
		f.known |= 1 << colServices
		now[colServices] = d.words.code(joinTexts(p.Services), last[colServices])
	}
	if p.Memory.Known {
		f.known |= 1 << colMemory
		n, exact := scaled(p.Memory.Value, mebiScale)
		switch {
		case !exact:
			f.raw |= 1 << colMemory
			now[colMemory] = math.Float64bits(p.Memory.Value)
		case !p.WorkingSetBytes.Known || n != p.WorkingSetBytes.Value:
			now[colMemory] = n + 1
		}
	}
	if p.CPU.Known {
		n := float(&f, colCPU, p.CPU, percentScale)
		if f.raw&(1<<colCPU) == 0 {
			n = zigzag(int64(n) - expected(&now, last, f.known, f.raw, before, between))
		}
		now[colCPU] = n
	}
	now[colKnown], now[colRaw] = f.known, f.raw
	return now
}

// expected returns the CPU use that follows from the CPU time of now and of the step before.
func expected(now, last *codes, known, raw uint64, before bool, between int64) int64 {
	const seconds = 1 << colCPUSeconds
	if !before || known&last[colKnown]&seconds == 0 || (raw|last[colRaw])&seconds != 0 || now[colCPUSeconds] < last[colCPUSeconds] {
		return 0
	}
	return expectedPercent(now[colCPUSeconds]-last[colCPUSeconds], between)
}
