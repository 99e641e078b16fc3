package procmon_test

import (
	"testing"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/test/workload"
)

// BenchmarkDecode reads a snapshot of 250 processes with all their facts; one op is one snapshot.
func BenchmarkDecode(b *testing.B) {
	data := encode(workload.New(1, 0).Snapshot())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := procmon.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncode writes a snapshot of 250 processes; one op is one snapshot.
func BenchmarkEncode(b *testing.B) {
	s := workload.New(1, 0).Snapshot()
	var e jx.Encoder
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
		s.Encode(&e)
	}
	b.SetBytes(int64(len(e.Bytes())))
}

// BenchmarkCPUPercent derives the CPU use of 250 processes; one op is one snapshot.
func BenchmarkCPUPercent(b *testing.B) {
	host := workload.New(1, 0)
	previous, s := host.Snapshot().Counters(), host.Snapshot()
	b.ReportAllocs()
	for b.Loop() {
		procmon.CPUPercent(previous, s)
	}
}
