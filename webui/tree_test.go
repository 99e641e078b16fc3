package webui_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/webui"
)

func TestTree(t *testing.T) {
	started := procmon.Some(now.Add(-time.Hour))
	store := &memory{views: []procmon.View{{
		Record: procmon.Record{Host: "alpha", Snapshot: &procmon.Snapshot{
			Hostname: "alpha", Timestamp: now, System: procmon.System{Threads: procmon.Some(uint32(8))},
			Processes: []procmon.Process{
				{PID: 2, PPID: procmon.Some(uint32(1)), Name: "child", StartTime: started, CPU: procmon.Some(1.0), CPUSeconds: procmon.Some(25.0), WorkingSetBytes: procmon.Some(uint64(2 << 20))},
				{PID: 1, Name: "root", StartTime: started, CPU: procmon.Some(5.0), Memory: procmon.Some(0.5)},
			},
		}},
		Previous: &procmon.Snapshot{Timestamp: now.Add(-10 * time.Second), Processes: []procmon.Process{
			{PID: 2, Name: "child", StartTime: started, CPUSeconds: procmon.Some(20.0)},
		}},
	}}}
	want := `{"id":"alpha@2026-11-22T20:15:00Z","host":"alpha","previous":"2026-11-22T20:14:50Z","stale":false,"labels":{},
		"hostname":"alpha","timestamp":"2026-11-22T20:15:00Z","system":{"threads":8},"rows":[
		{"pid":1,"name":"root","cpu":5,"memory":0.5,"start_time":"2026-11-22T19:15:00Z","depth":0,"children":1,"descendants":1,"tree_cpu":55,"tree_memory":2.5},
		{"pid":2,"ppid":1,"name":"child","cpu":50,"start_time":"2026-11-22T19:15:00Z","cpu_seconds":25,"working_set_bytes":2097152,
		 "parent":0,"depth":1,"children":0,"descendants":0,"tree_cpu":50,"tree_memory":2}]}`
	if diff := cmp.Diff(decode(t, want), start(t, webui.Options{Store: store}).getOK("/api/v1/hosts/alpha/tree")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A part of a tree says which of its own rows is the parent of a row.
func TestTopOfTree(t *testing.T) {
	hosts := map[string]procmon.View{}
	for host, processes := range map[string]int{"few": 13, "many": 1001} {
		view := procmon.View{Record: procmon.Record{Host: host, Snapshot: &procmon.Snapshot{Hostname: host, Timestamp: now}}}
		for pid := range processes { // each has three children
			p := procmon.Process{PID: uint32(pid), Name: "p", StartTime: procmon.Some(now.Add(time.Duration(pid-processes) * time.Second))}
			if pid > 0 {
				p.PPID = procmon.Some(uint32(pid-1) / 3)
			}
			view.Snapshot.Processes = append(view.Snapshot.Processes, p)
		}
		hosts[host] = view
	}
	c := start(t, webui.Options{Store: &memory{views: []procmon.View{hosts["few"], hosts["many"]}}})
	for _, test := range []struct {
		path string
		want string // pid under pid, and how many there are
	}{
		{"few/tree?limit=13&open=none", "0 1<0 4<1 5<1 6<1 2<0 7<2 8<2 9<2 3<0 10<3 11<3 12<3"}, // no more than that
		{"few/tree?limit=6", "0 1<0 4<1 5<1 6<1 2<0 of 13"},
		{"few/tree?limit=6&open=all", "0 1<0 4<1 5<1 6<1 2<0 of 13"},
		{"few/tree?limit=6&open=roots", "0 1<0 2<0 3<0 of 13"},
		{"few/tree?limit=3&open=roots", "0 1<0 2<0 of 13"},
		{"few/tree?limit=6&open=none", "0 of 13"},
		{"many/tree?limit=1000", "0 1<0 2<0 3<0 of 1001"},
		{"many/tree?limit=4&open=all", "0 1<0 4<1 13<4 of 1001"},
	} {
		tree := c.getOK("/api/v1/hosts/" + test.path).(map[string]any)
		rows := tree["rows"].([]any)
		var got []string
		for _, row := range rows {
			row := row.(map[string]any)
			name := fmt.Sprint(row["pid"])
			if parent, ok := row["parent"].(float64); ok {
				name += "<" + fmt.Sprint(rows[int(parent)].(map[string]any)["pid"])
			}
			got = append(got, name)
		}
		if of, ok := tree["processes"]; ok {
			got = append(got, fmt.Sprint("of ", of))
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%s: %s, want %s", test.path, got, test.want)
		}
	}
}

func TestTransferRates(t *testing.T) {
	at := func(seconds int, read, write uint64) procmon.Process {
		return procmon.Process{
			PID: 7, StartTime: procmon.Some(now.Add(time.Duration(seconds) * time.Second)),
			ReadBytes: procmon.Some(read), WriteBytes: procmon.Some(write),
		}
	}
	withoutStart := func(p procmon.Process) procmon.Process {
		p.StartTime = procmon.Opt[time.Time]{}
		return p
	}
	withoutRead := func(p procmon.Process) procmon.Process {
		p.ReadBytes = procmon.Opt[uint64]{}
		return p
	}
	before := func(p ...procmon.Process) *procmon.Snapshot {
		return &procmon.Snapshot{Timestamp: now.Add(-10 * time.Second), Processes: p}
	}
	for _, test := range []struct {
		name        string
		previous    *procmon.Snapshot
		process     procmon.Process
		read, write any
	}{
		{"no snapshot before", nil, at(-60, 50, 70), nil, nil},
		{"grown", before(at(-60, 50, 70)), at(-60, 100, 71), 5.0, 0.1},
		{"unchanged", before(at(-60, 50, 70)), at(-60, 50, 70), 0.0, 0.0},
		{"one was reset", before(at(-60, 50, 70)), at(-60, 49, 80), nil, 1.0},
		{"pid reused", before(at(-60, 50, 70)), at(-5, 10, 20), 1.0, 2.0},
		{"new", before(), at(-5, 10, 20), 1.0, 2.0},
		{"not seen before but older", before(), at(-60, 10, 20), nil, nil},
		{"start not known", before(withoutStart(at(-60, 50, 70))), withoutStart(at(-60, 100, 71)), nil, nil},
		{"not known before", before(withoutRead(at(-60, 50, 70))), at(-60, 100, 70), nil, 0.0},
		{"not known now", before(at(-60, 50, 70)), withoutRead(at(-60, 100, 70)), nil, 0.0},
		{"the same instant", &procmon.Snapshot{Timestamp: now, Processes: []procmon.Process{at(-60, 1, 1)}}, at(-60, 2, 2), nil, nil},
		{"all there is", before(at(-60, 0, 0)), at(-60, math.MaxUint64, 0), float64(math.MaxUint64) / 10, 0.0},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := &memory{views: []procmon.View{{
				Record:   procmon.Record{Host: "alpha", Snapshot: &procmon.Snapshot{Hostname: "alpha", Timestamp: now, Processes: []procmon.Process{test.process}}},
				Previous: test.previous,
			}}}
			tree := start(t, webui.Options{Store: store}).getOK("/api/v1/hosts/alpha/tree").(map[string]any)
			row := tree["rows"].([]any)[0].(map[string]any)
			if diff := cmp.Diff([]any{test.read, test.write}, []any{row["read_rate"], row["write_rate"]}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Figures that a hostile host makes up add up to more than JSON can say.
func TestTreeOfHugeFigures(t *testing.T) {
	process := func(pid uint32) procmon.Process {
		return procmon.Process{PID: pid, PPID: procmon.Some(uint32(1)), StartTime: procmon.Some(now), CPU: procmon.Some(math.MaxFloat64), Memory: procmon.Some(math.MaxFloat64)}
	}
	burst := process(3)
	burst.CPUSeconds = procmon.Some(math.MaxFloat64)
	store := &memory{
		views: []procmon.View{{
			Record:   procmon.Record{Host: "a", Snapshot: &procmon.Snapshot{Hostname: "a", Timestamp: now, Processes: []procmon.Process{process(1), process(2), burst}}},
			Previous: &procmon.Snapshot{Timestamp: now.Add(-time.Second)},
		}},
		hosts: []procmon.HostSummary{{Host: "a", CPU: procmon.Some(math.Inf(1)), Busiest: &procmon.Usage{CPU: math.Inf(1)}}},
	}
	c := start(t, webui.Options{Store: store})
	rows := c.getOK("/api/v1/hosts/a/tree").(map[string]any)["rows"].([]any)
	if len(rows) != 3 {
		t.Errorf("got %d rows, want 3", len(rows))
	}
	c.getOK("/api/v1/hosts")
}

// One op is one answer of /api/v1/hosts/{host}/tree, from a view in memory to the last byte.
func BenchmarkTree(b *testing.B) {
	for _, processes := range []int{250, 10_000} {
		store := &memory{views: []procmon.View{busyHost(processes)}}
		handler, err := webui.New(webui.Options{Store: store, Pages: builtPages})
		if err != nil {
			b.Fatal(err)
		}
		for _, encoding := range []string{"identity", "gzip", "zstd"} {
			b.Run(fmt.Sprintf("processes=%d/%s", processes, encoding), func(b *testing.B) {
				b.ReportAllocs()
				var sink discard
				for b.Loop() {
					req := httptest.NewRequest(http.MethodGet, "/api/v1/hosts/alpha/tree", nil)
					req.Header.Set("Accept-Encoding", encoding)
					sink = discard{header: http.Header{}}
					handler.ServeHTTP(&sink, req)
				}
				if sink.status != http.StatusOK {
					b.Fatal(sink.status)
				}
				b.ReportMetric(float64(sink.bytes), "body-B/op")
			})
		}
	}
}

// discard counts what is written.
type discard struct {
	header http.Header
	status int
	bytes  int
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(status int) {
	d.status = status
}
func (d *discard) Write(p []byte) (int, error) {
	d.bytes += len(p)
	return len(p), nil
}

// busyHost is a host with every fact known and the snapshot before.
func busyHost(processes int) procmon.View {
	snapshot := func(at time.Time, grown uint64) *procmon.Snapshot {
		s := &procmon.Snapshot{Hostname: "alpha", Timestamp: at, Processes: make([]procmon.Process, processes)}
		for i := range s.Processes {
			n := uint64(i)
			s.Processes[i] = procmon.Process{
				PID: uint32(i + 1), PPID: procmon.Some(uint32(i / 4)), Name: fmt.Sprintf("process-%d.exe", i%40),
				CPU: procmon.Some(float64(i%100) / 7), Memory: procmon.Some(float64(i) / 3),
				Cmdline:  procmon.Some(fmt.Sprintf(`"C:\Program Files\Vendor\Product %d\process.exe" --type=renderer --id=%d --field-trial-handle=%d`, i%40, i, i*7919)),
				Username: procmon.Some(`EXAMPLE\user`), StartTime: procmon.Some(now.Add(-time.Hour + time.Duration(i)*time.Millisecond)),
				Exe: procmon.Some(fmt.Sprintf(`C:\Program Files\Vendor\Product %d\process.exe`, i%40)), CPUSeconds: procmon.Some(float64(n+grown) / 64),
				WorkingSetBytes: procmon.Some(n << 16), PrivateBytes: procmon.Some(n << 15), Threads: procmon.Some(uint32(i%60 + 1)), Handles: procmon.Some(uint32(i%900 + 30)),
				ReadBytes: procmon.Some(n*4096 + grown), WriteBytes: procmon.Some(n*512 + grown), SessionID: procmon.Some(uint32(1)),
			}
		}
		return s
	}
	return procmon.View{
		Record:   procmon.Record{Host: "alpha", Labels: map[string]string{"job": "windows", "instance": "alpha:9910"}, Snapshot: snapshot(now, 3000)},
		Previous: snapshot(now.Add(-15*time.Second), 0),
	}
}
