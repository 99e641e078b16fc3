//go:build unix

package storage_test

import (
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
)

// BenchmarkOpen opens a store with the history of 100 hosts, of which each has that of one of
// four, and with steps of each host after it that are in no block yet. One op is one opening.
// ms/GB is what the larger history takes longer than that of a day, for each GB of it, and
// us/step is what more steps take longer, for each of them. So that of 500 hosts with 50 GB,
// stopped an hour after their last block, is
//
//	5 × 1-day + 50 × ms/GB + 500 × 240 × us/step
func BenchmarkOpen(b *testing.B) {
	const hosts = 100
	type figures struct{ seconds, size, steps float64 }
	var day figures
	for _, test := range []struct {
		name        string
		days, steps int
	}{{"1-day", 1, 4}, {"8-days", 8, 4}, {"1-day-1-hour-open", 1, 240}} {
		b.Run(test.name, func(b *testing.B) {
			s := simulate(b, 1, hosts, workload.Shape{})
			s.fill(test.days, test.steps)
			got := figures{size: float64(allocated(b, s.dir)) / 1e9, steps: float64(hosts * test.steps)}
			s.reopen(func() {})
			got.seconds = b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(got.size, "GB")
			switch {
			case day == figures{}:
				day = got
			case test.days > 1:
				b.ReportMetric(1e3*(got.seconds-day.seconds)/(got.size-day.size), "ms/GB")
			default:
				b.ReportMetric(1e6*(got.seconds-day.seconds)/(got.steps-day.steps), "us/step")
			}
		})
	}
}

// reopen opens a store again and again, each time after before, and times the opening alone.
func (s *simulation) reopen(before func()) {
	s.b.Helper()
	s.b.ResetTimer()
	for s.b.Loop() {
		s.b.StopTimer()
		before()
		s.b.StartTimer()
		s.open()
		s.b.StopTimer()
		known, err := s.store.Hosts(s.b.Context())
		must(s.b, err)
		if len(known) != len(s.hosts) {
			s.b.Fatalf("%d hosts are known", len(known))
		}
		s.close()
		s.b.StartTimer()
	}
}

// fill gives a store the history of days in blocks and steps after them, and closes it.
func (s *simulation) fill(days, steps int) {
	s.b.Helper()
	histories := make([]*workload.Host, 4)
	for i := range histories {
		histories[i] = workload.New(1, i)
		histories[i].JitterMillis = 40
	}
	now := time.Unix(workload.Base, 0).Add(time.Duration(days) * 24 * time.Hour)
	s.clock.set(now)
	storage.Fill(s.b, s.store, len(s.hosts), histories, days*4*sixHours)
	for range steps {
		now = now.Add(workload.Step * time.Second)
		s.clock.set(now)
		records := make([]procmon.Record, len(s.hosts))
		for i, h := range s.hosts {
			records[i] = h.Record()
			records[i].Snapshot.Timestamp = now
		}
		s.append(records)
	}
	s.close()
}
