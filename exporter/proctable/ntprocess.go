package proctable

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
	"unicode/utf16"

	"github.com/procmon/procmon"
)

// ntProcess is one SYSTEM_PROCESS_INFORMATION, as NtQuerySystemInformation fills a buffer
// with in class SystemProcessInformation. Its figures are bytes, pids and intervals of
// 100 ns.
type ntProcess struct {
	pid, ppid     uint32
	name          []byte // UTF-16LE, within the buffer; empty for the idle process
	threads       uint32
	handles       uint32
	session       uint32
	created       int64 // since 1601; 0 for what has always been there
	user, kernel  int64
	workingSet    uint64
	pagefile      uint64
	private       uint64
	read, written uint64 // of files, pipes and devices
}

// Where the fields of SYSTEM_PROCESS_INFORMATION stand on 64-bit Windows. Microsoft
// documents the structure in
// https://learn.microsoft.com/en-us/windows/win32/api/winternl/nf-winternl-ntquerysysteminformation
// and leaves parts of it "reserved"; what stands there has not moved since Windows XP and is
// from the System Informer project's headers
// (https://github.com/winsiderss/phnt/blob/master/ntexapi.h).
const (
	ntNextEntryOffset   = 0   // ULONG
	ntNumberOfThreads   = 4   // ULONG
	ntCreateTime        = 32  // LARGE_INTEGER; phnt
	ntUserTime          = 40  // LARGE_INTEGER; phnt
	ntKernelTime        = 48  // LARGE_INTEGER; phnt
	ntImageName         = 56  // UNICODE_STRING
	ntUniqueProcessID   = 80  // HANDLE
	ntInheritedFromID   = 88  // HANDLE; "Reserved2"
	ntHandleCount       = 96  // ULONG
	ntSessionID         = 100 // ULONG
	ntWorkingSetSize    = 144 // SIZE_T
	ntPagefileUsage     = 184 // SIZE_T
	ntPrivatePageCount  = 200 // SIZE_T, in bytes despite its name
	ntReadTransferCount = 232 // LARGE_INTEGER; "Reserved7"
	ntWriteTransfer     = 240 // LARGE_INTEGER; "Reserved7"
	ntProcessSize       = 256 // the threads of the process follow
)

// eachNTProcess calls f with every process in a buffer that began at the address base when
// the system filled it. What f gets is valid during the call. It trusts no offset.
func eachNTProcess(buffer []byte, base uint64, f func(*ntProcess)) error {
	var p ntProcess
	for at := 0; ; {
		rest := buffer[at:]
		if len(rest) < ntProcessSize {
			return fmt.Errorf("the process at byte %d of the table needs %d bytes; %d are left", at, ntProcessSize, len(rest))
		}
		if err := p.parse(rest, buffer, base); err != nil {
			return fmt.Errorf("the process at byte %d of the table: %w", at, err)
		}
		f(&p)
		next := binary.LittleEndian.Uint32(rest[ntNextEntryOffset:])
		if next == 0 {
			return nil
		}
		if next < ntProcessSize || uint64(next) > uint64(len(rest)) {
			return fmt.Errorf("the process at byte %d of the table says that the next is %d bytes on; %d are left", at, next, len(rest))
		}
		at += int(next)
	}
}

func (p *ntProcess) parse(entry, buffer []byte, base uint64) error {
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(entry[at:]) }
	u64 := func(at int) uint64 { return binary.LittleEndian.Uint64(entry[at:]) }
	pid, ppid := u64(ntUniqueProcessID), u64(ntInheritedFromID)
	if pid > math.MaxUint32 || ppid > math.MaxUint32 {
		return fmt.Errorf("pid %d with parent %d; pids have 32 bits", pid, ppid)
	}
	name, err := unicodeString(entry[ntImageName:], buffer, base)
	if err != nil {
		return fmt.Errorf("name of pid %d: %w", pid, err)
	}
	*p = ntProcess{
		pid: uint32(pid), ppid: uint32(ppid), name: name,
		threads: u32(ntNumberOfThreads), handles: u32(ntHandleCount), session: u32(ntSessionID),
		created: int64(u64(ntCreateTime)), user: int64(u64(ntUserTime)), kernel: int64(u64(ntKernelTime)),
		workingSet: u64(ntWorkingSetSize), pagefile: u64(ntPagefileUsage), private: u64(ntPrivatePageCount),
		read: u64(ntReadTransferCount), written: u64(ntWriteTransfer),
	}
	return nil
}

const unicodeStringSize = 16 // bytes on 64-bit Windows

// unicodeString returns the text, as UTF-16LE, of the UNICODE_STRING at the start of header
// (https://learn.microsoft.com/en-us/windows/win32/api/subauth/ns-subauth-unicode_string).
// The text must stand in buffer, which began at the address base.
func unicodeString(header, buffer []byte, base uint64) ([]byte, error) {
	if len(header) < unicodeStringSize {
		return nil, fmt.Errorf("a UNICODE_STRING needs %d bytes; %d are left", unicodeStringSize, len(header))
	}
	length := uint64(binary.LittleEndian.Uint16(header)) // in bytes
	address := binary.LittleEndian.Uint64(header[8:])
	if length == 0 {
		return nil, nil
	}
	if address < base || address-base > uint64(len(buffer)) || length > uint64(len(buffer))-(address-base) {
		return nil, fmt.Errorf("%d bytes of text at byte %d are not within the %d bytes that were read", length, int64(address-base), len(buffer))
	}
	start := address - base
	return buffer[start : start+length], nil
}

// decodeUTF16 returns UTF-16LE text as UTF-8, with U+FFFD for lone surrogates, without what
// follows a NUL. An odd byte at the end is ignored.
func decodeUTF16(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		u := binary.LittleEndian.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return clean(string(utf16.Decode(units)))
}

const (
	hundredNanoseconds = 100 * time.Nanosecond
	perSecond          = int64(time.Second / hundredNanoseconds)
	// secondsFrom1601 lie between the epochs of FILETIME and Unix
	// (https://learn.microsoft.com/en-us/windows/win32/sysinfo/converting-a-time-t-value-to-a-file-time).
	secondsFrom1601 = 11644473600
)

// filetime returns an instant of Windows; 0 is unknown, and so is what is out of range.
func filetime(t int64) procmon.Opt[time.Time] {
	if t <= 0 {
		return procmon.Opt[time.Time]{}
	}
	at := time.Unix(t/perSecond-secondsFrom1601, t%perSecond*int64(hundredNanoseconds)).UTC()
	if at.Year() < 1970 || at.Year() >= 2200 {
		return procmon.Opt[time.Time]{}
	}
	return procmon.Some(at)
}

const (
	idlePID   = 0
	systemPID = 4
)

// fill writes what the table says of p, over the static facts that row holds already.
func (p *ntProcess) fill(row *procmon.Process, detail *Detail) {
	row.PID = p.pid
	row.PPID = procmon.Opt[uint32]{Value: p.ppid, Known: p.pid != idlePID}
	row.StartTime = filetime(p.created)
	row.WorkingSetBytes = procmon.Some(p.workingSet)
	// A process without private memory is a system that does not count it (Wine). The page
	// file use is the same figure, by an older name.
	private := max(p.private, p.pagefile)
	row.PrivateBytes = procmon.Opt[uint64]{Value: private, Known: private > 0}
	row.Threads = procmon.Some(p.threads)
	row.Handles = procmon.Some(p.handles)
	row.ReadBytes, row.WriteBytes = procmon.Some(p.read), procmon.Some(p.written)
	row.SessionID = procmon.Some(p.session)
	row.CPUSeconds = procmon.Opt[float64]{}
	*detail = Detail{}
	// What the idle process "uses" is the time that nobody uses.
	if p.pid != idlePID && p.user >= 0 && p.kernel >= 0 {
		detail.UserSeconds = float64(p.user) / float64(perSecond)
		detail.SystemSeconds = float64(p.kernel) / float64(perSecond)
		row.CPUSeconds = procmon.Some(float64(p.user+p.kernel) / float64(perSecond))
	}
}

// imageName returns the name of p: the idle process has none of its own.
func (p *ntProcess) imageName() string {
	name := decodeUTF16(p.name)
	switch {
	case name != "":
	case p.pid == idlePID:
		name = "System Idle Process"
	case p.pid == systemPID:
		name = "System"
	}
	return name
}
