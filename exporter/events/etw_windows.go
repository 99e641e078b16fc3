//go:build amd64 || arm64

package events

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// The structures of Event Tracing, as they are on 64-bit Windows.

// traceProperties is EVENT_TRACE_PROPERTIES
// (https://learn.microsoft.com/en-us/windows/win32/api/evntrace/ns-evntrace-event_trace_properties)
// with room for the session's name behind it.
type traceProperties struct {
	// WNODE_HEADER (https://learn.microsoft.com/en-us/windows/win32/etw/wnode-header)
	size              uint32
	providerID        uint32
	historicalContext uint64
	timeStamp         int64
	guid              windows.GUID
	clientContext     uint32
	flags             uint32

	bufferSize          uint32 // KiB
	minimumBuffers      uint32
	maximumBuffers      uint32
	maximumFileSize     uint32
	logFileMode         uint32
	flushTimer          uint32 // s
	enableFlags         uint32
	ageLimit            int32
	numberOfBuffers     uint32
	freeBuffers         uint32
	eventsLost          uint32
	buffersWritten      uint32
	logBuffersLost      uint32
	realTimeBuffersLost uint32
	loggerThreadID      windows.Handle
	logFileNameOffset   uint32
	loggerNameOffset    uint32

	loggerName [64]uint16
}

// traceLogfile is EVENT_TRACE_LOGFILEW
// (https://learn.microsoft.com/en-us/windows/win32/api/evntrace/ns-evntrace-event_trace_logfilew).
type traceLogfile struct {
	logFileName    *uint16
	loggerName     *uint16
	currentTime    int64
	buffersRead    uint32
	mode           uint32
	currentEvent   [88]byte  // EVENT_TRACE (https://learn.microsoft.com/en-us/windows/win32/api/evntrace/ns-evntrace-event_trace)
	logfileHeader  [280]byte // TRACE_LOGFILE_HEADER (https://learn.microsoft.com/en-us/windows/win32/api/evntrace/ns-evntrace-trace_logfile_header)
	bufferCallback uintptr
	bufferSize     uint32
	filled         uint32
	eventsLost     uint32
	recordCallback uintptr
	isKernelTrace  uint32
	context        uintptr
}

// eventRecord is EVENT_RECORD
// (https://learn.microsoft.com/en-us/windows/win32/api/evntcons/ns-evntcons-event_record).
type eventRecord struct {
	// EVENT_HEADER (https://learn.microsoft.com/en-us/windows/win32/api/evntcons/ns-evntcons-event_header)
	size          uint16
	headerType    uint16
	flags         uint16
	eventProperty uint16
	threadID      uint32
	processID     uint32
	timeStamp     int64 // FILETIME
	providerID    windows.GUID
	// EVENT_DESCRIPTOR (https://learn.microsoft.com/en-us/windows/win32/api/evntprov/ns-evntprov-event_descriptor)
	id         uint16
	version    uint8
	channel    uint8
	level      uint8
	opcode     uint8
	task       uint16
	keyword    uint64
	times      uint64
	activityID windows.GUID

	bufferContext     uint32
	extendedDataCount uint16
	userDataLength    uint16
	extendedData      unsafe.Pointer
	userData          unsafe.Pointer
	userContext       unsafe.Pointer
}

// These do not compile when a structure has another size than in evntrace.h and evntcons.h.
var (
	_ [120]byte = [unsafe.Offsetof(traceProperties{}.loggerName)]byte{}
	_ [448]byte = [unsafe.Sizeof(traceLogfile{})]byte{}
	_ [112]byte = [unsafe.Sizeof(eventRecord{})]byte{}
)

const (
	sessionName = "procmon-exporter"

	wnodeFlagTracedGUID = 0x00020000
	clockSystemTime     = 2          // of clientContext
	realTimeMode        = 0x00000100 // EVENT_TRACE_REAL_TIME_MODE and PROCESS_TRACE_MODE_REAL_TIME
	eventRecordMode     = 0x10000000 // PROCESS_TRACE_MODE_EVENT_RECORD
	controlQuery        = 0          // EVENT_TRACE_CONTROL_QUERY
	controlStop         = 1          // EVENT_TRACE_CONTROL_STOP
	enableProvider      = 1          // EVENT_CONTROL_CODE_ENABLE_PROVIDER
	levelInformation    = 4          // TRACE_LEVEL_INFORMATION
	keywordProcess      = 0x10       // WINEVENT_KEYWORD_PROCESS
	invalidTrace        = ^uint64(0) // INVALID_PROCESSTRACE_HANDLE
)

func newProperties() *traceProperties {
	p := &traceProperties{
		flags: wnodeFlagTracedGUID, clientContext: clockSystemTime,
		bufferSize: 64, minimumBuffers: 4, maximumBuffers: 64, logFileMode: realTimeMode, flushTimer: 1,
	}
	p.size = uint32(unsafe.Sizeof(*p))
	p.loggerNameOffset = uint32(unsafe.Offsetof(p.loggerName))
	return p
}

// etw holds the functions of Event Tracing. Their results are Windows error codes.
type etw struct {
	startTrace, controlTrace, enableTraceEx2, openTrace, processTrace, closeTrace *windows.LazyProc
}

func loadETW() (*etw, error) {
	dll := windows.NewLazySystemDLL("advapi32.dll")
	e := &etw{
		startTrace: dll.NewProc("StartTraceW"), controlTrace: dll.NewProc("ControlTraceW"), enableTraceEx2: dll.NewProc("EnableTraceEx2"),
		openTrace: dll.NewProc("OpenTraceW"), processTrace: dll.NewProc("ProcessTrace"), closeTrace: dll.NewProc("CloseTrace"),
	}
	for _, proc := range []*windows.LazyProc{e.startTrace, e.controlTrace, e.enableTraceEx2, e.openTrace, e.processTrace, e.closeTrace} {
		if err := proc.Find(); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func result(code uintptr) error {
	if code == 0 {
		return nil
	}
	return windows.Errno(code)
}

// start begins a session
// (https://learn.microsoft.com/en-us/windows/win32/api/evntrace/nf-evntrace-starttracew).
func (e *etw) start(name *uint16) (session uint64, err error) {
	r, _, _ := e.startTrace.Call(uintptr(unsafe.Pointer(&session)), uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(newProperties())))
	return session, result(r)
}

// control asks about a session of that name, or stops it
// (https://learn.microsoft.com/en-us/windows/win32/api/evntrace/nf-evntrace-controltracew).
func (e *etw) control(name *uint16, code uintptr) (*traceProperties, error) {
	p := newProperties()
	r, _, _ := e.controlTrace.Call(0, uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(p)), code)
	return p, result(r)
}

// enable has a provider write its events of some keywords into a session
// (https://learn.microsoft.com/en-us/windows/win32/api/evntrace/nf-evntrace-enabletraceex2).
func (e *etw) enable(session uint64, provider *windows.GUID, keywords uintptr) error {
	r, _, _ := e.enableTraceEx2.Call(uintptr(session), uintptr(unsafe.Pointer(provider)), enableProvider, levelInformation, keywords, 0, 0, 0)
	return result(r)
}

// open returns a handle for reading a session as it happens; each event goes to callback
// (https://learn.microsoft.com/en-us/windows/win32/api/evntrace/nf-evntrace-opentracew).
func (e *etw) open(name *uint16, callback uintptr) (trace uint64, err error) {
	file := &traceLogfile{loggerName: name, mode: realTimeMode | eventRecordMode, recordCallback: callback}
	r, _, err := e.openTrace.Call(uintptr(unsafe.Pointer(file)))
	if trace = uint64(r); trace == invalidTrace {
		return 0, err
	}
	return trace, nil
}

// process calls back with events on this thread until the session ends
// (https://learn.microsoft.com/en-us/windows/win32/api/evntrace/nf-evntrace-processtrace).
func (e *etw) process(trace uint64) error {
	r, _, _ := e.processTrace.Call(uintptr(unsafe.Pointer(&trace)), 1, 0, 0)
	return result(r)
}

// close ends reading
// (https://learn.microsoft.com/en-us/windows/win32/api/evntrace/nf-evntrace-closetrace).
func (e *etw) close(trace uint64) error {
	r, _, _ := e.closeTrace.Call(uintptr(trace))
	if err := result(r); err != windows.ERROR_CTX_CLOSE_PENDING { // it closes when process returns
		return err
	}
	return nil
}
