//go:build amd64 || arm64

package proctable

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/procmon/procmon"
)

// openSystem gives the table what the debug privilege, where it is held, lets it see. The time
// of boot is unknown: Windows dates processes by its clock, not by its boot.
func openSystem(o Options) (system, procmon.Opt[time.Time], error) {
	takeDebugPrivilege(o.Logger)
	return newNTTable(newNTHost(), o), procmon.Opt[time.Time]{}, nil
}

// takeDebugPrivilege enables SeDebugPrivilege for this process if its account holds it, as
// administrators' and LocalSystem do: with it, processes of other users can be opened
// (https://learn.microsoft.com/en-us/windows/win32/secauthz/enabling-and-disabling-privileges-in-c--).
func takeDebugPrivilege(log *slog.Logger) {
	enabled, err := enablePrivilege("SeDebugPrivilege")
	log.Debug("take the privilege to look at other users' processes", "enabled", enabled, "error", err)
}

// enablePrivilege reports whether a privilege was held and off, and now is on.
func enablePrivilege(name string) (bool, error) {
	text, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return false, err
	}
	var token windows.Token
	if err := windows.OpenProcessToken(windows.CurrentProcess(), windows.TOKEN_ADJUST_PRIVILEGES|windows.TOKEN_QUERY, &token); err != nil {
		return false, fmt.Errorf("OpenProcessToken: %w", err)
	}
	defer token.Close()
	wanted := windows.Tokenprivileges{PrivilegeCount: 1}
	wanted.Privileges[0].Attributes = windows.SE_PRIVILEGE_ENABLED
	// https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-lookupprivilegevaluew
	if err := windows.LookupPrivilegeValue(nil, text, &wanted.Privileges[0].Luid); err != nil {
		return false, fmt.Errorf("LookupPrivilegeValue: %w", err)
	}
	// It succeeds too when the privilege is not held; what it has changed it tells in the
	// previous state
	// (https://learn.microsoft.com/en-us/windows/win32/api/securitybaseapi/nf-securitybaseapi-adjusttokenprivileges).
	var was windows.Tokenprivileges
	var needed uint32
	if err := windows.AdjustTokenPrivileges(token, false, &wanted, uint32(unsafe.Sizeof(was)), &was, &needed); err != nil {
		return false, fmt.Errorf("AdjustTokenPrivileges: %w", err)
	}
	return was.PrivilegeCount > 0, nil
}

// ntHost asks the Windows that we run on: for the whole table with one
// NtQuerySystemInformation
// (https://learn.microsoft.com/en-us/windows/win32/api/winternl/nf-winternl-ntquerysysteminformation),
// which needs no privilege, and by opening a process for what is static of it.
type ntHost struct {
	buffer []byte // of the table
	text   []byte // of a command line or path
	list   []byte // of services
	users  map[string]procmon.Opt[string]
}

func newNTHost() *ntHost {
	return &ntHost{
		buffer: make([]byte, 256<<10),
		text:   make([]byte, unicodeStringSize+1<<16), // the longest UNICODE_STRING with its header
		users:  map[string]procmon.Opt[string]{},
	}
}

// processes asks with a buffer that grows as the processes do.
func (h *ntHost) processes() (table []byte, base uint64, err error) {
	const largest = 256 << 20 // bytes: some 100,000 processes with ten threads each
	for {
		var needed uint32
		err := windows.NtQuerySystemInformation(windows.SystemProcessInformation, unsafe.Pointer(&h.buffer[0]), uint32(len(h.buffer)), &needed)
		if err == nil {
			table := h.buffer
			if needed > 0 && int64(needed) <= int64(len(table)) {
				table = table[:needed]
			}
			return table, uint64(uintptr(unsafe.Pointer(&table[0]))), nil
		}
		if !errors.Is(err, windows.STATUS_INFO_LENGTH_MISMATCH) {
			return nil, 0, fmt.Errorf("NtQuerySystemInformation: %w", err)
		}
		grown := max(int(needed)+int(needed)/4, 2*len(h.buffer)) // more may have started meanwhile
		if grown > largest {
			return nil, 0, fmt.Errorf("NtQuerySystemInformation: the table of processes needs %d bytes; at most %d are allowed", needed, largest)
		}
		h.buffer = make([]byte, grown)
	}
}

// facts opens a process
// (https://learn.microsoft.com/en-us/windows/win32/api/processthreadsapi/nf-processthreadsapi-openprocess).
func (h *ntHost) facts(pid uint32, created int64) (ntFacts, bool) {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return ntFacts{}, false
	}
	defer windows.CloseHandle(process)
	if !isCreated(process, created) {
		return ntFacts{}, false // it has ended, and another process has its pid
	}
	facts := ntFacts{Exe: h.imagePath(process), Cmdline: h.commandLine(process, pid), Bits: bits(process)}
	h.tokenFacts(process, &facts)
	return facts, true
}

// isCreated reports whether a process is the one that was created then
// (https://learn.microsoft.com/en-us/windows/win32/api/processthreadsapi/nf-processthreadsapi-getprocesstimes).
func isCreated(process windows.Handle, then int64) bool {
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(process, &created, &exited, &kernel, &user); err != nil {
		return false
	}
	return int64(created.HighDateTime)<<32|int64(created.LowDateTime) == then
}

// imagePath returns the path of a process's program
// (https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-queryfullprocessimagenamew).
func (h *ntHost) imagePath(process windows.Handle) procmon.Opt[string] {
	length := uint32(len(h.text) / 2) // UTF-16 units
	if err := windows.QueryFullProcessImageName(process, 0, (*uint16)(unsafe.Pointer(&h.text[0])), &length); err != nil || length == 0 {
		return procmon.Opt[string]{}
	}
	return imagePath(decodeUTF16(h.text[:2*length]))
}

// bits returns the width of a process's machine code
// (https://learn.microsoft.com/en-us/windows/win32/api/wow64apiset/nf-wow64apiset-iswow64process2,
// and on what is older than Windows 10 1511
// https://learn.microsoft.com/en-us/windows/win32/api/wow64apiset/nf-wow64apiset-iswow64process).
func bits(process windows.Handle) procmon.Opt[uint32] {
	var machine, native uint16
	if err := windows.IsWow64Process2(process, &machine, &native); err == nil {
		return procmon.Some(machineBits(machine))
	}
	var wow64 bool
	if err := windows.IsWow64Process(process, &wow64); err != nil {
		return procmon.Opt[uint32]{}
	}
	if wow64 {
		return procmon.Some[uint32](32)
	}
	return procmon.Some[uint32](64)
}
