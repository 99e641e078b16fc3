package block_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
	"github.com/procmon/procmon/storage/internal/odd"
	"github.com/procmon/procmon/test/workload"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newCompressor(t testing.TB) *block.Compressor {
	t.Helper()
	z, err := block.NewCompressor(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(z.Close)
	return z
}

// build returns the block of records, and those that it took in.
func build(t testing.TB, z *block.Compressor, records []procmon.Record) []byte {
	t.Helper()
	b := block.NewBuilder()
	for _, r := range records {
		if _, err := b.Add(nil, r); err != nil {
			t.Fatal(err)
		}
	}
	return b.Encode(z)
}

// sameBits compares floats bit for bit; everything else as cmp does.
var sameBits = cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })

// history returns random records of one host, each somehow like the one before.
func history(seed uint64, n int) []procmon.Record {
	s := odd.New(seed)
	r := s.Record()
	at := time.Unix(0, 1795305600e9+int64(seed)).UTC()
	var records []procmon.Record
	for i := range n {
		r = s.Successor(r)
		if seed%7 == 0 && i%5 == 4 {
			r = s.Record() // nothing in common
		}
		snapshot := *r.Snapshot
		at = at.Add(time.Duration(1 + seed*uint64(i)*12345678%60e9))
		snapshot.Timestamp = at
		seen := map[uint32]bool{}
		snapshot.Processes = slices.DeleteFunc(slices.Clone(snapshot.Processes), func(p procmon.Process) bool {
			twice := seen[p.PID]
			seen[p.PID] = true
			return twice
		})
		if seed%3 == 0 {
			slices.SortFunc(snapshot.Processes, func(a, b procmon.Process) int { return int(int64(a.PID) - int64(b.PID)) })
		}
		r.Snapshot = &snapshot
		records = append(records, r)
	}
	return records
}

func TestRoundTrip(t *testing.T) {
	z := newCompressor(t)
	for seed := range uint64(50) {
		records := history(seed, 1+int(seed%40))
		b, err := block.Open(build(t, z, records), z)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(b.Times()) != len(records) {
			t.Fatalf("seed %d: %d times of %d snapshots", seed, len(b.Times()), len(records))
		}
		for i, want := range records {
			got, err := b.Snapshot(i)
			if err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, i, err)
			}
			if diff := cmp.Diff(want, got, sameBits); diff != "" {
				t.Fatalf("seed %d, step %d (-want +got):\n%s", seed, i, diff)
			}
		}
	}
}

func TestWorkload(t *testing.T) {
	z := newCompressor(t)
	h := workload.New(3, 1)
	h.JitterMillis = 40
	var records []procmon.Record
	for range 240 {
		records = append(records, h.Record())
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
		if diff := cmp.Diff(want, got, sameBits); diff != "" {
			t.Fatalf("step %d (-want +got):\n%s", i, diff)
		}
	}
}

// TestTextsThatAreGivenAgain gives the very same texts again in ways that could be taken for the
// process as it was before.
func TestTextsThatAreGivenAgain(t *testing.T) {
	const text = "C:\\Program Files\\Vendor\\agent.exe --serve"
	known, hidden := procmon.Some(text), procmon.Opt[string]{Value: text} // the second is not known
	processes := []procmon.Process{
		{PID: 1, Name: text, Cmdline: known},
		{PID: 1, Name: text, Cmdline: hidden},
		{PID: 1, Name: text, Cmdline: known},
		{PID: 1, Name: text[:5], Cmdline: procmon.Some(text[:5])},
		{PID: 2, Name: text},
		{PID: 1, Name: text, Cmdline: known, Exe: known},
		{PID: 1, Name: text, Username: known},
	}
	var records []procmon.Record
	for i, p := range processes {
		records = append(records, procmon.Record{Host: "a", Snapshot: &procmon.Snapshot{
			Hostname: "a", Timestamp: time.Unix(int64(i), 0).UTC(), Processes: []procmon.Process{p},
		}})
	}
	z := newCompressor(t)
	b, err := block.Open(build(t, z, records), z)
	if err != nil {
		t.Fatal(err)
	}
	processes[1].Cmdline.Value = ""
	for i, want := range processes {
		got, err := b.Snapshot(i)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]procmon.Process{want}, got.Snapshot.Processes); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}
}
