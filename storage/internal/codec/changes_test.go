package codec_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/codec"
	"github.com/procmon/procmon/storage/internal/odd"
	"github.com/procmon/procmon/test/workload"
)

// store returns r as a base, as it was delivered and as it is read.
func store(t testing.TB, c *codec.Codec, r procmon.Record) (delivered, read *codec.Base) {
	t.Helper()
	value, err := c.Encode(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	read, err = c.DecodeBase(value)
	if err != nil {
		t.Fatal(err)
	}
	return codec.NewBase(r, value), read
}

func roundTripChanges(t *testing.T, c *codec.Codec, r, base procmon.Record) procmon.Record {
	t.Helper()
	delivered, read := store(t, c, base)
	value, err := c.EncodeChanges([]byte("before"), r, delivered)
	if err != nil {
		t.Fatal(err)
	}
	value = value[len("before"):]
	if at, ok := codec.BaseTime(value); !ok || at != base.Snapshot.Timestamp.UnixNano() {
		t.Fatalf("the base is of %d, %t; want %d", at, ok, base.Snapshot.Timestamp.UnixNano())
	}
	if err := c.CheckChanges(value); err != nil {
		t.Fatal(err)
	}
	got, err := c.DecodeChanges(value, read)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestChangesRoundTrip(t *testing.T) {
	c := newCodec(t)
	for seed := range uint64(400) {
		s := odd.New(seed)
		base := s.Record()
		want := s.Successor(base)
		if seed%10 == 0 {
			want = s.Record() // nothing in common
		}
		kept := roundTrip(t, c, base)
		got := roundTripChanges(t, c, want, base)
		if diff := cmp.Diff(want, got, sameBits); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
		// What was decoded is the reader's, who may even change it.
		for i := range got.Snapshot.Processes {
			got.Snapshot.Processes[i] = procmon.Process{}
		}
		got.Snapshot.System = procmon.System{}
		if diff := cmp.Diff(kept, base, sameBits); diff != "" {
			t.Fatalf("seed %d: the base was changed:\n%s", seed, diff)
		}
	}
}

// TestEveryChangeIsStored fails when a field is added to the domain and not to the codec, or
// when one that is not known any more is not forgotten.
func TestEveryChangeIsStored(t *testing.T) {
	c := newCodec(t)
	record := func(p procmon.Process, s procmon.System) procmon.Record {
		return procmon.Record{Snapshot: &procmon.Snapshot{Timestamp: time.Unix(0, 0).UTC(), System: s, Processes: []procmon.Process{p}}}
	}
	var cases [][2]procmon.Record
	for _, path := range fieldsOf(reflect.TypeFor[procmon.Process](), "") {
		var p procmon.Process
		set(reflect.ValueOf(&p).Elem().FieldByName(path))
		cases = append(cases, [2]procmon.Record{record(procmon.Process{}, procmon.System{}), record(p, procmon.System{})})
	}
	for _, path := range fieldsOf(reflect.TypeFor[procmon.System](), "") {
		var s procmon.System
		set(reflect.ValueOf(&s).Elem().FieldByName(path))
		cases = append(cases, [2]procmon.Record{record(procmon.Process{}, procmon.System{}), record(procmon.Process{}, s)})
	}
	for _, pair := range cases {
		for from := range pair {
			base, want := pair[from], pair[1-from]
			if diff := cmp.Diff(want, roundTripChanges(t, c, want, base), sameBits); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	}
}

// TestUnknownFactsOfAnyValue are stored as unknown, whatever stands behind them, and do not
// show through from the base.
func TestUnknownFactsOfAnyValue(t *testing.T) {
	c := newCodec(t)
	unknown := func(v float64) procmon.Record {
		return procmon.Record{Snapshot: &procmon.Snapshot{
			Timestamp: time.Unix(0, 0).UTC(),
			Processes: []procmon.Process{{PID: 1, CPU: procmon.Opt[float64]{Value: v}, Cmdline: procmon.Opt[string]{Value: "x"}}},
		}}
	}
	want := unknown(0)
	want.Snapshot.Processes[0].Cmdline.Value = ""
	for _, v := range []float64{0, 5} {
		if diff := cmp.Diff(want, roundTripChanges(t, c, unknown(v), unknown(5))); diff != "" {
			t.Errorf("%v (-want +got):\n%s", v, diff)
		}
	}
}

// TestTimesOfAnyForm come back as UTC, to the nanosecond.
func TestTimesOfAnyForm(t *testing.T) {
	c := newCodec(t)
	now := time.Now()
	booted := func(at time.Time) procmon.Record {
		return procmon.Record{Snapshot: &procmon.Snapshot{
			Timestamp: time.Unix(0, 0).UTC(),
			System:    procmon.System{BootTime: procmon.Some(at)},
		}}
	}
	local := now.Round(0).In(time.FixedZone("east", 3600))
	for _, pair := range [][2]time.Time{{now, now.Add(1)}, {now, local}, {local, now}} {
		got := roundTripChanges(t, c, booted(pair[1]), booted(pair[0]))
		want := booted(pair[1].Round(0).UTC())
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b time.Time) bool { return a == b })); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestChangesRefuseAnotherBase(t *testing.T) {
	c := newCodec(t)
	s := odd.New(1)
	base := s.Record()
	delivered, read := store(t, c, base)
	value, err := c.EncodeChanges(nil, s.Successor(base), delivered)
	if err != nil {
		t.Fatal(err)
	}
	later := *base.Snapshot
	later.Timestamp = later.Timestamp.Add(1)
	_, ofAnotherTime := store(t, c, procmon.Record{Snapshot: &later})
	_, ofTheSameTime := store(t, c, procmon.Record{Host: "other", Labels: base.Labels, Snapshot: base.Snapshot})
	for _, test := range []struct {
		name string
		base *codec.Base
		want string
	}{
		{"of another time", ofAnotherTime, "value with another base"},
		{"of the same time", ofTheSameTime, "at byte 4: the base is not the snapshot that this is stored as changes of"},
	} {
		if _, err := c.DecodeChanges(value, test.base); err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	if _, err := c.Decode(value); err == nil {
		t.Error("changes were read without their base")
	}
	if _, err := c.DecodeBase(value); err == nil {
		t.Error("changes were taken for a base")
	}
	whole, err := c.Encode(nil, base)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.DecodeChanges(whole, read); err == nil {
		t.Error("a whole snapshot was taken for changes")
	}
}

func TestEveryFlippedBitOfChangesIsNoticed(t *testing.T) {
	c := newCodec(t)
	s := odd.New(4)
	base := s.Record()
	delivered, read := store(t, c, base)
	want := s.Successor(base)
	value, err := c.EncodeChanges(nil, want, delivered)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(value) * 8 {
		flipped := slices.Clone(value)
		flipped[i/8] ^= 1 << (i % 8)
		if got, err := c.DecodeChanges(flipped, read); err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("bit %d: a wrong snapshot", i)
		}
	}
	for n := range value {
		if _, err := c.DecodeChanges(value[:n], read); err == nil {
			t.Fatalf("%d of %d bytes are a snapshot", n, len(value))
		}
	}
}

func TestChangesRefuseWhatCannotBeRead(t *testing.T) {
	c := newCodec(t)
	s := odd.New(1)
	base := s.Record()
	delivered, _ := store(t, c, base)
	early, twice := base, base
	early.Snapshot = &procmon.Snapshot{}
	twice.Snapshot = &procmon.Snapshot{Timestamp: base.Snapshot.Timestamp, Processes: make([]procmon.Process, 1000)}
	many := base
	many.Snapshot = &procmon.Snapshot{Timestamp: base.Snapshot.Timestamp, Processes: make([]procmon.Process, codec.MaxProcesses+1)}
	for _, test := range []struct {
		name string
		r    procmon.Record
		want string
	}{
		{"no time", early, "the time 0001-01-01T00:00:00Z is not between the years 1680 and 2260"},
		{"a pid twice", twice, "of the snapshot's 1000 processes many have the same pid; each pid is allowed once"},
		{"processes", many, "the snapshot has 262145 processes; at most 262144 are allowed"},
	} {
		if _, err := c.EncodeChanges(nil, test.r, delivered); err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func FuzzDecodeChanges(f *testing.F) {
	c := newCodec(f)
	zw, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	zr, err := zstd.NewReader(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(zr.Close)
	delivered, base := store(f, c, odd.New(3).Record())
	const (
		head = 1 + 8 // kind and time of the base
		sum  = 4     // of the base, in the frame
	)
	var start, frame []byte
	for seed := range uint64(40) {
		value, err := c.EncodeChanges(nil, odd.New(seed).Successor(base.Record), delivered)
		if err != nil {
			f.Fatal(err)
		}
		start = value[:head:head]
		plain, err := zr.DecodeAll(value[head:], nil)
		if err != nil {
			f.Fatal(err)
		}
		frame = plain[:sum:sum]
		if len(plain) < 2000 {
			f.Add(plain[sum:])
		}
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		r, err := c.DecodeChanges(zw.EncodeAll(append(frame, plain...), start), base)
		if err != nil {
			return
		}
		value, err := c.EncodeChanges(nil, r, base)
		if err != nil {
			return // times beyond the years that are written
		}
		again, err := c.DecodeChanges(value, base)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, again, sameBits); diff != "" {
			t.Fatal(diff)
		}
	})
}

// One op is one snapshot of 250 processes, ten steps after its base.
func BenchmarkEncodeChanges(b *testing.B) {
	c := newCodec(b)
	host := workload.New(1, 0)
	base, _ := store(b, c, host.Record())
	for range 9 {
		host.Record()
	}
	r := host.Record()
	var value []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if value, err = c.EncodeChanges(value[:0], r, base); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(value))/workload.Slots, "B/process")
}
