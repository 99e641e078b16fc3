//go:build unix

package storage_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
)

// slotTicks is how many snapshots of a host there are in five minutes, which the first of
// them is the base of.
const slotTicks = 5 * 60 / workload.Step

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
	for _, hosts := range []int{1, 20, 100} {
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

// BenchmarkAppendSteadily has a hundred hosts append every second, one after the other, as a
// server does that scrapes each at an offset of its own; one op is one snapshot of 250
// processes. What counts is the CPU, that of Open and Close is in it.
func BenchmarkAppendSteadily(b *testing.B) {
	const hosts = 100
	s, err := storage.Open(filepath.Join(b.TempDir(), "data"), storage.Options{})
	if err != nil {
		b.Fatal(err)
	}
	records := rounds(hosts)
	before := cpuTime(b)
	b.ResetTimer()
	tick := time.NewTicker(time.Second / hosts)
	defer tick.Stop()
	var wg sync.WaitGroup
	for i := range b.N {
		<-tick.C
		wg.Go(func() {
			if err := s.Append(b.Context(), records[i%len(records)]); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/1e3/float64(b.N), "cpu-ms/op")
}

// BenchmarkMemory fills the memory of a store that knows many hosts of 250 processes each; one op
// is one such fleet. It reports what a host takes while its slot lasts, and afterwards.
func BenchmarkMemory(b *testing.B) {
	const hosts = 500
	for b.Loop() {
		var now atomic.Int64
		now.Store(workload.Base)
		clock := func() time.Time { return time.Unix(now.Load(), 0) }
		before := heap()
		s, err := storage.Open(filepath.Join(b.TempDir(), "data"), storage.Options{Clock: clock})
		if err != nil {
			b.Fatal(err)
		}
		empty := heap()
		for i := 0; i < hosts; i += 50 {
			var wg sync.WaitGroup
			for j := range 50 {
				wg.Go(func() {
					if err := s.Append(b.Context(), delivered(b, workload.New(1, i+j).Record())); err != nil {
						b.Error(err)
					}
				})
			}
			wg.Wait()
		}
		full := heap()
		now.Add(600)
		if err := s.Expire(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric((empty-before)/(1<<20), "MiB-empty")
		b.ReportMetric((full-empty)/hosts/(1<<10), "KiB/host")
		b.ReportMetric((heap()-empty)/hosts/(1<<10), "KiB/host-later")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// delivered returns r as it is when it comes as JSON.
func delivered(b *testing.B, r procmon.Record) procmon.Record {
	var e jx.Encoder
	r.Snapshot.Encode(&e)
	s, err := procmon.Decode(e.Bytes())
	if err != nil {
		b.Error(err)
	}
	r.Snapshot = s
	return r
}

func heap() float64 {
	runtime.GC()
	runtime.GC() // what was in pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// rounds returns some snapshots of each host, in the order in which they are made.
func rounds(hosts int) (records []procmon.Record) {
	fleet := make([]*workload.Host, hosts)
	for i := range fleet {
		fleet[i] = workload.New(1, i)
		fleet[i].JitterMillis = 40
	}
	for range max(slotTicks, 400/hosts) {
		for _, h := range fleet {
			records = append(records, h.Record())
		}
	}
	return records
}

// sixHours appends six hours of four hosts with 250 processes each, as they come: one host after
// the other at each instant.
func sixHours(b *testing.B, s *storage.Store) {
	b.Helper()
	for i := range 4 {
		h := workload.New(1, i)
		h.JitterMillis = 40
		records := make([]procmon.Record, workload.Ticks)
		for i := range records {
			records[i] = h.Record()
		}
		// Of each five minutes the first, and then the others, of which it is the base, at once.
		for slot := range slices.Chunk(records, slotTicks) {
			for _, part := range [][]procmon.Record{slot[:1], slot[1:]} {
				var wg sync.WaitGroup
				for _, r := range part {
					wg.Go(func() {
						if err := s.Append(b.Context(), r); err != nil {
							b.Error(err)
						}
					})
				}
				wg.Wait()
			}
		}
	}
}

// BenchmarkHistory keeps six hours of four hosts with 250 processes each. One op is all of that; it
// reports the disk space of the closed store for each process in each snapshot, before and
// after blocks are made, and the CPU of making them for each snapshot.
func BenchmarkHistory(b *testing.B) {
	for b.Loop() {
		dir := filepath.Join(b.TempDir(), "data")
		clock := func() time.Time { return time.Unix(workload.Base, 0).Add(24 * time.Hour) }
		open := func() *storage.Store {
			s, err := storage.Open(dir, storage.Options{Clock: clock})
			if err != nil {
				b.Fatal(err)
			}
			return s
		}
		const snapshots = 4 * workload.Ticks
		s := open()
		sixHours(b, s)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(allocated(b, dir))/(snapshots*workload.Slots), "B/process-sample-before")
		s = open()
		before := cpuTime(b)
		if err := s.Seal(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/snapshots, "us/snapshot")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(allocated(b, dir))/(snapshots*workload.Slots), "B/process-sample")
	}
}

// BenchmarkAt reads one snapshot of 250 processes and the one before it, at some instant of six
// hours; one op is one such view.
func BenchmarkAt(b *testing.B) {
	for _, sealed := range []bool{false, true} {
		b.Run(fmt.Sprintf("blocks=%t", sealed), func(b *testing.B) {
			clock := func() time.Time { return time.Unix(workload.Base, 0).Add(24 * time.Hour) }
			s, err := storage.Open(filepath.Join(b.TempDir(), "data"), storage.Options{Clock: clock})
			if err != nil {
				b.Fatal(err)
			}
			sixHours(b, s)
			if sealed {
				if err := s.Seal(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			host := workload.New(1, 0).Name
			i := 0
			for b.Loop() {
				i = (i + 997) % workload.Ticks
				at := time.Unix(workload.Base+int64(i)*workload.Step, int64(time.Second)/2)
				if _, err := s.At(b.Context(), host, at); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
