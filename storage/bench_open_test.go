//go:build unix

package storage_test

import (
	"testing"
	"time"

	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
)

// BenchmarkOpen opens a store with the history of 100 hosts over some days, of which each has
// that of one of four. One op is one opening; it reports what it takes for each GB of history.
func BenchmarkOpen(b *testing.B) {
	for _, test := range []struct {
		name string
		days int
	}{{"1-day", 1}, {"4-days", 4}} {
		b.Run(test.name, func(b *testing.B) {
			s := simulate(b, 1, 0, workload.Shape{})
			histories := make([]*workload.Host, 4)
			for i := range histories {
				histories[i] = workload.New(1, i)
				histories[i].JitterMillis = 40
			}
			s.clock.set(time.Unix(workload.Base, 0).Add(time.Duration(test.days) * 24 * time.Hour))
			storage.Fill(b, s.store, 100, histories, test.days*4*sixHours)
			s.close()
			size := float64(allocated(b, s.dir)) / 1e9
			b.ResetTimer()
			for b.Loop() {
				s.open()
				b.StopTimer()
				hosts, err := s.store.Hosts(b.Context())
				must(b, err)
				if len(hosts) == 0 {
					b.Fatal("no host is known")
				}
				s.close()
				b.StartTimer()
			}
			b.ReportMetric(size, "GB")
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/size, "s/GB")
		})
	}
}
