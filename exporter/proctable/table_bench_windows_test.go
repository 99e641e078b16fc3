package proctable_test

import (
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"github.com/procmon/procmon/exporter/proctable"
)

// BenchmarkReadBesideGopsutil reads a table of at least 200 processes, most of which are
// children of the benchmark. One op is one reading of what has been read before. In turns with
// it gopsutil reads name, parent, times, memory, command line and user of the same processes
// (gopsutil-ms/op), and again through objects that remember name and parent (gopsutil-kept-ms/op).
// That it makes sure of each pid first, which takes long under Wine, is not counted.
func BenchmarkReadBesideGopsutil(b *testing.B) {
	const children = 200
	for range children {
		startChild(b)
	}
	table := openTable(b)
	var rows proctable.Rows
	read := func() {
		if err := table.Read(&rows); err != nil {
			b.Fatal(err)
		}
	}
	for began := time.Now(); time.Since(began) < 3*time.Second; {
		read() // they settle
	}
	measure := func(sum *time.Duration, f func()) {
		began := time.Now()
		f()
		*sum += time.Since(began)
	}
	list := func() (all []*process.Process) {
		for i := range rows.Processes {
			p := &process.Process{Pid: int32(rows.Processes[i].PID)}
			ask(p)
			all = append(all, p)
		}
		return all
	}
	kept := list() // the system has looked up the users' names from here on, as it has for us
	var ours, anew, again time.Duration
	for b.Loop() {
		measure(&ours, read)
		b.StopTimer()
		measure(&anew, func() { list() })
		measure(&again, func() {
			for _, p := range kept {
				ask(p)
			}
		})
		b.StartTimer()
	}
	if len(rows.Processes) < children || len(kept) < children {
		b.Fatalf("%d processes, gopsutil has %d", len(rows.Processes), len(kept))
	}
	threads := 0
	for i := range rows.Processes {
		threads += int(rows.Processes[i].Threads.Value)
	}
	milliseconds := func(d time.Duration, n int) float64 { return d.Seconds() * 1000 / float64(n) }
	b.ReportMetric(milliseconds(ours, b.N), "ms/op")
	b.ReportMetric(milliseconds(anew, b.N), "gopsutil-ms/op")
	b.ReportMetric(milliseconds(again, b.N), "gopsutil-kept-ms/op")
	b.ReportMetric(float64(anew)/float64(ours), "x-gopsutil")
	b.ReportMetric(float64(again)/float64(ours), "x-gopsutil-kept")
	b.ReportMetric(float64(len(rows.Processes)), "processes")
	b.ReportMetric(float64(threads), "threads")
}

// ask asks gopsutil for what a table has of a process at each reading. What it cannot tell
// costs it too.
func ask(p *process.Process) {
	_, _ = p.Name()
	_, _ = p.Ppid()
	_, _ = p.Times()
	_, _ = p.MemoryInfo()
	_, _ = p.Cmdline()
	_, _ = p.Username()
}
