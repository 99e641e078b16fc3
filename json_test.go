package procmon_test

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-faster/jx"
	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
)

func encode(s *procmon.Snapshot) []byte {
	var e jx.Encoder
	s.Encode(&e)
	return e.Bytes()
}

func TestDocumentedPayloadComesBackEqual(t *testing.T) {
	data, err := os.ReadFile("testdata/documented.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := procmon.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]any
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encode(s), &got); err != nil {
		t.Fatal(err)
	}
	for _, p := range want["processes"].([]any) {
		if m := p.(map[string]any); m["ppid"] == nil {
			delete(m, "ppid") // null is unknown, and what is unknown is absent
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-sent +back):\n%s", diff)
	}
}

// full has every fact, with values that are easily lost.
func full() *procmon.Snapshot {
	at := time.Date(2026, 11, 22, 20, 15, 0, 123456789, time.UTC)
	return &procmon.Snapshot{
		Hostname: "WIN-07", Timestamp: at,
		System: procmon.System{
			OS: procmon.Some("Windows 11"), Processor: procmon.Some(""), Cores: procmon.Some(uint32(4)), Threads: procmon.Some(uint32(8)),
			RAMGB: procmon.Some(0.1 + 0.2), UsedRAMGB: procmon.Some(1e-320), FreeRAMGB: procmon.Some(math.MaxFloat64),
			StorageTotalGB: procmon.Some(12345678901234567.0), StorageUsedGB: procmon.Some(0.0), StorageFreeGB: procmon.Some(123456789.123456789),
			BootTime: procmon.Some(at.Add(-time.Hour)), CPU: procmon.Some(3.0), AgentVersion: procmon.Some("1.0"),
		},
		Processes: []procmon.Process{
			{PID: 0, Name: ""},
			{
				PID: math.MaxUint32, PPID: procmon.Some(uint32(0)), Name: `<img src=x onerror=alert(1)>`, CPU: procmon.Some(799.99), Memory: procmon.Some(0.5),
				Cmdline: procmon.Some("\x00\u202e\"\\\u2028 😀" + strings.Repeat("x", 32<<10)), Username: procmon.Some(""),
				StartTime: procmon.Some(at.Add(-time.Nanosecond)), Exe: procmon.Some("../../etc/passwd"), CPUSeconds: procmon.Some(0.0156250),
				WorkingSetBytes: procmon.Some(uint64(math.MaxUint64)), PrivateBytes: procmon.Some(uint64(0)), Threads: procmon.Some(uint32(1)), Handles: procmon.Some(uint32(2)),
				ReadBytes: procmon.Some(uint64(1<<53 + 1)), WriteBytes: procmon.Some(uint64(4)), SessionID: procmon.Some(uint32(0)), Services: []string{"Dnscache", ""},
				KernelSeconds: procmon.Some(0.015625), ReadOperations: procmon.Some(uint64(math.MaxUint64)), WriteOperations: procmon.Some(uint64(0)),
				Integrity: procmon.Some(procmon.IntegritySystem), Elevated: procmon.Some(false), Bits: procmon.Some(uint32(64)),
				Company: procmon.Some("<b>"), Description: procmon.Some(""),
			},
		},
		Events: []procmon.Event{
			{Kind: procmon.Started, Time: at.Add(-2 * time.Second), PID: 7},
			{
				Kind: procmon.Ended, Time: at.Add(-time.Second), PID: math.MaxUint32, PPID: procmon.Some(uint32(0)), StartTime: procmon.Some(at.Add(-time.Nanosecond)),
				Name: procmon.Some("\"x"), Exe: procmon.Some("/"), Cmdline: procmon.Some("a b"), Username: procmon.Some("root"), ExitCode: procmon.Some(int64(-9)),
			},
		},
	}
}

func TestRoundTrip(t *testing.T) {
	want := full()
	got, err := procmon.Decode(encode(want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-sent +back):\n%s", diff)
	}
}

func TestDecodeErrors(t *testing.T) {
	const head = `{"hostname":"h","timestamp":"2026-11-22T20:15:00Z",`
	process := func(fields string) string { return head + `"processes":[{"pid":7,"name":"a"},{` + fields + `}]}` }
	for _, test := range []struct{ name, in, want string }{
		{"nothing", ``, `invalid JSON: unexpected end of JSON input (byte 0)`},
		{"not an object", `[]`, `this array is not a snapshot, which is a JSON object`},
		{"cut off", head + `"processes":[{"pid":`, `invalid JSON: unexpected end of JSON input (byte 71)`},
		{"more", head + `"processes":[]}{}`, `invalid JSON: more follows after the snapshot`},
		{"no processes", head + `"os":"x"}`, `processes: missing`},
		{"null processes", head + `"processes":null}`, `processes: this null is not a list of processes`},
		{"no hostname", `{"timestamp":"2026-11-22T20:15:00Z","processes":[]}`, `hostname: missing`},
		{"empty hostname", `{"hostname":""}`, `hostname: "" is not a name of 1 to 253 bytes without control characters`},
		{"hostname with control", `{"hostname":"a\u001bb"}`, `hostname: "a\x1bb" is not a name of 1 to 253 bytes without control characters`},
		{"no timestamp", `{"hostname":"h","processes":[]}`, `timestamp: missing`},
		{"timestamp without zone", `{"hostname":"h","timestamp":"2026-11-22T20:15:00"}`, `timestamp: "2026-11-22T20:15:00" is not an RFC 3339 time between the years 1700 and 2200, like 2026-11-22T20:15:00.5Z`},
		{"timestamp as number", `{"hostname":"h","timestamp":5}`, `timestamp: this number is not an RFC 3339 time between the years 1700 and 2200, like 2026-11-22T20:15:00.5Z`},
		{"twice", head + `"hostname":"i"`, `hostname: there twice`},
		{"processes twice", head + `"processes":[],"processes":[]}`, `processes: there twice`},
		{"negative pid", process(`"pid":-5,"name":"b"`), `processes[1].pid: -5 is not a whole number from 0 to 4294967295`},
		{"large pid", process(`"pid":4294967296,"name":"b"`), `processes[1].pid: 4294967296 is not a whole number from 0 to 4294967295`},
		{"fraction", process(`"pid":1.5,"name":"b"`), `processes[1].pid: 1.5 is not a whole number from 0 to 4294967295`},
		{"text pid", process(`"pid":"5","name":"b"`), `processes[1].pid: this string is not a whole number from 0 to 4294967295`},
		{"pid twice", process(`"pid":7,"name":"b"`), `processes[1].pid: 7 is the pid of processes[0] already; each pid is allowed once`},
		{"no pid", process(`"name":"b"`), `processes[1].pid: missing`},
		{"no name", process(`"pid":8`), `processes[1].name: missing`},
		{"field twice", process(`"pid":8,"pid":9`), `processes[1].pid: there twice`},
		{"NaN", process(`"pid":8,"name":"b","cpu":NaN`), `invalid JSON: invalid character 'N' looking for beginning of value (byte 112)`},
		{"infinite", process(`"pid":8,"name":"b","cpu":1e999`), `processes[1].cpu: 1e999 is not a finite number`},
		{"text as number", process(`"pid":8,"name":"b","memory":"1"`), `processes[1].memory: this string is not a finite number`},
		{"number as text", process(`"pid":8,"name":5`), `processes[1].name: this number is not text`},
		{"bad UTF-8", process("\"pid\":8,\"name\":\"\xff\""), `processes[1].name: the text is not valid UTF-8`},
		{"services", process(`"pid":8,"name":"b","services":["a",1]`), `processes[1].services[1]: this number is not text`},
		{"elevated", process(`"pid":8,"name":"b","elevated":1`), `processes[1].elevated: this number is not true or false`},
		{"events as text", head + `"events":"x"}`, `events: this string is not a list of events`},
		{"event without a pid", head + `"events":[{"kind":"end","time":"2026-11-22T20:15:00Z"}]}`, `events[0].pid: missing`},
		{"event of another kind", head + `"events":[{"kind":"stop"}]}`, `events[0].kind: "stop" is not "start" or "end"`},
		{"event with a fraction", head + `"events":[{"exit_code":0.5}]}`, `events[0].exit_code: 0.5 is not a whole number of at most 64 bits`},
		{"process is null", head + `"processes":[null]}`, `processes[0]: this null is not a process, which is a JSON object`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := procmon.Decode([]byte(test.in))
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeAccepts(t *testing.T) {
	for _, test := range []struct{ name, in string }{
		{"no processes", `{"hostname":"h","timestamp":"2026-11-22T20:15:00+02:00","processes":[]}`},
		{"other order, spaces, unknown fields", ` {"x":{"y":[1,{}]}, "processes" : [ { "name":"a", "z":null, "pid":1 } ],"timestamp":"2026-11-22T20:15:00Z","hostname":"h"} `},
		{"whole numbers written as fractions", `{"hostname":"h","timestamp":"2026-11-22T20:15:00Z","cores":4.0,"processes":[{"pid":1e3,"name":"a"}]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := procmon.Decode([]byte(test.in)); err != nil {
				t.Error(err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	seed := full()
	seed.Processes[1].Cmdline.Value = "short" // long inputs make fuzzing slow
	f.Add(encode(seed))
	f.Add([]byte(`{"hostname":"h","timestamp":"2026-11-22T20:15:00Z","processes":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := procmon.Decode(data)
		if err != nil {
			if strings.HasSuffix(err.Error(), "malformed") && json.Valid(data) {
				t.Fatal("refused JSON")
			}
			return
		}
		if !json.Valid(data) {
			t.Fatal("accepted what is not JSON")
		}
		again, err := procmon.Decode(encode(s))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Fatal(diff)
		}
		var d procmon.Decoder
		for range 2 { // the second time it knows every process
			known, err := d.Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s, known); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// TestChanges takes one fact after the other away, and gives it back.
func TestChanges(t *testing.T) {
	fields := func(write func(*jx.Encoder)) map[string]any {
		var e jx.Encoder
		e.ObjStart()
		write(&e)
		e.ObjEnd()
		got := map[string]any{}
		if err := json.Unmarshal(e.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	whole := full().Processes[1]
	all := fields(whole.EncodeFields)
	if got := fields(func(e *jx.Encoder) { whole.EncodeChanges(e, &whole) }); len(got) > 0 || !whole.Same(&whole) {
		t.Errorf("of itself: %v", got)
	}
	seen := map[string]any{}
	for i := range reflect.TypeFor[procmon.Process]().NumField() {
		less := whole
		field := reflect.ValueOf(&less).Elem().Field(i)
		field.SetZero()
		if less.Same(&whole) || whole.Same(&less) {
			t.Errorf("%s: the same without it", reflect.TypeFor[procmon.Process]().Field(i).Name)
		}
		back := fields(func(e *jx.Encoder) { whole.EncodeChanges(e, &less) })
		gone := fields(func(e *jx.Encoder) { less.EncodeChanges(e, &whole) })
		if len(back) != 1 || len(gone) != 1 {
			t.Errorf("got %v and %v", back, gone)
		}
		for name, value := range gone {
			if value != nil && value != "" && value != 0.0 {
				t.Errorf("%s: got %v", name, value)
			}
			seen[name] = back[name]
		}
	}
	if diff := cmp.Diff(all, seen); diff != "" {
		t.Errorf("(-whole +changes):\n%s", diff)
	}
}
