package events_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/exporter/events"
)

// message lays out a message of the proc connector as cn_proc.h says.
func message(what uint32, timestamp uint64, ack uint32, data ...uint32) []byte {
	order := binary.NativeEndian
	var b []byte
	u16 := func(v uint16) { b = order.AppendUint16(b, v) }
	u32 := func(v uint32) { b = order.AppendUint32(b, v) }
	u64 := func(v uint64) { b = order.AppendUint64(b, v) }
	const union = 24 // bytes: that of an exit, the largest
	// struct nlmsghdr
	u32(16 + 20 + 16 + union)
	u16(3) // NLMSG_DONE
	u16(0)
	u32(0)
	u32(0)
	// struct cn_msg
	u32(1) // CN_IDX_PROC
	u32(1) // CN_VAL_PROC
	u32(17)
	u32(ack)
	u16(16 + union)
	u16(0)
	// struct proc_event
	u32(what)
	u32(1) // CPU
	u64(timestamp)
	for i := range union / 4 {
		if i < len(data) {
			u32(data[i])
		} else {
			u32(0)
		}
	}
	return b
}

func with(b []byte, at int, v uint32) []byte {
	b = append([]byte(nil), b...)
	binary.NativeEndian.PutUint32(b[at:], v)
	return b
}

func TestParseConnector(t *testing.T) {
	fork := message(1, 5e9, 0, 10, 11, 20, 21)
	exit := message(0x80000000, 6e9, 0, 20, 21, 0x2a00, 17, 10, 11)
	forked := events.ConnectorEvent{What: 1, Timestamp: 5 * time.Second, Thread: 20, PID: 21, Parent: 11}
	exited := events.ConnectorEvent{What: 0x80000000, Timestamp: 6 * time.Second, Thread: 20, PID: 21, Parent: 11, Status: 0x2a00}
	old := with(exit[:len(exit)-8], 0, uint32(len(exit)-8)) // without the parent, before Linux 4.18
	binary.NativeEndian.PutUint16(old[32:], 16+16)
	withoutParent := exited
	withoutParent.Parent = 0
	for _, test := range []struct {
		name string
		data []byte
		want []events.ConnectorEvent
		err  string
	}{
		{"nothing", nil, nil, ""},
		{"fork", fork, []events.ConnectorEvent{forked}, ""},
		{"exec", message(2, 1, 0, 30, 31), []events.ConnectorEvent{{What: 2, Timestamp: 1, Thread: 30, PID: 31}}, ""},
		{"exit", exit, []events.ConnectorEvent{exited}, ""},
		{"exit without a parent", old, []events.ConnectorEvent{withoutParent}, ""},
		{"answer", message(0, 2, 8, 1), []events.ConnectorEvent{{Timestamp: 2, Status: 1, Ack: 8}}, ""},
		{"two", append(append([]byte(nil), fork...), exit...), []events.ConnectorEvent{forked, exited}, ""},
		{"another kind", message(4, 1, 0, 1, 1), nil, ""},
		{"of another connector", with(fork, 16, 2), nil, ""},
		{"of another value", with(fork, 20, 2), nil, ""},
		{"cut header", fork[:10], nil, "a netlink message of 10 bytes is shorter than its header"},
		{"cut message", fork[:60], nil, "a netlink message says that it has 76 bytes, and there are 60"},
		{"length of less than its header", with(fork, 0, 15), nil, "a netlink message says that it has 15 bytes, and there are 76"},
		{"length of nothing", with(fork, 0, 0), nil, "a netlink message says that it has 0 bytes, and there are 76"},
		{"cut event", with(fork, 0, 50)[:50], nil, "a message of the proc connector has 14 bytes of 40"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := events.ParseConnector(test.data)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if said := text(err); said != test.err {
				t.Errorf("got error %q, want %q", said, test.err)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func FuzzParseConnector(f *testing.F) {
	fork := message(1, 5e9, 0, 10, 11, 20, 21)
	f.Add(fork)
	f.Add(append(append([]byte(nil), fork...), message(0x80000000, 6e9, 0, 20, 21, 9, 17, 10, 11)...))
	f.Add(with(fork, 0, 0xffffffff))
	f.Fuzz(func(t *testing.T, data []byte) {
		const least = 16 + 20 + 16 + 4
		if got, _ := events.ParseConnector(data); len(got) > len(data)/least {
			t.Errorf("%d events in %d bytes", len(got), len(data))
		}
	})
}

func TestExitCode(t *testing.T) {
	for _, test := range []struct {
		status uint32
		want   int64
	}{{0, 0}, {0x100, 1}, {0xff00, 255}, {9, -9}, {0x8b, -11}, {15, -15}} {
		if got := events.ExitCode(test.status); got != test.want {
			t.Errorf("status %#x: got %d, want %d", test.status, got, test.want)
		}
	}
}

func TestParseProcStat(t *testing.T) {
	for _, test := range []struct {
		name, line string
		comm       string
		over, ok   bool
	}{
		{"running", "42 (sh) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 10 1 2 3 4", "sh", false, true},
		{"ending", "42 (sh) R 7 42 42 0 -1 4194564 1 2 3 4 5 6 7 8 20 0 1 0 98765 0 0 1 2 3 4", "sh", true, true},
		{"zombie", "42 (sh) Z 7 42 42 0 -1 4194564 1 2 3 4 5 6 7 8 20 0 1 0 98765 0 0 1 2 3 4", "sh", true, true},
		{"first thread ended", "42 (sh) Z 7 42 42 0 -1 4194564 1 2 3 4 5 6 7 8 20 0 2 0 98765 0 0 1 2 3 4", "sh", false, true},
		{"cut", "42 (sh) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0", "", false, false},
		{"hostile name", "42 (a) S 1 (\n) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 0 0 1 2 3 4", "a) S 1 (\n", false, true},
		{"no name", "42 S 7", "", false, false},
		{"parentheses turned", ") S ( 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 0 0 1 2 3 4", "", false, false},
		{"words for numbers", "42 (sh) S x 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 0 0 1 2 3 4", "", false, false},
		{"empty", "", "", false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			comm, over, ppid, start, ok := events.ParseProcStat([]byte(test.line))
			if ok != test.ok || ok && (comm != test.comm || over != test.over || ppid != 7 || start != 98765) {
				t.Errorf("got %q, %v, %d, %d, %v", comm, over, ppid, start, ok)
			}
		})
	}
}

func FuzzParseProcStat(f *testing.F) {
	f.Add([]byte("42 (sh) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 10 1 2 3 4"))
	f.Add([]byte(")("))
	f.Fuzz(func(t *testing.T, line []byte) {
		if comm, _, _, _, ok := events.ParseProcStat(line); ok && len(comm) > len(line) {
			t.Errorf("a name of %d bytes in %d", len(comm), len(line))
		}
		if name, text := events.CommandLine("123456789012345", line); name == "" || len(text) > len(line) {
			t.Errorf("got %q and %q", name, text)
		}
	})
}

func TestCommandLine(t *testing.T) {
	for _, test := range []struct{ name, comm, args, wantName, wantLine string }{
		{"plain", "sh", "sh\x00-c\x00exit 1\x00", "sh", "sh\x00-c\x00exit 1"},
		{"none", "kworker/0:1", "", "kworker/0:1", ""},
		{"longer name", "prometheus-proc", "/usr/bin/prometheus-process-exporter\x00-x\x00", "prometheus-process-exporter", "/usr/bin/prometheus-process-exporter\x00-x"},
		{"another name", "prometheus-proc", "something\x00", "prometheus-proc", "something"},
		{"title", "postgres", "postgres: checkpointer \x00\x00\x00", "postgres", "postgres: checkpointer "},
	} {
		t.Run(test.name, func(t *testing.T) {
			name, line := events.CommandLine(test.comm, []byte(test.args))
			if name != test.wantName || line != test.wantLine {
				t.Errorf("got %q and %q", name, line)
			}
		})
	}
}
