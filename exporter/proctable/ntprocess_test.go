package proctable_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/proctable"
)

// ntRows reads one table of a Windows that says nothing else.
func ntRows(table []byte, base uint64) (*proctable.Rows, error) {
	t := proctable.OpenNT(&proctable.NTSystem{
		Processes: func() ([]byte, uint64, error) { return table, base, nil },
	}, nil)
	var rows proctable.Rows
	err := t.Read(&rows)
	return &rows, err
}

func TestNTRows(t *testing.T) {
	boot := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	started := time.Date(2026, 11, 22, 20, 15, 0, 123456700, time.UTC)
	specs := []ntSpec{
		{threads: 8, info: systemProcessInformation{KernelTime: 9e12, WorkingSetSize: 8192, PagefileUsage: 61440, PrivatePageCount: 61440}},
		{name: ntName("System"), threads: 3, info: systemProcessInformation{UniqueProcessID: 4, HandleCount: 5000, CreateTime: filetimeOf(boot),
			KernelTime: 25e6, WorkingSetSize: 1 << 20, PrivatePageCount: 1 << 16}},
		{name: ntName("größer 𝄞.exe"), threads: 1, info: systemProcessInformation{UniqueProcessID: 4321, InheritedFromUniqueProcessID: 4,
			HandleCount: 77, SessionID: 2, CreateTime: filetimeOf(started), UserTime: 12345678, KernelTime: 20000001, WorkingSetPrivateSize: -1,
			PeakWorkingSetSize: 9 << 30, WorkingSetSize: 324 << 20, PagefileUsage: 100, PeakPagefileUsage: 9 << 30, PrivatePageCount: 200 << 20,
			ReadOperationCount: 11, WriteOperationCount: 12, OtherOperationCount: 13, ReadTransferCount: 1 << 40, WriteTransferCount: 3, OtherTransferCount: 14}},
		{name: []uint16{'a', 0xD800, 'b', 0xDC00}, info: systemProcessInformation{UniqueProcessID: 1 << 31, InheritedFromUniqueProcessID: 4321,
			CreateTime: filetimeOf(started), PagefileUsage: 4096}},
		{name: ntName("Registry"), threads: 4, info: systemProcessInformation{UniqueProcessID: 124, InheritedFromUniqueProcessID: 4, CreateTime: filetimeOf(boot)}},
	}
	u32, u64, f := procmon.Some[uint32], procmon.Some[uint64], procmon.Some[float64]
	row := func(p procmon.Process) procmon.Process {
		p.SessionID.Known, p.Threads.Known, p.Handles.Known = true, true, true
		p.ReadBytes.Known, p.WriteBytes.Known, p.ReadOperations.Known, p.WriteOperations.Known = true, true, true, true
		p.WorkingSetBytes.Known = true
		p.Memory = f(float64(p.WorkingSetBytes.Value) / (1 << 20))
		return p
	}
	want := &proctable.Rows{
		Processes: []procmon.Process{
			row(procmon.Process{Name: "System Idle Process", Threads: u32(8), WorkingSetBytes: u64(8192), PrivateBytes: u64(61440)}),
			row(procmon.Process{PID: 4, PPID: u32(0), Name: "System", Threads: u32(3), Handles: u32(5000), StartTime: procmon.Some(boot),
				CPUSeconds: f(2.5), KernelSeconds: f(2.5), WorkingSetBytes: u64(1 << 20), PrivateBytes: u64(1 << 16)}),
			row(procmon.Process{PID: 124, PPID: u32(4), Name: "Registry", Threads: u32(4), StartTime: procmon.Some(boot), CPUSeconds: f(0), KernelSeconds: f(0)}),
			row(procmon.Process{PID: 4321, PPID: u32(4), Name: "größer 𝄞.exe", Threads: u32(1), Handles: u32(77), SessionID: u32(2), StartTime: procmon.Some(started),
				CPUSeconds: f(3.2345679), KernelSeconds: f(2.0000001), WorkingSetBytes: u64(324 << 20), PrivateBytes: u64(200 << 20),
				ReadBytes: u64(1 << 40), WriteBytes: u64(3), ReadOperations: u64(11), WriteOperations: u64(12)}),
			row(procmon.Process{PID: 1 << 31, PPID: u32(4321), Name: "a\uFFFDb\uFFFD", StartTime: procmon.Some(started),
				CPUSeconds: f(0), KernelSeconds: f(0), PrivateBytes: u64(4096)}),
		},
		Details: []proctable.Detail{{}, {SystemSeconds: 2.5}, {}, {UserSeconds: 1.2345678, SystemSeconds: 2.0000001}, {}},
	}
	for arch, base := range ntBases {
		t.Run(arch, func(t *testing.T) {
			got, err := ntRows(ntTable(base, specs...), base)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(proctable.Detail{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNTLayout holds the structures of the tests against sizes that the headers assert.
func TestNTLayout(t *testing.T) {
	for _, test := range []struct {
		name string
		of   any
		want int
	}{
		{"SYSTEM_PROCESS_INFORMATION", systemProcessInformation{}, 256},
		{"SYSTEM_THREAD_INFORMATION", systemThreadInformation{}, 80},
		{"ENUM_SERVICE_STATUS_PROCESSW", enumServiceStatusProcess{}, 56},
	} {
		if got := len(layOut(test.of)); got != test.want {
			t.Errorf("%s has %d bytes, want %d", test.name, got, test.want)
		}
	}
}

func twoProcesses() []byte {
	return ntTable(ntBase,
		ntSpec{name: ntName("System"), threads: 2, info: systemProcessInformation{UniqueProcessID: 4}},
		ntSpec{name: ntName("x.exe"), threads: 1, info: systemProcessInformation{UniqueProcessID: 8}})
}

func TestNTRowsRefuses(t *testing.T) {
	le := binary.LittleEndian
	two := func(change func([]byte)) []byte {
		table := twoProcesses()
		change(table)
		return table
	}
	for _, test := range []struct {
		name  string
		table []byte
		want  string
	}{
		{"nothing", nil, "needs 256 bytes; 0 are left"},
		{"cut", twoProcesses()[:255], "needs 256 bytes; 255 are left"},
		{"next before the end of this", two(func(b []byte) { le.PutUint32(b, 8) }), "the next is 8 bytes on"},
		{"next behind the end", two(func(b []byte) { le.PutUint32(b, 1<<31) }), "the next is 2147483648 bytes on"},
		{"next at the end", two(func(b []byte) { le.PutUint32(b, uint32(len(b))) }), "needs 256 bytes; 0 are left"},
		{"name before the buffer", two(func(b []byte) { le.PutUint64(b[64:], ntBase-2) }), "name of pid 4: 12 bytes of text at byte -2"},
		{"name behind the buffer", two(func(b []byte) { le.PutUint64(b[64:], 1<<63) }), "are not within"},
		{"name over the end", two(func(b []byte) { le.PutUint16(b[56:], 0xFFFE) }), "65534 bytes of text"},
		{"pid of 33 bits", two(func(b []byte) { le.PutUint64(b[80:], 1<<32) }), "pids have 32 bits"},
		{"parent of 33 bits", two(func(b []byte) { le.PutUint64(b[88:], 1<<63) }), "pids have 32 bits"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ntRows(test.table, ntBase)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v and error %v, want %q", got.Processes, err, test.want)
			}
		})
	}
}

// TestNTRowsTruncated cuts a table everywhere: it is whole, or an error, and never a part of
// what was asked for.
func TestNTRowsTruncated(t *testing.T) {
	whole := twoProcesses()
	second := len(whole) - 256 - 80 - 16
	for n := range len(whole) {
		rows, err := ntRows(whole[:n:n], ntBase)
		// What is missing at the end may be padding.
		if complete := n >= second+256+80+2*len("x.exe"); complete != (err == nil) {
			t.Errorf("%d of %d bytes: %d rows and error %v", n, len(whole), len(rows.Processes), err)
		}
		if err == nil && len(rows.Processes) != 2 {
			t.Errorf("%d of %d bytes: %d rows", n, len(whole), len(rows.Processes))
		}
	}
}

// TestNTRowsCorrupt sets every byte to values that hurt.
func TestNTRowsCorrupt(t *testing.T) {
	for at := range twoProcesses() {
		for _, value := range []byte{0, 1, 0x7F, 0x80, 0xFF} {
			table := twoProcesses()
			table[at] = value
			checkRows(t, table)
		}
	}
}

// checkRows holds of every table, whatever is in it.
func checkRows(t *testing.T, table []byte) {
	t.Helper()
	rows, err := ntRows(table, ntBase)
	if err != nil {
		return
	}
	if len(rows.Processes) == 0 || len(rows.Processes) > len(table)/256 || len(rows.Details) != len(rows.Processes) {
		t.Errorf("%d processes and %d details in %d bytes", len(rows.Processes), len(rows.Details), len(table))
	}
	for i := range rows.Processes {
		p := &rows.Processes[i]
		if i > 0 && rows.Processes[i-1].PID >= p.PID {
			t.Errorf("pid %d stands after %d", p.PID, rows.Processes[i-1].PID)
		}
		if p.CPUSeconds.Known != p.KernelSeconds.Known || p.KernelSeconds.Value < 0 || p.KernelSeconds.Value > p.CPUSeconds.Value {
			t.Errorf("pid %d: CPU seconds %v, of them in the kernel %v", p.PID, p.CPUSeconds, p.KernelSeconds)
		}
		if p.PPID.Known && p.PPID.Value == p.PID {
			t.Errorf("pid %d is its own parent", p.PID)
		}
		if strings.ToValidUTF8(p.Name, "") != p.Name {
			t.Errorf("pid %d: name %q is not UTF-8", p.PID, p.Name)
		}
	}
}

func TestNTTimes(t *testing.T) {
	for _, test := range []struct {
		name    string
		created int64
		want    procmon.Opt[time.Time]
	}{
		{"none", 0, procmon.Opt[time.Time]{}},
		{"before 1970", 1, procmon.Opt[time.Time]{}},
		{"negative", -1 << 63, procmon.Opt[time.Time]{}},
		{"after 2200", 1<<63 - 1, procmon.Opt[time.Time]{}},
		{"one step after 1970", 116444736000000001, procmon.Some(time.Unix(0, 100).UTC())},
	} {
		t.Run(test.name, func(t *testing.T) {
			rows, err := ntRows(ntTable(ntBase, ntSpec{info: systemProcessInformation{UniqueProcessID: 8, CreateTime: test.created}}), ntBase)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, rows.Processes[0].StartTime); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNTRowsAfterAnError reads on after a table that was broken.
func TestNTRowsAfterAnError(t *testing.T) {
	denied := errors.New("denied")
	answers := []struct {
		table []byte
		err   error
	}{{twoProcesses(), nil}, {nil, denied}, {twoProcesses()[:400], nil}, {twoProcesses(), nil}}
	n := 0
	table := proctable.OpenNT(&proctable.NTSystem{Processes: func() ([]byte, uint64, error) {
		a := answers[n]
		n++
		return a.table, ntBase, a.err
	}}, nil)
	var rows proctable.Rows
	for _, want := range []string{"", "denied", "bytes", ""} {
		err := table.Read(&rows)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("reading %d: error %v, want %q", n, err, want)
		}
	}
	if len(rows.Processes) != 2 || rows.Processes[1].Name != "x.exe" {
		t.Errorf("got %+v", rows.Processes)
	}
}

func TestDecodeUTF16(t *testing.T) {
	for _, test := range []struct{ name, bytes, want string }{
		{"plain", "a\x00b\x00", "ab"},
		{"odd", "a\x00b", "a"},
		{"ends at a NUL", "a\x00\x00\x00b\x00", "a"},
		{"lone surrogate", "\x00\xD8a\x00", "\uFFFDa"},
		{"pair", "\x34\xD8\x1E\xDD", "𝄞"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := proctable.DecodeUTF16([]byte(test.bytes)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func FuzzNTRows(f *testing.F) {
	f.Add(twoProcesses())
	f.Add(twoProcesses()[:200])
	f.Fuzz(func(t *testing.T, table []byte) { checkRows(t, table) })
}
