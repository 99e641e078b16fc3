package groups_test

import (
	"fmt"
	"math/rand/v2"
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
	names := func() (names []string) {
		for _, g := range tracker.Groups() {
			names = append(names, fmt.Sprint(g.Name, " ", g.Processes))
		}
		return names
	}
	if diff := cmp.Diff([]string{"b 1", "c 2"}, names()); diff != "" {
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
	if diff := cmp.Diff([]string{"c 1", "d 1"}, names()); diff != "" {
		t.Error(diff)
	}
}

// TestCountersNeverShrink lets processes of few pids and names start, use, change their name
// and end at random.
func TestCountersNeverShrink(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		tracker := track(t, 100)
		var before *proctable.Rows
		last := map[string]groups.Group{}
		alive := map[uint32]procmon.Process{}
		for step := range 40 {
			for pid := range uint32(6) {
				p, ok := alive[pid]
				switch random.IntN(6) {
				case 0:
					delete(alive, pid)
					continue
				case 1:
					p, ok = proc(pid, step, string(rune('a'+random.IntN(3))), uint64(random.IntN(9))), true
				case 2:
					p.Name = string(rune('a' + random.IntN(3)))
				}
				if ok {
					used := p.ReadBytes.Value + uint64(random.IntN(5))
					started := int(p.StartTime.Value.Sub(epoch).Seconds())
					alive[pid] = proc(pid, started, p.Name, used)
				}
			}
			var processes []procmon.Process
			for pid := range uint32(6) {
				if p, ok := alive[pid]; ok {
					processes = append(processes, p)
				}
			}
			now := table(processes...)
			tracker.Update(before, now)
			before = now
			members := 0
			for _, g := range tracker.Groups() {
				was := last[g.Name]
				if g.UserSeconds.Value < was.UserSeconds.Value || g.SystemSeconds.Value < was.SystemSeconds.Value ||
					g.ReadBytes.Value < was.ReadBytes.Value || g.WriteBytes.Value < was.WriteBytes.Value || g.Starts < was.Starts || g.Ends < was.Ends {
					t.Fatalf("a counter shrank: %+v, was %+v", g, was)
				}
				if step > 0 && uint64(g.Processes)+g.Ends-g.Starts != uint64(was.Processes)+was.Ends-was.Starts {
					t.Fatalf("starts and ends do not explain the members: %+v, was %+v", g, was)
				}
				last[g.Name] = g
				members += g.Processes
			}
			if members != len(processes) {
				t.Fatalf("%d members of %d processes", members, len(processes))
			}
		}
	}
}
