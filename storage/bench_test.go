//go:build unix

package storage_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/storage/internal/workload"
)

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkAppend stores snapshots of 250 processes; one op is one snapshot, and so many
// hosts append at a time. The CPU is that of the whole process until the store is closed,
// compaction included; the disk space is that of the closed store.
func BenchmarkAppend(b *testing.B) {
	for _, hosts := range []int{1, 20, 200} {
		b.Run(fmt.Sprintf("hosts=%d", hosts), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "data")
			s, err := storage.Open(dir, storage.Options{})
			if err != nil {
				b.Fatal(err)
			}
			records := rounds(hosts)
			before := cpuTime(b)
			b.ResetTimer()
			for done := 0; done < b.N; done += hosts {
				var wg sync.WaitGroup
				for i := range min(hosts, b.N-done) {
					r := records[(done+i)%len(records)]
					// The snapshots come again, later.
					later := *r.Snapshot
					later.Timestamp = later.Timestamp.Add(time.Duration(done/len(records)) * time.Hour)
					r.Snapshot = &later
					wg.Go(func() {
						if err := s.Append(b.Context(), r); err != nil {
							b.Error(err)
						}
					})
				}
				wg.Wait()
			}
			b.StopTimer()
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/1e3/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(allocated(b, dir))/float64(b.N*workload.Slots), "B/process-sample")
		})
	}
}

// rounds returns some snapshots of each host, in the order in which they are made.
func rounds(hosts int) (records []procmon.Record) {
	fleet := make([]*workload.Host, hosts)
	for i := range fleet {
		fleet[i] = workload.New(1, i)
		fleet[i].JitterMillis = 40
	}
	for range max(1, 400/hosts) {
		for _, h := range fleet {
			records = append(records, h.Record())
		}
	}
	return records
}

// BenchmarkAt reads one snapshot of 250 processes and the one before it; one op is one
// such view, at some instant of six hours.
func BenchmarkAt(b *testing.B) {
	s, err := storage.Open(filepath.Join(b.TempDir(), "data"), storage.Options{})
	if err != nil {
		b.Fatal(err)
	}
	h := workload.New(1, 0)
	for range workload.Ticks {
		if err := s.Append(b.Context(), h.Record()); err != nil {
			b.Fatal(err)
		}
	}
	i := 0
	for b.Loop() {
		i = (i + 997) % workload.Ticks
		at := time.Unix(workload.Base+int64(i)*workload.Step, 0)
		if _, err := s.At(b.Context(), h.Name, at); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
