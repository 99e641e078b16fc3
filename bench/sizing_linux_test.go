package bench_test

import (
	"fmt"
	"testing"

	"github.com/procmon/procmon/test/workload"
)

// BenchmarkSizing has procmon keep 24 hours of two hosts that are asked every 15, 30 or 60
// seconds. One op is all of it; MB/host-day is what the closed store takes of the disk.
func BenchmarkSizing(b *testing.B) {
	const hosts = 2
	for _, every := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("each=%ds", every*workload.Step), func(b *testing.B) {
			for b.Loop() {
				r := newRun(b, hosts, func(dir string) history { return openProcmon(b, dir) })
				r.every = every
				r.feed(b, 4*workload.Ticks)
				must(b, r.settle(b.Context()))
				must(b, r.close())
				all, _, err := r.disk()
				must(b, err)
				b.ReportMetric(float64(all)/float64(r.processes), "B/process-sample")
				b.ReportMetric(float64(all)/hosts/1e6, "MB/host-day")
				r.end(b)
			}
		})
	}
}
