package proctable_test

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"time"
	"unicode/utf16"
)

// The structures that Windows fills, as Microsoft and the phnt headers declare them. The
// compilers of 64-bit Windows, for amd64 and for arm64, align every field to its own size, and
// every structure to its largest field
// (https://learn.microsoft.com/en-us/cpp/build/x64-software-conventions,
// https://learn.microsoft.com/en-us/cpp/build/arm64-windows-abi-conventions).

// pointer is PVOID, HANDLE, SIZE_T and ULONG_PTR.
type pointer uint64

// unicodeString is UNICODE_STRING
// (https://learn.microsoft.com/en-us/windows/win32/api/subauth/ns-subauth-unicode_string).
type unicodeString struct {
	Length, MaximumLength uint16
	Buffer                pointer
}

// systemProcessInformation is SYSTEM_PROCESS_INFORMATION
// (https://learn.microsoft.com/en-us/windows/win32/api/winternl/nf-winternl-ntquerysysteminformation,
// with names for what is reserved there from
// https://github.com/winsiderss/phnt/blob/master/ntexapi.h).
type systemProcessInformation struct {
	NextEntryOffset              uint32
	NumberOfThreads              uint32
	WorkingSetPrivateSize        int64
	HardFaultCount               uint32
	NumberOfThreadsHighWatermark uint32
	CycleTime                    uint64
	CreateTime                   int64
	UserTime                     int64
	KernelTime                   int64
	ImageName                    unicodeString
	BasePriority                 int32
	UniqueProcessID              pointer
	InheritedFromUniqueProcessID pointer
	HandleCount                  uint32
	SessionID                    uint32
	UniqueProcessKey             pointer
	PeakVirtualSize              pointer
	VirtualSize                  pointer
	PageFaultCount               uint32
	PeakWorkingSetSize           pointer
	WorkingSetSize               pointer
	QuotaPeakPagedPoolUsage      pointer
	QuotaPagedPoolUsage          pointer
	QuotaPeakNonPagedPoolUsage   pointer
	QuotaNonPagedPoolUsage       pointer
	PagefileUsage                pointer
	PeakPagefileUsage            pointer
	PrivatePageCount             pointer
	ReadOperationCount           int64
	WriteOperationCount          int64
	OtherOperationCount          int64
	ReadTransferCount            int64
	WriteTransferCount           int64
	OtherTransferCount           int64
}

// systemThreadInformation is SYSTEM_THREAD_INFORMATION; one for each thread follows a process.
type systemThreadInformation struct {
	KernelTime, UserTime, CreateTime int64
	WaitTime                         uint32
	StartAddress                     pointer
	UniqueProcess, UniqueThread      pointer // CLIENT_ID
	Priority, BasePriority           int32
	ContextSwitches                  uint32
	ThreadState, WaitReason          uint32
}

// enumServiceStatusProcess is ENUM_SERVICE_STATUS_PROCESSW
// (https://learn.microsoft.com/en-us/windows/win32/api/winsvc/ns-winsvc-enum_service_status_processw).
type enumServiceStatusProcess struct {
	ServiceName, DisplayName pointer
	ServiceStatusProcess     struct {
		ServiceType, CurrentState, ControlsAccepted, Win32ExitCode, ServiceSpecificExitCode,
		CheckPoint, WaitHint, ProcessID, ServiceFlags uint32
	}
}

// layOut returns v as those compilers do.
func layOut(v any) []byte { return appendLaidOut(nil, reflect.ValueOf(v)) }

func appendLaidOut(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			b = appendLaidOut(align(b, alignment(v.Field(i).Type())), v.Field(i))
		}
		return align(b, alignment(v.Type()))
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		eight := binary.LittleEndian.AppendUint64(nil, v.Uint())
		return append(b, eight[:v.Type().Size()]...)
	case reflect.Int32, reflect.Int64:
		eight := binary.LittleEndian.AppendUint64(nil, uint64(v.Int()))
		return append(b, eight[:v.Type().Size()]...)
	}
	panic(fmt.Sprintf("%v has no layout", v.Type()))
}

func alignment(t reflect.Type) int {
	if t.Kind() != reflect.Struct {
		return int(t.Size())
	}
	most := 1
	for i := range t.NumField() {
		most = max(most, alignment(t.Field(i).Type))
	}
	return most
}

func align(b []byte, to int) []byte {
	for len(b)%to != 0 {
		b = append(b, 0)
	}
	return b
}

// ntBases are where the tests say that a buffer began: where the heaps of Go stand on Windows.
var ntBases = map[string]uint64{"amd64": 0xc0_0012_4000, "arm64": 0x40_0012_4000}

const ntBase = 0xc0_0012_4000

// ntSpec is a process as a test has it. It has as many threads as the table shall list.
type ntSpec struct {
	info    systemProcessInformation
	name    []uint16
	threads int
}

func ntName(s string) []uint16 { return utf16.Encode([]rune(s)) }

// ntTable lays processes out as Windows does: process, its threads, its name, aligned to 8.
func ntTable(base uint64, specs ...ntSpec) []byte {
	var table []byte
	for i, s := range specs {
		threads := make([]byte, 0, 80*s.threads)
		for n := range s.threads {
			threads = append(threads, layOut(systemThreadInformation{UniqueProcess: s.info.UniqueProcessID, UniqueThread: pointer(n), ContextSwitches: 0xFFFFFFFF})...)
		}
		start := len(table)
		s.info.NumberOfThreads = uint32(s.threads)
		if len(s.name) > 0 {
			at := base + uint64(start+256+len(threads))
			s.info.ImageName = unicodeString{uint16(2 * len(s.name)), uint16(2*len(s.name) + 2), pointer(at)}
		}
		text := layOutText(s.name)
		size := len(align(make([]byte, 256+len(threads)+len(text)), 8))
		if i < len(specs)-1 {
			s.info.NextEntryOffset = uint32(size)
		}
		table = append(append(append(table, layOut(s.info)...), threads...), text...)
		table = align(table, 8)
	}
	return table
}

// layOutText returns text and the NUL that ends it; no text is nothing.
func layOutText(text []uint16) []byte {
	if len(text) == 0 {
		return nil
	}
	var b []byte
	for _, u := range text {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return append(b, 0, 0)
}

// ntService is an active service.
type ntService struct {
	pid  uint32
	name string
}

// ntServices lays services out as Windows does: all entries, and then their names.
func ntServices(base uint64, services ...ntService) []byte {
	entry := len(layOut(enumServiceStatusProcess{}))
	var entries, names []byte
	for _, s := range services {
		var e enumServiceStatusProcess
		e.ServiceName = pointer(base + uint64(entry*len(services)+len(names)))
		names = append(names, layOutText(ntName(s.name))...)
		e.DisplayName = pointer(base + uint64(entry*len(services)+len(names)))
		names = append(names, layOutText(ntName("Displayed "+s.name))...)
		e.ServiceStatusProcess.ServiceType, e.ServiceStatusProcess.CurrentState = 0x20, 4
		e.ServiceStatusProcess.WaitHint, e.ServiceStatusProcess.ProcessID, e.ServiceStatusProcess.ServiceFlags = 30000, s.pid, 1
		entries = append(entries, layOut(e)...)
	}
	return append(entries, names...)
}

// filetimeOf returns t as Windows counts it.
func filetimeOf(t time.Time) int64 {
	return (t.Unix()+11644473600)*1e7 + int64(t.Nanosecond()/100)
}
