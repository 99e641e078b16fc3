package proctable

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/procmon/procmon"
)

// Where the fields of SYSTEM_PROCESS_INFORMATION stand on 64-bit Windows, the same on amd64
// and arm64. Microsoft documents the structure in
// https://learn.microsoft.com/en-us/windows/win32/api/winternl/nf-winternl-ntquerysysteminformation
// and leaves parts of it "reserved"; what stands there has not moved since Windows XP and is
// from the System Informer project's headers
// (https://github.com/winsiderss/phnt/blob/master/ntexapi.h).
const (
	ntNextEntryOffset     = 0   // ULONG
	ntNumberOfThreads     = 4   // ULONG
	ntCreateTime          = 32  // LARGE_INTEGER; phnt
	ntUserTime            = 40  // LARGE_INTEGER; phnt
	ntKernelTime          = 48  // LARGE_INTEGER; phnt
	ntImageName           = 56  // UNICODE_STRING
	ntUniqueProcessID     = 80  // HANDLE
	ntInheritedFromID     = 88  // HANDLE; "Reserved2"
	ntHandleCount         = 96  // ULONG
	ntSessionID           = 100 // ULONG
	ntWorkingSetSize      = 144 // SIZE_T
	ntPagefileUsage       = 184 // SIZE_T
	ntPrivatePageCount    = 200 // SIZE_T, in bytes despite its name
	ntReadOperationCount  = 208 // LARGE_INTEGER; "Reserved7", like what follows
	ntWriteOperationCount = 216 // LARGE_INTEGER
	ntReadTransferCount   = 232 // LARGE_INTEGER
	ntWriteTransferCount  = 240 // LARGE_INTEGER
	ntProcessSize         = 256 // the threads of the process follow, and its name
)

// ntProcess is one SYSTEM_PROCESS_INFORMATION in the buffer that NtQuerySystemInformation
// has filled in class SystemProcessInformation.
type ntProcess [ntProcessSize]byte

func (p *ntProcess) u32(at int) uint32 { return binary.LittleEndian.Uint32(p[at : at+4]) }
func (p *ntProcess) u64(at int) uint64 { return binary.LittleEndian.Uint64(p[at : at+8]) }

func (p *ntProcess) pid() uint32    { return p.u32(ntUniqueProcessID) }
func (p *ntProcess) ppid() uint32   { return p.u32(ntInheritedFromID) }
func (p *ntProcess) created() int64 { return int64(p.u64(ntCreateTime)) } // 0 for what has always been there

// eachNTProcess calls f with every process in a buffer, and the byte at which it stands, until
// f fails. It trusts no offset.
func eachNTProcess(buffer []byte, f func(at int, p *ntProcess) error) error {
	for at := 0; ; {
		rest := buffer[at:]
		if len(rest) < ntProcessSize {
			return fmt.Errorf("the process at byte %d of the table needs %d bytes; %d are left", at, ntProcessSize, len(rest))
		}
		p := (*ntProcess)(rest)
		if pid, ppid := p.u64(ntUniqueProcessID), p.u64(ntInheritedFromID); pid > math.MaxUint32 || ppid > math.MaxUint32 {
			return fmt.Errorf("the process at byte %d of the table: pid %d with parent %d; pids have 32 bits", at, pid, ppid)
		}
		if err := f(at, p); err != nil {
			return fmt.Errorf("the process at byte %d of the table: %w", at, err)
		}
		next := p.u32(ntNextEntryOffset)
		if next == 0 {
			return nil
		}
		if next < ntProcessSize || uint64(next) > uint64(len(rest)) {
			return fmt.Errorf("the process at byte %d of the table says that the next is %d bytes on; %d are left", at, next, len(rest))
		}
		at += int(next)
	}
}

const (
	idlePID   = 0
	systemPID = 4
)

// imageName returns the name of p, which stands in a buffer that began at the address base.
// The idle process has none of its own, and on old systems the kernel's has none.
func (p *ntProcess) imageName(buffer []byte, base uint64) (string, error) {
	text, err := unicodeString(p[ntImageName:], buffer, base)
	if err != nil {
		return "", fmt.Errorf("name of pid %d: %w", p.pid(), err)
	}
	name := decodeUTF16(text)
	switch {
	case name != "":
	case p.pid() == idlePID:
		name = "System Idle Process"
	case p.pid() == systemPID:
		name = "System"
	}
	return name, nil
}

// fill writes what the table says of p. The static facts are the caller's.
func (p *ntProcess) fill(row *procmon.Process, detail *Detail) {
	row.PID = p.pid()
	row.PPID = procmon.Opt[uint32]{Value: p.ppid(), Known: p.pid() != idlePID}
	row.WorkingSetBytes = procmon.Some(p.u64(ntWorkingSetSize))
	// A process without private memory is a system that does not count it (Wine). The page
	// file use is the same figure, by an older name.
	private := max(p.u64(ntPrivatePageCount), p.u64(ntPagefileUsage))
	row.PrivateBytes = procmon.Opt[uint64]{Value: private, Known: private > 0}
	row.Threads = procmon.Some(p.u32(ntNumberOfThreads))
	row.Handles = procmon.Some(p.u32(ntHandleCount))
	row.ReadBytes, row.WriteBytes = procmon.Some(p.u64(ntReadTransferCount)), procmon.Some(p.u64(ntWriteTransferCount))
	row.ReadOperations, row.WriteOperations = procmon.Some(p.u64(ntReadOperationCount)), procmon.Some(p.u64(ntWriteOperationCount))
	row.SessionID = procmon.Some(p.u32(ntSessionID))
	// In units of 100 ns. What the idle process "uses" is the time that nobody uses.
	user, kernel := int64(p.u64(ntUserTime)), int64(p.u64(ntKernelTime))
	if p.pid() != idlePID && user >= 0 && kernel >= 0 {
		detail.UserSeconds = float64(user) / float64(perSecond)
		detail.SystemSeconds = float64(kernel) / float64(perSecond)
		row.CPUSeconds = procmon.Some((float64(user) + float64(kernel)) / float64(perSecond))
		row.KernelSeconds = procmon.Some(detail.SystemSeconds)
	}
}
