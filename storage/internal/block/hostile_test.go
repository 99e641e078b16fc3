package block_test

import (
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
)

// TestEveryFlippedBitIsNoticed, and every byte that is missing.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	z := newCompressor(t)
	records := history(5, 6)
	value := build(t, z, records)
	readAll := func(value []byte) ([]procmon.Record, error) {
		b, err := block.Open(value, z)
		if err != nil {
			return nil, err
		}
		var all []procmon.Record
		for i := range b.Times() {
			r, err := b.Snapshot(i)
			if err != nil {
				return nil, err
			}
			all = append(all, r)
		}
		return all, nil
	}
	all, err := readAll(value)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(records, all, sameBits); diff != "" {
		t.Fatal(diff)
	}
	for i := range len(value) * 8 {
		flipped := slices.Clone(value)
		flipped[i/8] ^= 1 << (i % 8)
		if _, err := readAll(flipped); err == nil {
			t.Fatalf("bit %d of %d is not noticed", i, len(value)*8)
		}
	}
	for n := range value {
		if _, err := readAll(value[:n]); err == nil {
			t.Fatalf("%d of %d bytes are a block", n, len(value))
		}
	}
}

// FuzzSections puts any bytes into one section of a block, with the checksums that fit.
func FuzzSections(f *testing.F) {
	z := newCompressor(f)
	value := build(f, z, history(5, 6))
	sections := block.Sections(f, value, z)
	for i, data := range sections {
		f.Add(byte(i), data)
	}
	f.Fuzz(func(t *testing.T, i byte, data []byte) {
		parts := slices.Clone(sections)
		parts[int(i)%len(parts)] = data
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if b, err := block.Open(block.Seal(parts, z), z); err == nil {
			for _, step := range []int{0, len(b.Times()) / 2, len(b.Times()) - 1} {
				_, _ = b.Snapshot(step)
			}
		}
		runtime.ReadMemStats(&after)
		if most := uint64(16<<20 + 2000*len(data)); after.TotalAlloc-before.TotalAlloc > most {
			t.Errorf("%d bytes made it allocate %d", len(data), after.TotalAlloc-before.TotalAlloc)
		}
	})
}

func TestBuilderRefuses(t *testing.T) {
	good := history(3, 2)
	b := block.NewBuilder()
	for _, r := range good {
		if _, err := b.Add(nil, r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Add(nil, good[1]); err == nil {
		t.Error("the same time twice is taken")
	}
	twice := good[1]
	snapshot := *twice.Snapshot
	snapshot.Timestamp = snapshot.Timestamp.Add(1)
	snapshot.Processes = []procmon.Process{{PID: 2}, {PID: 1}, {PID: 2}}
	twice.Snapshot = &snapshot
	if _, err := b.Add(nil, twice); err == nil {
		t.Error("a pid that is there twice is taken")
	}
	if b.Len() != 2 {
		t.Errorf("%d snapshots", b.Len())
	}
}

// TestSameProcessAgain: one that comes back after another one had its pid is the same row.
func TestSameProcessAgain(t *testing.T) {
	first, second := block.NewBuilder(), block.NewBuilder()
	start := time.Unix(1e9, 0).UTC()
	for i, starts := range []time.Duration{0, 1, 0, 1, 2, 0} {
		r := procmon.Record{Host: "a", Snapshot: &procmon.Snapshot{
			Timestamp: start.Add(time.Duration(i) * time.Second),
			Processes: []procmon.Process{{PID: 7, Name: "p", StartTime: procmon.Some(start.Add(starts))}},
		}}
		step, err := first.Add(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 { // what Add does after Replay is the same
			err = second.Replay(step)
		} else {
			_, err = second.Add(nil, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range []*block.Builder{first, second} {
		if rows, err := b.Rows(); err != nil || len(rows) != 3 {
			t.Errorf("%d rows, %v; want 3", len(rows), err)
		}
	}
}

// TestExtremes are values at the ends of what a column can hold.
func TestExtremes(t *testing.T) {
	z := newCompressor(t)
	var records []procmon.Record
	for i, v := range []uint64{0, math.MaxUint64, 1, math.MaxUint64 - 1, 1 << 63, 0, 1<<63 - 1, 5} {
		r := history(3, 1)[0]
		snapshot := *r.Snapshot
		snapshot.Timestamp = snapshot.Timestamp.Add(1 << i)
		snapshot.Processes = []procmon.Process{{
			PID: math.MaxUint32, ReadBytes: procmon.Some(v), WorkingSetBytes: procmon.Some(v), CPUSeconds: procmon.Some(math.Float64frombits(v)),
			CPU: procmon.Some(float64(v)), Memory: procmon.Some(float64(v)), Threads: procmon.Some(uint32(v)), StartTime: procmon.Some(snapshot.Timestamp.Add(-1 << 40)),
		}}
		if i > 0 {
			snapshot.Processes[0].StartTime = records[0].Snapshot.Processes[0].StartTime
		}
		r.Snapshot = &snapshot
		records = append(records, r)
	}
	b, err := block.Open(build(t, z, records), z)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range records {
		got, err := b.Snapshot(i)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, sameBits, cmp.Comparer(func(a, b procmon.Opt[float64]) bool {
			return a.Known == b.Known && math.Float64bits(a.Value) == math.Float64bits(b.Value)
		})); diff != "" {
			t.Fatalf("step %d (-want +got):\n%s", i, diff)
		}
	}
}
