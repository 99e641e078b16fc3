package block

import (
	"math"

	"github.com/procmon/procmon"
)

// unpacker turns codes back into facts; after an error what it returns is worthless.
type unpacker struct {
	known, raw uint64
	err        error
}

func (d *unpacker) knows(c int) bool { return d.known&(1<<c) != 0 }

func (d *unpacker) word(t *texts, code uint64) string {
	if code >= uint64(len(t.list)) {
		d.err = errText
		return ""
	}
	return t.list[code]
}

func (d *unpacker) text(t *texts, c int, code uint64) procmon.Opt[string] {
	if !d.knows(c) {
		return procmon.Opt[string]{}
	}
	return procmon.Some(d.word(t, code))
}

func (d *unpacker) whole(c int, code uint64) procmon.Opt[uint64] {
	if !d.knows(c) {
		return procmon.Opt[uint64]{}
	}
	return procmon.Some(code)
}

func (d *unpacker) whole32(c int, code uint64) procmon.Opt[uint32] {
	if !d.knows(c) {
		return procmon.Opt[uint32]{}
	}
	if code > math.MaxUint32 {
		d.err = errRange
	}
	return procmon.Some(uint32(code))
}

func (d *unpacker) float(c int, code uint64, scale float64) procmon.Opt[float64] {
	if !d.knows(c) {
		return procmon.Opt[float64]{}
	}
	if d.raw&(1<<c) != 0 {
		return procmon.Some(math.Float64frombits(code))
	}
	return procmon.Some(float64(code) / scale)
}

func (d *unpacker) labels(joined string) map[string]string {
	list, err := splitTexts(joined)
	if err != nil || len(list)%2 != 0 {
		d.err = errText
		return nil
	}
	labels := make(map[string]string, len(list)/2)
	for i := 0; i < len(list); i += 2 {
		labels[list[i]] = list[i+1]
	}
	return labels
}

// moment is a process in a step, and in the step before if it is in that too.
type moment struct {
	now, last codes
	before    bool
	between   int64 // nanoseconds from that to this
}

// process fills in of p what the codes say.
func (t *dictionaries) process(p *procmon.Process, at *moment) error {
	now := &at.now
	d := unpacker{known: now[colKnown], raw: now[colRaw]}
	p.Name = d.word(t.words, now[colName])
	p.CPUSeconds = d.float(colCPUSeconds, now[colCPUSeconds], secondsScale)
	p.WorkingSetBytes = d.whole(colWorkingSet, now[colWorkingSet])
	p.PrivateBytes = d.whole(colPrivate, now[colPrivate])
	p.Threads = d.whole32(colThreads, now[colThreads])
	p.Handles = d.whole32(colHandles, now[colHandles])
	p.ReadBytes = d.whole(colRead, now[colRead])
	p.WriteBytes = d.whole(colWrite, now[colWrite])
	p.KernelSeconds = d.float(colKernel, now[colKernel], secondsScale)
	p.ReadOperations = d.whole(colReadOps, now[colReadOps])
	p.WriteOperations = d.whole(colWriteOps, now[colWriteOps])
	p.PPID = d.whole32(colPPID, now[colPPID])
	p.SessionID = d.whole32(colSession, now[colSession])
	p.Bits = d.whole32(colBits, now[colBits])
	p.Username = d.text(t.words, colUser, now[colUser])
	p.Cmdline = d.text(t.lines, colCmdline, now[colCmdline])
	p.Exe = d.text(t.lines, colExe, now[colExe])
	p.Integrity = d.text(t.words, colIntegrity, now[colIntegrity])
	p.Company = d.text(t.words, colCompany, now[colCompany])
	p.Description = d.text(t.words, colDescription, now[colDescription])
	if d.knows(colElevated) {
		p.Elevated = procmon.Some(now[colElevated] != 0)
	}
	if d.knows(colServices) {
		list, err := splitTexts(d.word(t.words, now[colServices]))
		if err != nil {
			return err
		}
		p.Services = list
	}
	p.Memory = d.memory(now)
	cpu := now[colCPU]
	if d.knows(colCPU) && d.raw&(1<<colCPU) == 0 {
		cpu = uint64(unzigzag(cpu) + expected(now, &at.last, d.known, d.raw, at.before, at.between))
	}
	p.CPU = d.float(colCPU, cpu, percentScale)
	return d.err
}

// memory returns the MiB that were delivered.
func (d *unpacker) memory(now *codes) procmon.Opt[float64] {
	switch {
	case !d.knows(colMemory) || d.raw&(1<<colMemory) != 0:
		return d.float(colMemory, now[colMemory], mebiScale)
	case now[colMemory] == 0:
		return procmon.Some(float64(now[colWorkingSet]) / mebiScale)
	}
	return procmon.Some(float64(now[colMemory]-1) / mebiScale)
}
