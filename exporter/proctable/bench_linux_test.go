package proctable_test

import (
	"testing"
	"time"

	"github.com/procmon/procmon/exporter/internal/crowd"
	"github.com/procmon/procmon/exporter/proctable"
)

// BenchmarkRead reads a table of at least 1,000 idle processes. One op is one reading of
// all of them. cpu-ms/op is its CPU time; the same run measures, in turns, the bare loop
// over the same processes (floor-ms/op) and gopsutil with cached static facts
// (gopsutil-ms/op).
func BenchmarkRead(b *testing.B) {
	youngest := crowd.Spawn(b, 1000)[999]
	table, err := proctable.Open(proctable.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer table.Close()
	var rows proctable.Rows
	read := func() {
		if err := table.Read(&rows); err != nil {
			b.Fatal(err)
		}
	}
	eventually(b, table, int(youngest), "settled", settled)
	floor, peer := crowd.NewFloor(b), crowd.Peer{}
	peer.Read(b)
	read()

	var ours, least, theirs time.Duration
	measure := func(sum *time.Duration, f func()) {
		start := crowd.CPUTime(b)
		f()
		*sum += crowd.CPUTime(b) - start
	}
	b.ReportAllocs()
	for b.Loop() {
		measure(&ours, read)
		b.StopTimer()
		measure(&least, floor.Read)
		measure(&theirs, func() { peer.Read(b) })
		b.StartTimer()
	}
	perOp := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(b.N) }
	b.ReportMetric(perOp(ours), "cpu-ms/op")
	b.ReportMetric(perOp(least), "floor-ms/op")
	b.ReportMetric(perOp(theirs), "gopsutil-ms/op")
	b.ReportMetric(float64(ours)/float64(least), "x-floor")
	b.ReportMetric(float64(ours)/float64(theirs), "x-gopsutil")
	b.ReportMetric(float64(len(rows.Processes)), "processes")
}
