//go:build unix

package storage_test

import (
	"testing"
	"time"

	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
)

// sixHours is how long most histories are that are measured, in steps.
const sixHours = workload.Ticks

// BenchmarkSpace keeps hours of four hosts. One op is all of them; it reports the disk space of
// the closed store, everything counted, for each process in each snapshot, and the CPU of each
// snapshot from Open to Close, syncs, blocks and compaction included.
func BenchmarkSpace(b *testing.B) {
	for _, test := range []struct {
		name  string
		seed  uint64
		ticks int
		shape workload.Shape
	}{
		{"fleet", 1, sixHours, workload.Shape{}},
		{"seed=2", 2, sixHours, workload.Shape{}},
		{"seed=99991", 99991, sixHours, workload.Shape{}},
		{"processes=2000", 1, sixHours / 3, workload.Shape{Processes: 2000}},
		{"busy", 1, sixHours / 3, workload.Shape{Busy: true}},
		{"new-every-minute", 1, sixHours / 3, workload.Shape{Replaced: 4}},
		{"names=1B", 1, sixHours / 3, workload.Shape{NameBytes: 1}},
		{"names=8kB", 1, sixHours / 3, workload.Shape{NameBytes: 8 << 10}},
	} {
		b.Run(test.name, func(b *testing.B) {
			for b.Loop() {
				s := simulate(b, test.seed, 4, test.shape)
				s.run(test.ticks, nil)
				s.rest()
				s.close()
				b.ReportMetric(float64(allocated(b, s.dir))/float64(s.processes), "B/process-sample")
				b.ReportMetric(millis(s.used)/float64(s.appended), "cpu-ms/snapshot")
			}
		})
	}
}

// BenchmarkSpaceWhileRunning has twenty hosts run for 24 hours, of which all is kept, or six
// hours. One op is all of that; it reports how much disk space there was at most beyond 1.6
// bytes for each process in each snapshot that is kept, how much that was of each, beyond 50
// MB, and what the closed store takes.
func BenchmarkSpaceWhileRunning(b *testing.B) {
	const hosts, day = 20, 4 * sixHours
	for _, test := range []struct {
		name   string
		option testOption
		kept   int // steps
	}{
		{"all", func(*storage.Options) {}, day},
		{"six-hours", func(o *storage.Options) { o.Retention = 6 * time.Hour }, sixHours},
	} {
		b.Run(test.name, func(b *testing.B) {
			for b.Loop() {
				s := simulate(b, 1, hosts, workload.Shape{}, test.option)
				beyond, most := 0.0, int64(0)
				s.run(day, func() {
					if s.tick%10 != 0 {
						return
					}
					disk := allocated(b, s.dir)
					kept := min(s.tick, test.kept) * hosts * workload.Slots
					beyond, most = max(beyond, float64(disk)-1.6*float64(kept)), max(most, disk)
				})
				kept := float64(test.kept * hosts * workload.Slots)
				b.ReportMetric(beyond/1e6, "MB-beyond-1.6-B/process-sample")
				b.ReportMetric(float64(most)/1e6, "MB-peak")
				b.ReportMetric((float64(most)-50e6)/kept, "B/process-sample-beyond-50-MB")
				s.rest()
				s.close()
				b.ReportMetric(float64(allocated(b, s.dir))/kept, "B/process-sample-closed")
				b.ReportMetric(millis(s.used)/float64(s.appended), "cpu-ms/snapshot")
			}
		})
	}
}
