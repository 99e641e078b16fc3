package block_test

import (
	"testing"

	"github.com/procmon/procmon"

	"github.com/procmon/procmon/storage/internal/block"
	"github.com/procmon/procmon/test/workload"
)

func BenchmarkSnapshot(b *testing.B) {
	z, _ := block.NewCompressor(1)
	h := workload.New(1, 0)
	h.JitterMillis = 40
	w := block.NewBuilder()
	for range 480 {
		w.Add(nil, h.Record())
	}
	v := w.Encode(z)
	b.Run("cold", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			bl, _ := block.Open(v, z)
			if _, err := bl.Snapshot(i % 480); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("warm", func(b *testing.B) {
		b.ReportAllocs()
		bl, _ := block.Open(v, z)
		for i := 0; b.Loop(); i++ {
			if _, err := bl.Snapshot(i % 480); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	z, _ := block.NewCompressor(1)
	h := workload.New(1, 0)
	h.JitterMillis = 40
	var rs []procmon.Record
	for range 480 {
		rs = append(rs, h.Record())
	}
	w := block.NewBuilder()
	n, raw, packed := 0, 0, 0
	var buf, buf2 []byte
	for i := 0; b.Loop(); i++ {
		if i%480 == 0 {
			w = block.NewBuilder()
		}
		buf, _ = w.Add(buf[:0], rs[i%480])
		if i%480 > 0 {
			n++
			raw += len(buf)
			buf2 = block.Compress(z, buf2[:0], buf)
			packed += len(buf2)
		}
	}
	b.ReportMetric(float64(raw)/float64(n), "raw")
	b.ReportMetric(float64(packed)/float64(n), "packed")
}
