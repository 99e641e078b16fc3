package events_test

import (
	"os/exec"
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/events"
	"github.com/procmon/procmon/exporter/internal/crowd"
)

// BenchmarkShortLivedProcesses starts real processes that end at once, one after the other.
// One op is one process: its start and end recorded and read by one reader. cpu-µs/op is the
// CPU time of the recording process, with starting and waiting for the child;
// starting-µs/op is what the same costs without a Watcher, in the same run.
func BenchmarkShortLivedProcesses(b *testing.B) {
	run := func(n int) time.Duration {
		began := crowd.CPUTime(b)
		for range n {
			if err := exec.Command("/bin/true", "--an-argument").Run(); err != nil {
				b.Fatal(err)
			}
		}
		return crowd.CPUTime(b) - began
	}
	const apart = 100 // processes; the two kinds take turns
	var with, without time.Duration
	var ours, known, identified int
	for b.Loop() {
		without += run(apart)
		w := watch(b, events.Options{})
		with += run(apart)
		list, _ := w.Between(0, w.Now())
		for i := range list {
			if e := &list[i]; e.Kind == procmon.Ended && e.Cmdline.Value == "/bin/true --an-argument" {
				known++
			}
		}
		s := w.Stats()
		ours += int(s.Ends)
		identified += int(s.Starts)
		w.Close()
	}
	perOp := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.N*apart) }
	b.ReportMetric(perOp(with), "cpu-µs/process")
	b.ReportMetric(perOp(without), "starting-µs/process")
	b.ReportMetric(perOp(with-without), "recording-µs/process")
	b.ReportMetric(100*float64(known)/float64(b.N*apart), "%-with-command-line")
	_ = ours
}
