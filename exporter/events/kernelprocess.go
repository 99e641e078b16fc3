package events

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/procmon/procmon"
)

// Events of the provider Microsoft-Windows-Kernel-Process. Their layouts are those of the
// templates in its manifest, which wevtutil gp Microsoft-Windows-Kernel-Process /ge shows
// on any Windows
// (https://learn.microsoft.com/en-us/windows-server/administration/windows-commands/wevtutil):
// fields without padding, in the order of the manifest.
const (
	processStart = 1 // event id ProcessStart, versions 0 to 3
	processStop  = 2 // event id ProcessStop, versions 0 to 2

	// From these versions on, a ProcessSequenceNumber follows each pid.
	numberedStart = 3
	numberedStop  = 2
	// From these versions on, fields stand before ImageName that earlier ones do not have.
	flaggedStart = 1
	countedStop  = 1
)

// A kernelProcess is what an event says.
type kernelProcess struct {
	pid       uint32
	parent    uint32 // of a start
	created   time.Time
	exited    time.Time // of a stop
	exitCode  uint32    // of a stop
	imageName string    // of a start: the path in the kernel's form; of a stop: up to 15 bytes of its file's name
}

// parseKernelProcess reads the user data of an event. Versions later than those that are
// known are read like the latest: Windows adds fields at the end.
func parseKernelProcess(id uint16, version uint8, data []byte) (kernelProcess, error) {
	f := fields{rest: data}
	var p kernelProcess
	switch id {
	case processStart:
		p.readStart(&f, version)
	case processStop:
		p.readStop(&f, version)
	default:
		return kernelProcess{}, fmt.Errorf("an event has the id %d; 1 and 2 were asked for", id)
	}
	if f.short {
		return kernelProcess{}, fmt.Errorf("version %d of event %d is cut after %d bytes", version, id, len(data))
	}
	if p.created.IsZero() {
		return kernelProcess{}, fmt.Errorf("version %d of event %d is of a process that was created at no time", version, id)
	}
	return p, nil
}

func (p *kernelProcess) readStart(f *fields, version uint8) {
	p.pid = f.uint32()
	if version >= numberedStart {
		f.skip(8) // ProcessSequenceNumber
	}
	p.created = f.filetime()
	p.parent = f.uint32()
	if version >= numberedStart {
		f.skip(8) // ParentProcessSequenceNumber
	}
	f.skip(4) // SessionID
	if version >= flaggedStart {
		f.skip(4) // Flags
	}
	if version >= numberedStart {
		f.skip(4 + 4) // ProcessTokenElevationType, ProcessTokenIsElevated
		f.sid()       // MandatoryLabel
	}
	p.imageName = f.utf16()
}

func (p *kernelProcess) readStop(f *fields, version uint8) {
	p.pid = f.uint32()
	if version >= numberedStop {
		f.skip(8) // ProcessSequenceNumber
	}
	p.created = f.filetime()
	p.exited = f.filetime()
	p.exitCode = f.uint32()
	f.skip(4 + 4 + 8 + 8) // TokenElevationType, HandleCount, CommitCharge, CommitPeak
	if version >= countedStop {
		f.skip(8 + 4 + 4 + 4 + 4 + 4) // CPUCycleCount to HardFaultCount
	}
	p.imageName = f.ansi()
}

// fields reads what stands one after the other. After the end everything is zero.
type fields struct {
	rest  []byte
	short bool // there was not enough
}

func (f *fields) take(n int) []byte {
	if n > len(f.rest) {
		f.short, f.rest = true, nil
		return make([]byte, n)
	}
	taken := f.rest[:n]
	f.rest = f.rest[n:]
	return taken
}

func (f *fields) skip(n int) { f.take(n) }

func (f *fields) uint32() uint32 { return binary.LittleEndian.Uint32(f.take(4)) }

// filetime reads a FILETIME
// (https://learn.microsoft.com/en-us/windows/win32/api/minwinbase/ns-minwinbase-filetime);
// what no clock shows is the zero time.
func (f *fields) filetime() time.Time {
	return fromFiletime(int64(binary.LittleEndian.Uint64(f.take(8))))
}

// sid passes over a SID: two bytes of which the second is how many numbers of four bytes
// follow an authority of six
// (https://learn.microsoft.com/en-us/windows/win32/api/winnt/ns-winnt-sid).
func (f *fields) sid() {
	const mostNumbers = 15
	head := f.take(2)
	if head[1] > mostNumbers {
		f.short = true
		return
	}
	f.skip(6 + 4*int(head[1]))
}

// utf16 reads UTF-16 up to a null, or to the end.
func (f *fields) utf16() string {
	var text []uint16
	for len(f.rest) >= 2 {
		if unit := binary.LittleEndian.Uint16(f.take(2)); unit != 0 {
			text = append(text, unit)
			continue
		}
		return string(utf16.Decode(text))
	}
	f.short = true
	return ""
}

// ansi reads bytes up to a null, or to the end.
func (f *fields) ansi() string {
	text, rest, whole := bytes.Cut(f.rest, []byte{0})
	f.rest, f.short = rest, f.short || !whole
	return string(text)
}

// fromFiletime returns the time that a FILETIME says, or the zero time for one that no
// process is of: before 1970 or after 2199.
func fromFiletime(ticks int64) time.Time {
	const (
		perSecond = 10_000_000     // of 100 ns
		to1970    = 11_644_473_600 // seconds after 1601
		to2200    = 18_902_592_000
	)
	if ticks < to1970*perSecond || ticks >= to2200*perSecond {
		return time.Time{}
	}
	return time.Unix(ticks/perSecond-to1970, ticks%perSecond*100).UTC()
}

// volumes are the drives of DOS, such as "C:", by the name of their device in the kernel,
// such as `\Device\HarddiskVolume3`.
type volumes map[string]string

// dosPath returns the path that users know of one in the kernel's form. It is unknown when
// the file is on no drive with a letter.
func (v volumes) dosPath(path string) procmon.Opt[string] {
	const depth = 3 // of the backslash that ends the name of a device
	at := 0
	for range depth {
		next := strings.IndexByte(path[at:], '\\')
		if next < 0 {
			return procmon.Opt[string]{}
		}
		at += next + 1
	}
	drive, ok := v[path[:at-1]]
	return procmon.Opt[string]{Value: drive + path[at-1:], Known: ok}
}

// kernelLog turns what the provider tells into starts and ends.
type kernelLog struct {
	journal *journal // locked by the callers
	volumes func() volumes
	facts   func(pid uint32, started time.Time) Facts
}

// take records one event, which Windows dates at.
func (l *kernelLog) take(id uint16, version uint8, at time.Time, data []byte) {
	p, err := parseKernelProcess(id, version, data)
	if p.exited.IsZero() {
		p.exited = at
	}
	switch {
	case err != nil || id == processStop && p.exited.IsZero():
		l.journal.stats.Errors++
	case id == processStart:
		l.started(&p)
	default:
		l.stopped(&p)
	}
}

func (l *kernelLog) started(p *kernelProcess) {
	e := &procmon.Event{
		Kind: procmon.Started, Time: p.created, PID: p.pid,
		PPID: procmon.Some(p.parent), StartTime: procmon.Some(p.created),
	}
	facts := Facts{Exe: l.volumes().dosPath(p.imageName)}
	if name := p.imageName[strings.LastIndexByte(p.imageName, '\\')+1:]; name != "" {
		facts.Name = procmon.Some(name)
	}
	l.journal.know(e, facts)
	if l.facts != nil {
		l.journal.know(e, l.facts(p.pid, p.created))
	}
	l.journal.started(e)
}

func (l *kernelLog) stopped(p *kernelProcess) {
	const cut = 14 // bytes that the kernel keeps of a file's name for sure
	e := procmon.Event{
		Kind: procmon.Ended, Time: p.exited, PID: p.pid,
		StartTime: procmon.Some(p.created), ExitCode: procmon.Some(int64(p.exitCode)),
	}
	kept := l.journal.forget(p.pid)
	if kept != nil && kept.StartTime != e.StartTime {
		kept = nil // of another process, whose end was lost
	}
	if kept == nil && p.imageName != "" && len(p.imageName) < cut {
		l.journal.know(&e, Facts{Name: procmon.Some(p.imageName)})
	}
	l.journal.finished(e, kept)
}
