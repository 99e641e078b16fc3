package codec_test

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/go-faster/jx"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/codec"
	"github.com/procmon/procmon/storage/internal/odd"
	"github.com/procmon/procmon/test/workload"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newCodec(t testing.TB) *codec.Codec {
	t.Helper()
	c, err := codec.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// sameBits compares floats bit for bit; everything else as cmp does.
var sameBits = cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })

func TestRoundTrip(t *testing.T) {
	c := newCodec(t)
	for seed := range uint64(500) {
		want := odd.New(seed).Record()
		value, err := c.Encode([]byte("before"), want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Decode(value[len("before"):])
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if diff := cmp.Diff(want, got, sameBits); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}

// TestEveryFieldIsStored fails when a field is added to the domain and not to the codec.
func TestEveryFieldIsStored(t *testing.T) {
	c := newCodec(t)
	for _, path := range fieldsOf(reflect.TypeFor[procmon.Process](), "") {
		var want procmon.Process
		set(reflect.ValueOf(&want).Elem().FieldByName(path))
		r := procmon.Record{Snapshot: &procmon.Snapshot{Timestamp: time.Unix(0, 0), Processes: []procmon.Process{want}}}
		if got := roundTrip(t, c, r).Snapshot.Processes[0]; !reflect.DeepEqual(got, want) {
			t.Errorf("Process.%s is lost", path)
		}
	}
	for _, path := range fieldsOf(reflect.TypeFor[procmon.System](), "") {
		r := procmon.Record{Snapshot: &procmon.Snapshot{Timestamp: time.Unix(0, 0)}}
		set(reflect.ValueOf(&r.Snapshot.System).Elem().FieldByName(path))
		if got := roundTrip(t, c, r).Snapshot.System; !reflect.DeepEqual(got, r.Snapshot.System) {
			t.Errorf("System.%s is lost", path)
		}
	}
	for _, path := range fieldsOf(reflect.TypeFor[procmon.Event](), "") {
		want := procmon.Event{Kind: procmon.Started, Time: time.Unix(0, 0).UTC()}
		if path == "Kind" {
			want.Kind = procmon.Ended
		} else {
			set(reflect.ValueOf(&want).Elem().FieldByName(path))
		}
		r := procmon.Record{Snapshot: &procmon.Snapshot{Timestamp: time.Unix(0, 0), Events: []procmon.Event{want}}}
		if got := roundTrip(t, c, r).Snapshot.Events[0]; !reflect.DeepEqual(got, want) {
			t.Errorf("Event.%s is lost", path)
		}
	}
}

// TestFormat1 reads what the first format of the database held: a snapshot stored whole, and
// one stored as changes of it.
func TestFormat1(t *testing.T) {
	c := newCodec(t)
	read := func(name string) []byte {
		value, err := os.ReadFile(filepath.Join("testdata", "format1", name))
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	base, err := c.DecodeBase(read("whole"))
	if err != nil {
		t.Fatal(err)
	}
	changed, err := c.DecodeChanges(read("changes"), base)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range []procmon.Record{base.Record, changed} {
		want := early(i)
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("snapshot %d (-want +got):\n%s", i, diff)
		}
	}
}

// early is what the files of TestFormat1 were made of.
func early(i int) procmon.Record {
	at := time.Date(2026, 11, 1, 3, 12, 15*i, 0, time.UTC)
	return procmon.Record{
		Host: "win-07", Labels: map[string]string{"job": "windows", "site": "berlin"},
		Snapshot: &procmon.Snapshot{
			Hostname: "WIN-07", Timestamp: at,
			System: procmon.System{OS: procmon.Some("Windows 11"), RAMGB: procmon.Some(15.9), CPU: procmon.Some(3.5)},
			Processes: []procmon.Process{
				{PID: 4, Name: "System", CPUSeconds: procmon.Some(float64(100+i) / 64)},
				{
					PID: 900, PPID: procmon.Some(uint32(4)), Name: "svchost.exe", Cmdline: procmon.Some("svchost -k x"),
					StartTime: procmon.Some(at.Truncate(time.Hour)), WorkingSetBytes: procmon.Some(uint64(4096 * (7 + i))), Services: []string{"Dnscache"},
				},
			},
		},
	}
}

func fieldsOf(typ reflect.Type, prefix string) (names []string) {
	for i := range typ.NumField() {
		names = append(names, prefix+typ.Field(i).Name)
	}
	return names
}

// set gives v a value that is not zero.
func set(v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.Unix(1, 1).UTC()
		return
	}
	switch v.Kind() {
	case reflect.Struct: // Opt
		set(v.FieldByName("Value"))
		v.FieldByName("Known").SetBool(true)
	case reflect.String:
		v.SetString("x")
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Slice:
		v.Set(reflect.ValueOf([]string{"x"}))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(-7)
	default:
		v.SetUint(7)
	}
}

func roundTrip(t *testing.T, c *codec.Codec, r procmon.Record) procmon.Record {
	t.Helper()
	value, err := c.Encode(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Decode(value)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	c := newCodec(t)
	r := odd.New(4).Record()
	value, err := c.Encode(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(value) * 8 {
		flipped := slices.Clone(value)
		flipped[i/8] ^= 1 << (i % 8)
		if got, err := c.Decode(flipped); err == nil && !reflect.DeepEqual(got, r) {
			t.Fatalf("bit %d: a wrong snapshot", i)
		}
	}
	for n := range value {
		if _, err := c.Decode(value[:n]); err == nil {
			t.Fatalf("%d of %d bytes are a snapshot", n, len(value))
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	c := newCodec(t)
	many := procmon.Record{Snapshot: &procmon.Snapshot{Timestamp: time.Unix(0, 0), Processes: make([]procmon.Process, codec.MaxProcesses+1)}}
	early := procmon.Record{Snapshot: &procmon.Snapshot{}}
	for _, test := range []struct {
		name string
		r    procmon.Record
		want string
	}{
		{"processes", many, "the snapshot has 262145 processes; at most 262144 are allowed"},
		{"no time", early, "the time 0001-01-01T00:00:00Z is not between the years 1680 and 2260"},
	} {
		if _, err := c.Encode(nil, test.r); err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

// FuzzDecode feeds the decoder with what a zstd frame may hold.
func FuzzDecode(f *testing.F) {
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
	for seed := range uint64(60) {
		value, err := c.Encode(nil, odd.New(seed).Record())
		if err != nil {
			f.Fatal(err)
		}
		plain, err := zr.DecodeAll(value[1:], nil)
		if err != nil {
			f.Fatal(err)
		}
		if len(plain) < 2000 { // the fuzzer is slow on long ones
			f.Add(plain)
		}
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		r, err := c.Decode(zw.EncodeAll(plain, []byte{1}))
		if err != nil {
			return
		}
		// What was decoded has a form of its own that comes back.
		value, err := c.Encode(nil, r)
		if err != nil {
			return // times beyond the years that are written
		}
		again, err := c.Decode(value)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, again, sameBits); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzValue feeds it with any bytes.
func FuzzValue(f *testing.F) {
	c := newCodec(f)
	f.Add([]byte{})
	f.Add([]byte{0})
	f.Add([]byte{1, 0x28, 0xB5, 0x2F, 0xFD})
	f.Fuzz(func(t *testing.T, value []byte) {
		if r, err := c.Decode(value); err == nil && r.Snapshot == nil {
			t.Fatal("no snapshot and no error")
		}
	})
}

// One op is one snapshot of 250 processes.
func BenchmarkEncode(b *testing.B) {
	c := newCodec(b)
	r := workload.New(1, 0).Record()
	var value []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if value, err = c.Encode(value[:0], r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(value))/workload.Slots, "B/process")
}

// One op is one snapshot of 250 processes.
func BenchmarkDecode(b *testing.B) {
	c := newCodec(b)
	value, err := c.Encode(nil, workload.New(1, 0).Record())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Decode(value); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJSON is what the codec is held against: the same snapshot as JSON in zstd.
func BenchmarkJSON(b *testing.B) {
	zw, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		b.Fatal(err)
	}
	r := workload.New(1, 0).Record()
	var value []byte
	var e jx.Encoder
	for b.Loop() {
		e.Reset()
		r.Snapshot.Encode(&e)
		value = zw.EncodeAll(e.Bytes(), value[:0])
	}
	b.ReportMetric(float64(len(value))/workload.Slots, "B/process")
}
