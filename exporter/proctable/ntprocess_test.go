package proctable_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/proctable"
)

const (
	ntBase  = 0x7ffd_1234_5000 // where the tests say that the buffer began
	ntEntry = 256
)

// ntSpec is a process as a test lays it out.
type ntSpec struct {
	pid, ppid       uint64
	name            []uint16
	threads         uint32
	handles         uint32
	session         uint32
	created         uint64
	user, kernel    uint64
	workingSet      uint64
	pagefile        uint64
	private         uint64
	read, written   uint64
	threadsFollowed int // SYSTEM_THREAD_INFORMATIONs of 80 bytes after the process
}

func ntName(s string) []uint16 { return utf16.Encode([]rune(s)) }

// ntTable lays processes out as Windows does: process, its threads, its name, aligned to 8.
func ntTable(specs ...ntSpec) []byte {
	le := binary.LittleEndian
	var table []byte
	for i, s := range specs {
		start := len(table)
		e := make([]byte, ntEntry+80*s.threadsFollowed)
		le.PutUint32(e[4:], s.threads)
		le.PutUint64(e[32:], s.created)
		le.PutUint64(e[40:], s.user)
		le.PutUint64(e[48:], s.kernel)
		if len(s.name) > 0 {
			le.PutUint16(e[56:], uint16(2*len(s.name)))
			le.PutUint16(e[58:], uint16(2*len(s.name)+2))
			le.PutUint64(e[64:], uint64(ntBase+start+len(e)))
			for _, u := range s.name {
				e = le.AppendUint16(e, u)
			}
			e = le.AppendUint16(e, 0)
		}
		le.PutUint64(e[80:], s.pid)
		le.PutUint64(e[88:], s.ppid)
		le.PutUint32(e[96:], s.handles)
		le.PutUint32(e[100:], s.session)
		le.PutUint64(e[144:], s.workingSet)
		le.PutUint64(e[184:], s.pagefile)
		le.PutUint64(e[200:], s.private)
		le.PutUint64(e[232:], s.read)
		le.PutUint64(e[240:], s.written)
		for len(e)%8 != 0 {
			e = append(e, 0xAA)
		}
		if i < len(specs)-1 {
			le.PutUint32(e, uint32(len(e)))
		}
		table = append(table, e...)
	}
	return table
}

// filetimeOf returns t as Windows counts it.
func filetimeOf(t time.Time) uint64 {
	return uint64(t.Unix()+11644473600)*1e7 + uint64(t.Nanosecond()/100)
}

func TestNTRows(t *testing.T) {
	boot := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	started := time.Date(2026, 11, 22, 20, 15, 0, 123456700, time.UTC)
	table := ntTable(
		ntSpec{pid: 0, ppid: 0, threads: 8, kernel: 9e12, workingSet: 8192, pagefile: 61440, private: 61440, threadsFollowed: 8},
		ntSpec{pid: 4, ppid: 0, name: ntName("System"), threads: 200, handles: 5000, created: filetimeOf(boot), kernel: 25e6, workingSet: 1 << 20, private: 1 << 16, threadsFollowed: 3},
		ntSpec{pid: 4321, ppid: 4, name: ntName("größer 𝄞.exe"), threads: 3, handles: 77, session: 2, created: filetimeOf(started),
			user: 12345678, kernel: 20000001, workingSet: 324 << 20, pagefile: 100, private: 200 << 20, read: 1 << 40, written: 3, threadsFollowed: 1},
		ntSpec{pid: 5000, ppid: 4321, name: []uint16{'a', 0xD800, 'b', 0xDC00}, threads: 1, created: filetimeOf(started), pagefile: 4096},
	)
	got, err := proctable.NTRows(table, ntBase)
	if err != nil {
		t.Fatal(err)
	}
	u32, u64, f := procmon.Some[uint32], procmon.Some[uint64], procmon.Some[float64]
	none := u64(0)
	want := []proctable.NTRow{
		{Process: procmon.Process{PID: 0, Name: "System Idle Process", Threads: u32(8), Handles: u32(0), SessionID: u32(0),
			WorkingSetBytes: u64(8192), PrivateBytes: u64(61440), ReadBytes: none, WriteBytes: none}},
		{Process: procmon.Process{PID: 4, PPID: u32(0), Name: "System", Threads: u32(200), Handles: u32(5000), SessionID: u32(0), StartTime: procmon.Some(boot),
			CPUSeconds: f(2.5), WorkingSetBytes: u64(1 << 20), PrivateBytes: u64(1 << 16), ReadBytes: none, WriteBytes: none},
			Detail: proctable.Detail{SystemSeconds: 2.5}},
		{Process: procmon.Process{PID: 4321, PPID: u32(4), Name: "größer 𝄞.exe", Threads: u32(3), Handles: u32(77), SessionID: u32(2), StartTime: procmon.Some(started),
			CPUSeconds: f(3.2345679), WorkingSetBytes: u64(324 << 20), PrivateBytes: u64(200 << 20), ReadBytes: u64(1 << 40), WriteBytes: u64(3)},
			Detail: proctable.Detail{UserSeconds: 1.2345678, SystemSeconds: 2.0000001}},
		{Process: procmon.Process{PID: 5000, PPID: u32(4321), Name: "a\uFFFDb\uFFFD", Threads: u32(1), Handles: u32(0), SessionID: u32(0), StartTime: procmon.Some(started),
			CPUSeconds: f(0), WorkingSetBytes: u64(0), PrivateBytes: u64(4096), ReadBytes: none, WriteBytes: none}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNTRowsRefuses(t *testing.T) {
	le := binary.LittleEndian
	two := func(change func([]byte)) []byte {
		table := ntTable(ntSpec{pid: 4, name: ntName("System")}, ntSpec{pid: 8, name: ntName("x.exe")})
		change(table)
		return table
	}
	for _, test := range []struct {
		name  string
		table []byte
		want  string
	}{
		{"nothing", nil, "needs 256 bytes; 0 are left"},
		{"cut", ntTable(ntSpec{pid: 4})[:255], "needs 256 bytes; 255 are left"},
		{"next before the end of this", two(func(b []byte) { le.PutUint32(b, 8) }), "the next is 8 bytes on"},
		{"next behind the end", two(func(b []byte) { le.PutUint32(b, 1<<31) }), "the next is 2147483648 bytes on"},
		{"next at the end", two(func(b []byte) { le.PutUint32(b, uint32(len(b))) }), "needs 256 bytes; 0 are left"},
		{"name before the buffer", two(func(b []byte) { le.PutUint64(b[64:], ntBase-2) }), "name of pid 4: 12 bytes of text at byte -2"},
		{"name behind the buffer", two(func(b []byte) { le.PutUint64(b[64:], 1<<63) }), "are not within"},
		{"name over the end", two(func(b []byte) { le.PutUint16(b[56:], 0xFFFE) }), "65534 bytes of text"},
		{"pid of 33 bits", two(func(b []byte) { le.PutUint64(b[80:], 1<<32) }), "pids have 32 bits"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := proctable.NTRows(test.table, ntBase)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v and error %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestNTTimes(t *testing.T) {
	for _, test := range []struct {
		name    string
		created uint64
		want    procmon.Opt[time.Time]
	}{
		{"none", 0, procmon.Opt[time.Time]{}},
		{"before 1970", 1, procmon.Opt[time.Time]{}},
		{"negative", 1 << 63, procmon.Opt[time.Time]{}},
		{"after 2200", 1<<63 - 1, procmon.Opt[time.Time]{}},
		{"one step after 1970", 116444736000000001, procmon.Some(time.Unix(0, 100).UTC())},
	} {
		t.Run(test.name, func(t *testing.T) {
			rows, err := proctable.NTRows(ntTable(ntSpec{pid: 8, created: test.created}), ntBase)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, rows[0].Process.StartTime); diff != "" {
				t.Error(diff)
			}
		})
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
	f.Add(ntTable(ntSpec{pid: 4, name: ntName("System"), threadsFollowed: 2}, ntSpec{pid: 8, name: ntName("x.exe")}))
	f.Add(ntTable(ntSpec{pid: 4})[:200])
	f.Fuzz(func(t *testing.T, table []byte) {
		rows, err := proctable.NTRows(table, ntBase)
		if err == nil && len(rows) > len(table)/ntEntry {
			t.Errorf("%d processes in %d bytes", len(rows), len(table))
		}
	})
}
