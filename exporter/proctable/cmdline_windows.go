//go:build amd64 || arm64

package proctable

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/procmon/procmon"
)

// commandLine returns the command line of a process, asking first as Windows has allowed
// since 8.1, then as before.
func (h *ntHost) commandLine(process windows.Handle, pid uint32) procmon.Opt[string] {
	if line := h.queryCommandLine(process); line.Known {
		return line
	}
	// https://learn.microsoft.com/en-us/windows/win32/procthread/process-security-and-access-rights
	readable, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION|windows.PROCESS_VM_READ, false, pid)
	if err != nil {
		return procmon.Opt[string]{}
	}
	defer windows.CloseHandle(readable)
	return h.readCommandLine(readable)
}

// queryCommandLine uses the class ProcessCommandLineInformation: a UNICODE_STRING, and after
// it the text (https://github.com/winsiderss/phnt/blob/master/ntpsapi.h). Wine 8 does not
// have it.
func (h *ntHost) queryCommandLine(process windows.Handle) procmon.Opt[string] {
	var length uint32
	err := windows.NtQueryInformationProcess(process, windows.ProcessCommandLineInformation, unsafe.Pointer(&h.text[0]), uint32(len(h.text)), &length)
	if err != nil {
		return procmon.Opt[string]{}
	}
	text, err := unicodeString(h.text, h.text, uint64(uintptr(unsafe.Pointer(&h.text[0]))))
	if err != nil {
		return procmon.Opt[string]{}
	}
	return line(text)
}

// readCommandLine reads the command line where the process itself finds it: in the process
// parameters that its environment block points to
// (https://learn.microsoft.com/en-us/windows/win32/api/winternl/ns-winternl-peb,
// https://learn.microsoft.com/en-us/windows/win32/api/winternl/ns-winternl-rtl_user_process_parameters).
// 32-bit processes have these in their 64-bit form too.
func (h *ntHost) readCommandLine(process windows.Handle) procmon.Opt[string] {
	const (
		parametersAt  = unsafe.Offsetof(windows.PEB{}.ProcessParameters)
		commandLineAt = unsafe.Offsetof(windows.RTL_USER_PROCESS_PARAMETERS{}.CommandLine)
	)
	// https://learn.microsoft.com/en-us/windows/win32/api/winternl/nf-winternl-ntqueryinformationprocess
	var basic struct { // PROCESS_BASIC_INFORMATION, with addresses in another process
		exitStatus, peb, affinity, priority, pid, parent uintptr
	}
	err := windows.NtQueryInformationProcess(process, windows.ProcessBasicInformation, unsafe.Pointer(&basic), uint32(unsafe.Sizeof(basic)), nil)
	if err != nil || basic.peb == 0 {
		return procmon.Opt[string]{}
	}
	pointer, ok := h.readMemory(process, basic.peb+parametersAt, 8)
	if !ok {
		return procmon.Opt[string]{}
	}
	parameters := uintptr(binary.LittleEndian.Uint64(pointer))
	header, ok := h.readMemory(process, parameters+commandLineAt, unicodeStringSize)
	if !ok || parameters == 0 {
		return procmon.Opt[string]{}
	}
	length, address := binary.LittleEndian.Uint16(header), binary.LittleEndian.Uint64(header[8:])
	text, ok := h.readMemory(process, uintptr(address), int(length))
	if !ok {
		return procmon.Opt[string]{}
	}
	return line(text)
}

// readMemory returns memory of another process, valid until the next call
// (https://learn.microsoft.com/en-us/windows/win32/api/memoryapi/nf-memoryapi-readprocessmemory).
func (h *ntHost) readMemory(process windows.Handle, address uintptr, length int) ([]byte, bool) {
	if length == 0 || length > len(h.text) {
		return nil, false
	}
	var n uintptr
	err := windows.ReadProcessMemory(process, address, &h.text[0], uintptr(length), &n)
	return h.text[:length], err == nil && n == uintptr(length)
}

// line returns the text of a command line; an empty one is that of a process without.
func line(text []byte) procmon.Opt[string] {
	s := decodeUTF16(text)
	return procmon.Opt[string]{Value: s, Known: s != ""}
}
