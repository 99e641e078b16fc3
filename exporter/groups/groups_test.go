package groups_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/groups"
	"github.com/procmon/procmon/exporter/proctable"
)

var epoch = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)

// proc returns a process that used so many seconds in user mode, twice that in the kernel,
// and read and wrote as many bytes.
func proc(pid uint32, started int, name string, used uint64) procmon.Process {
	return procmon.Process{
		PID: pid, Name: name, StartTime: procmon.Some(epoch.Add(time.Duration(started) * time.Second)),
		CPUSeconds: procmon.Some(3 * float64(used)), ReadBytes: procmon.Some(used), WriteBytes: procmon.Some(2 * used),
		WorkingSetBytes: procmon.Some(uint64(10)), Threads: procmon.Some(uint32(2)), Handles: procmon.Some(uint32(5)),
	}
}

// table returns the processes as a reading; they stand by pid.
func table(processes ...procmon.Process) *proctable.Rows {
	rows := &proctable.Rows{Processes: processes}
	for i := range processes {
		seconds := processes[i].CPUSeconds.Value
		rows.Details = append(rows.Details, proctable.Detail{UserSeconds: seconds / 3, SystemSeconds: 2 * seconds / 3})
	}
	return rows
}

// track returns a tracker with a limit and rules.
func track(t *testing.T, limit int, rules ...groups.Rule) *groups.Tracker {
	t.Helper()
	tracker, err := groups.New(groups.Options{Limit: limit, Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	return tracker
}

// follow returns the groups after a run of tables.
func follow(tracker *groups.Tracker, tables ...*proctable.Rows) []groups.Group {
	var before *proctable.Rows
	for _, now := range tables {
		tracker.Update(before, now)
		before = now
	}
	return tracker.Groups()
}

// group returns a group of n processes as proc makes them, the oldest of which started at
// epoch, with counters for so much use.
func group(name string, n int, used uint64, starts, ends uint64) groups.Group {
	g := groups.Group{
		Name: name, Processes: n, Starts: starts, Ends: ends,
		UserSeconds: procmon.Some(float64(used)), SystemSeconds: procmon.Some(2 * float64(used)),
		ReadBytes: procmon.Some(used), WriteBytes: procmon.Some(2 * used),
		WorkingSetBytes: procmon.Some(uint64(10 * n)), Threads: procmon.Some(uint64(2 * n)), Handles: procmon.Some(uint64(5 * n)),
	}
	if n > 0 {
		g.OldestStart = procmon.Some(epoch)
	}
	return g
}

func TestUpdate(t *testing.T) {
	unknown := proc(1, 0, "a", 0)
	unknown.CPUSeconds, unknown.ReadBytes, unknown.Handles = procmon.Opt[float64]{}, procmon.Opt[uint64]{}, procmon.Opt[uint32]{}
	ofUnknown := group("a", 1, 0, 0, 0)
	ofUnknown.UserSeconds, ofUnknown.SystemSeconds = procmon.Opt[float64]{}, procmon.Opt[float64]{}
	ofUnknown.ReadBytes, ofUnknown.Handles = procmon.Opt[uint64]{}, procmon.Opt[uint64]{}

	for _, test := range []struct {
		name   string
		tables []*proctable.Rows
		want   []groups.Group
	}{
		{"the first table is where counting begins",
			[]*proctable.Rows{table(proc(1, 0, "a", 100), proc(2, 5, "a", 50), proc(3, 0, "b", 7))},
			[]groups.Group{group("a", 2, 0, 0, 0), group("b", 1, 0, 0, 0)}},
		{"members use",
			[]*proctable.Rows{table(proc(1, 0, "a", 100), proc(2, 5, "a", 50)), table(proc(1, 0, "a", 101), proc(2, 5, "a", 60))},
			[]groups.Group{group("a", 2, 11, 0, 0)}},
		{"a member that starts brings all it used",
			[]*proctable.Rows{table(proc(1, 0, "a", 100)), table(proc(1, 0, "a", 100), proc(2, 5, "a", 50))},
			[]groups.Group{group("a", 2, 50, 1, 0)}},
		{"a member that ends takes nothing away",
			[]*proctable.Rows{table(proc(1, 0, "a", 1), proc(2, 0, "a", 1)), table(proc(1, 0, "a", 4), proc(2, 0, "a", 5)), table(proc(1, 0, "a", 4))},
			[]groups.Group{group("a", 1, 7, 0, 1)}},
		{"the last member ends",
			[]*proctable.Rows{table(proc(1, 0, "a", 1)), table(proc(1, 0, "a", 4)), table()},
			[]groups.Group{group("a", 0, 3, 0, 1)}},
		{"a pid is used again",
			[]*proctable.Rows{table(proc(1, 0, "a", 10)), table(proc(1, 9, "a", 4)), table(proc(1, 0, "a", 4))},
			[]groups.Group{group("a", 1, 8, 2, 2)}},
		{"a process takes another name",
			[]*proctable.Rows{table(proc(1, 0, "a", 10)), table(proc(1, 0, "b", 12))},
			[]groups.Group{group("a", 0, 0, 0, 1), group("b", 1, 2, 1, 0)}},
		{"a figure that shrinks counts for nothing",
			[]*proctable.Rows{table(proc(1, 0, "a", 10)), table(proc(1, 0, "a", 6)), table(proc(1, 0, "a", 7))},
			[]groups.Group{group("a", 1, 1, 0, 0)}},
		{"unknown figures stay unknown",
			[]*proctable.Rows{table(unknown), table(unknown)},
			[]groups.Group{ofUnknown}},
		{"a figure that becomes known is not all new",
			[]*proctable.Rows{table(unknown), table(proc(1, 0, "a", 40))},
			[]groups.Group{func() groups.Group {
				g := group("a", 1, 0, 0, 0)
				g.WriteBytes = procmon.Some(uint64(80)) // was known as 0
				return g
			}()}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := follow(track(t, 100), test.tables...)
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreUnexported(groups.Group{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestKernelThreadsOfOneKind(t *testing.T) {
	rows := table(proc(1, 0, "kworker/0:1-events", 0), proc(2, 0, "kworker/u4:0", 0), proc(3, 0, "a/b", 0))
	rows.Details[0].Kernel, rows.Details[1].Kernel = true, true
	got := follow(track(t, 100), rows)
	if diff := cmp.Diff([]groups.Group{group("a/b", 1, 0, 0, 0), group("kworker", 2, 0, 0, 0)}, got, cmpopts.IgnoreUnexported(groups.Group{})); diff != "" {
		t.Error(diff)
	}
}

func TestLimit(t *testing.T) {
	tracker := track(t, 2)
	first := table(proc(1, 0, "a", 0), proc(2, 0, "b", 0), proc(3, 0, "c", 0), proc(4, 0, "c", 0), proc(5, 0, "a", 0))
	tracker.Update(nil, first)
	if got, names := tracker.Left(); got != 2 || names != 1 || len(tracker.Groups()) != 2 || tracker.Limit() != 2 {
		t.Errorf("%d processes left out of %d groups, want 2 and 2", got, len(tracker.Groups()))
	}
	second := table(proc(2, 0, "b", 0), proc(3, 0, "c", 0), proc(4, 0, "c", 0)) // a has ended and makes room
	tracker.Update(first, second)
	if diff := cmp.Diff([]string{"b 1", "c 2"}, members(tracker)); diff != "" {
		t.Error(diff)
	}
	if processes, groups := tracker.Left(); processes != 0 || groups != 0 {
		t.Errorf("%d processes of %d groups are left out, and there is room", processes, groups)
	}
	third := table()
	tracker.Update(second, third)
	fourth := table(proc(3, 9, "c", 0)) // c has members again: b has been empty for longest
	tracker.Update(third, fourth)
	tracker.Update(fourth, table(proc(3, 9, "c", 0), proc(9, 9, "d", 0)))
	if diff := cmp.Diff([]string{"c 1", "d 1"}, members(tracker)); diff != "" {
		t.Error(diff)
	}
}

func TestTrim(t *testing.T) {
	tracker := track(t, 100)
	first := table(proc(1, 0, "a", 0), proc(2, 0, "b", 0), proc(3, 0, "c", 0))
	second, third := table(proc(2, 0, "b", 0), proc(3, 0, "c", 0)), table(proc(3, 0, "c", 0))
	follow(tracker, first, second, third)
	for _, test := range []struct {
		most int
		want []string
	}{{3, []string{"a 0", "b 0", "c 1"}}, {2, []string{"b 0", "c 1"}}, {0, []string{"c 1"}}} {
		tracker.Trim(test.most)
		if diff := cmp.Diff(test.want, members(tracker)); diff != "" {
			t.Errorf("trimmed to %d:\n%s", test.most, diff)
		}
	}
}

// members returns each group's name and number of processes.
func members(tracker *groups.Tracker) (all []string) {
	for _, g := range tracker.Groups() {
		all = append(all, fmt.Sprint(g.Name, " ", g.Processes))
	}
	return all
}

func TestLived(t *testing.T) {
	tracker := track(t, 3, groups.Rule{Group: "shells", Name: "^(ba)?sh$"}, groups.Rule{Group: "root's", Name: "x", User: "root"})
	rows := table(proc(1, 0, "a", 0), proc(2, 0, "sh", 0))
	tracker.Update(nil, rows)
	tracker.Lived([]string{"a", "bash", "sh", "a", "x", "y"})
	counts := func() (all []string) {
		for _, g := range tracker.Groups() {
			all = append(all, fmt.Sprint(g.Name, " ", g.Processes, " ", g.Starts, " ", g.Ends))
		}
		return all
	}
	if diff := cmp.Diff([]string{"a 1 2 2", "shells 1 2 2", "y 0 1 1"}, counts()); diff != "" {
		t.Errorf("x made room for y, both have no members:\n%s", diff)
	}
	full := table(proc(1, 0, "a", 0), proc(2, 0, "sh", 0), proc(3, 0, "b", 0))
	tracker.Update(rows, full)
	tracker.Lived([]string{"y", "y", "z"})
	if diff := cmp.Diff([]string{"a 1 2 2", "b 1 1 0", "shells 1 2 2"}, counts()); diff != "" {
		t.Error(diff)
	}
	if processes, names := tracker.Left(); processes != 0 || names != 2 {
		t.Errorf("%d processes of %d groups are left out, want 0 of y and z", processes, names)
	}
}

// TestSteadyState lets 1,000 processes be: deciding, matching and adding up again must not
// cost memory.
func TestSteadyState(t *testing.T) {
	var processes []procmon.Process
	for pid := range uint32(1000) {
		processes = append(processes, proc(pid, 0, fmt.Sprint("name", pid%50), 5))
	}
	before, now := table(processes...), table(processes...)
	tracker := track(t, 100, groups.Rule{Group: "g$1", Name: "^name(.)$"})
	tracker.Update(nil, before)
	tracker.Update(before, now)
	if n := testing.AllocsPerRun(20, func() {
		tracker.Update(now, before)
		tracker.Update(before, now)
	}); n > 0 {
		t.Errorf("%v allocations for two updates, want none", n)
	}
}

// BenchmarkUpdate adds up 1,000 processes under ten rules. One op is one table.
func BenchmarkUpdate(b *testing.B) {
	var processes []procmon.Process
	for pid := range uint32(1000) {
		processes = append(processes, proc(pid, 0, fmt.Sprint("name", pid%50), 5))
	}
	var rules []groups.Rule
	for i := range 10 {
		rules = append(rules, groups.Rule{Group: fmt.Sprint("rule", i), Name: fmt.Sprintf("(?i)^name%d$", i)})
	}
	tracker, err := groups.New(groups.Options{Rules: rules})
	if err != nil {
		b.Fatal(err)
	}
	before, now := table(processes...), table(processes...)
	tracker.Update(nil, before)
	b.ReportAllocs()
	for b.Loop() {
		tracker.Update(before, now)
		before, now = now, before
	}
}
