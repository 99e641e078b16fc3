package codec_test

import (
	"encoding/json"
	"testing"

	"github.com/go-faster/jx"
	"github.com/klauspost/compress/zstd"

	"github.com/procmon/procmon/storage/internal/codec"
	"github.com/procmon/procmon/storage/internal/workload"
)

var _ = json.Marshal

func BenchmarkEncode(b *testing.B) {
	c, _ := codec.New()
	r := workload.New(1, 0).Record()
	var buf []byte
	var err error
	for b.Loop() {
		buf, err = c.Encode(buf[:0], r)
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(buf))/workload.Slots, "B/process")
}

func BenchmarkDecode(b *testing.B) {
	c, _ := codec.New()
	r := workload.New(1, 0).Record()
	buf, _ := c.Encode(nil, r)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	for _, l := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault} {
		b.Run(l.String(), func(b *testing.B) {
			zw, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(l), zstd.WithWindowSize(1<<20))
			r := workload.New(1, 0).Record()
			var buf []byte
			var e jx.Encoder
			for b.Loop() {
				e.Reset()
				r.Snapshot.Encode(&e)
				buf = zw.EncodeAll(e.Bytes(), buf[:0])
			}
			b.ReportMetric(float64(len(buf))/workload.Slots, "B/process")
		})
	}
}
