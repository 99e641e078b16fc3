package events_test

import (
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/events"
	"github.com/procmon/procmon/exporter/internal/crowd"
)

// TestManyShortLivedProcesses starts thousands as fast as this machine can, with a ring that
// is too small for them and nobody who reads it: each is counted, or said to be lost, and
// memory stays bounded.
func TestManyShortLivedProcesses(t *testing.T) {
	const processes, ring = 2000, 256
	w := watch(t, events.Options{MaxEvents: ring})
	began := time.Now()
	// One shell makes copies of itself that end at once, faster than exec would.
	shell := exec.Command("sh", "-c", "i=0; while [ $i -lt 2000 ]; do (:); i=$((i+1)); done")
	if err := shell.Run(); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	r := &reader{w: w}
	r.end(t, shell.Process.Pid)
	s := w.Stats()
	list, lost := w.Between(0, w.Now())
	after := w.Stats() // other processes of this machine start and end meanwhile
	if s.Starts+s.Ends+s.Lost < 2*processes || s.Errors != 0 {
		t.Errorf("got %+v for %d processes", s, processes)
	}
	if sum := lost + uint64(len(list)); len(list) > ring || sum < s.Starts+s.Ends || sum > after.Starts+after.Ends {
		t.Errorf("%d events are left and %d lost of %+v", len(list), lost, s)
	}
	t.Logf("%.0f processes a second; %+v", processes/took.Seconds(), s)
}

// BenchmarkShortLivedProcesses has a shell start programs that end at once, one after the
// other. One op is 100 of them. cpu-µs/process is the CPU time of this process, which does
// nothing but record; %-with-command-line is how many were looked at before they ended.
func BenchmarkShortLivedProcesses(b *testing.B) {
	const apart = 100 // processes
	w := watch(b, events.Options{})
	began, known := crowd.CPUTime(b), 0
	var cursor events.Cursor
	for b.Loop() {
		if err := exec.Command("sh", "-c", "i=0; while [ $i -lt 100 ]; do /bin/true --an-argument; i=$((i+1)); done").Run(); err != nil {
			b.Fatal(err)
		}
		now := w.Now()
		list, _ := w.Between(cursor, now)
		cursor = now
		for i := range list {
			if e := &list[i]; e.Kind == procmon.Ended && e.Cmdline.Value == "/bin/true --an-argument" {
				known++
			}
		}
	}
	b.ReportMetric(float64((crowd.CPUTime(b)-began).Microseconds())/float64(b.N*apart), "cpu-µs/process")
	b.ReportMetric(100*float64(known)/float64(b.N*apart), "%-with-command-line")
	b.ReportMetric(float64(b.N*apart)/b.Elapsed().Seconds(), "processes/s")
}

// BenchmarkRing adds an event to a full ring. One op is one event; heap-MB is what the ring
// and what it holds take.
func BenchmarkRing(b *testing.B) {
	j := events.NewJournal(events.Options{MaxEvents: 16 << 10, MaxText: 4 << 20})
	e := procmon.Event{Kind: procmon.Ended, Time: epoch, Name: procmon.Some("name"), Cmdline: procmon.Some("a command line of a usual length, which is about sixty bytes")}
	b.ReportAllocs()
	for b.Loop() {
		j.Add(e)
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/1e6, "heap-MB")
	runtime.KeepAlive(j)
}
