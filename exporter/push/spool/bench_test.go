package spool_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/go-faster/jx"
	"github.com/klauspost/compress/zstd"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/push/spool"
	"github.com/procmon/procmon/test/workload"
)

// minutes returns snapshots, a minute apart, of a host with so many times 250 processes.
func minutes(n, hosts int) (out [][]byte) {
	all := make([]*workload.Host, hosts)
	for i := range all {
		all[i] = workload.New(7, i)
	}
	for range n {
		var one *procmon.Snapshot
		for _, h := range all {
			for range 60/workload.Step - 1 {
				h.Next()
			}
			if s := h.Snapshot(); one == nil {
				one = s
			} else {
				one.Processes = append(one.Processes, s.Processes...)
			}
		}
		var e jx.Encoder
		one.Encode(&e)
		out = append(out, bytes.Clone(e.Bytes()))
	}
	return out
}

// TestHoldsADay says that the default size holds a day of a host with 1,000 processes.
func TestHoldsADay(t *testing.T) {
	s := open(t, spool.Options{Path: directory(t)})
	const some = 64
	for _, json := range minutes(some, 4) {
		if err := s.Put(json); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Stats().Bytes / some * 24 * 60; got > spool.DefaultMaxSize/2 {
		t.Errorf("a day takes %d bytes", got)
	}
}

// TestMemoryIsBounded says that memory does not grow with what is in the spool.
func TestMemoryIsBounded(t *testing.T) {
	s := open(t, spool.Options{Path: directory(t)})
	all := minutes(17, 4)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	fill := func(n int) uint64 {
		for i := range n {
			if err := s.Put(all[i%len(all)]); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok := s.Oldest(nil); !ok {
			t.Fatal("nothing waits")
		}
		return heap() - before
	}
	few, many := fill(20), fill(150)
	runtime.KeepAlive(all)
	t.Logf("%d KiB with 20 snapshots, %d KiB with 170", few>>10, many>>10)
	if most := uint64(8 << 20); many > most || many > few+512<<10 {
		t.Errorf("it holds %d bytes with 20 snapshots and %d with 170; %d are allowed", few, many, most)
	}
}

// BenchmarkPut puts one snapshot: compressing, writing and syncing.
func BenchmarkPut(b *testing.B) {
	for _, hosts := range []int{1, 4, 40} {
		b.Run(fmt.Sprint(hosts*250, " processes"), func(b *testing.B) {
			all := minutes(32, hosts)
			z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
			if err != nil {
				b.Fatal(err)
			}
			for _, where := range []string{"disk", "memory"} {
				b.Run(where, func(b *testing.B) {
					o := spool.Options{}
					if where == "disk" {
						o.Path = directory(b)
					}
					s := open(b, o)
					bytes, n := int64(0), int64(0)
					b.ReportAllocs()
					for b.Loop() {
						before := s.Stats().Bytes
						if err := s.Put(all[int(n)%len(all)]); err != nil {
							b.Fatal(err)
						}
						if after := s.Stats().Bytes; after > before {
							bytes, n = bytes+after-before, n+1
						}
					}
					b.ReportMetric(float64(bytes)/float64(max(n, 1)), "B/snapshot")
					b.ReportMetric(float64(len(z.EncodeAll(all[5], nil))), "B/alone")
				})
			}
		})
	}
}

// BenchmarkTake takes one snapshot out.
func BenchmarkTake(b *testing.B) {
	s := open(b, spool.Options{Path: directory(b)})
	all := minutes(32, 4)
	var buffer []byte
	for b.Loop() {
		e, ok := s.Oldest(buffer[:0])
		if !ok {
			b.StopTimer()
			for _, json := range all {
				if err := s.Put(json); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
			e, _ = s.Oldest(buffer[:0])
		}
		buffer = e.JSON
		s.Done(e)
	}
	b.ReportMetric(1, "snapshots/op")
}
