package procmon_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
)

var epoch = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)

// proc returns a process that started so many seconds after epoch, with 1 MiB.
func proc(pid, ppid uint32, started int) procmon.Process {
	return procmon.Process{
		PID: pid, PPID: procmon.Some(ppid), Name: fmt.Sprint("p", pid),
		StartTime: procmon.Some(epoch.Add(time.Duration(started) * time.Second)),
		Memory:    procmon.Some(1.0), CPU: procmon.Some(10.0),
	}
}

func withoutStart(p procmon.Process) procmon.Process {
	p.StartTime = procmon.Opt[time.Time]{}
	return p
}

func outline(s *procmon.Snapshot) string {
	var b strings.Builder
	for _, r := range procmon.Tree(s, procmon.CPUPercent(nil, s)) {
		fmt.Fprintf(&b, "%s%d children=%d mem=%v cpu=%v\n", strings.Repeat(".", r.Depth), s.Processes[r.Process].PID, r.Children, r.TreeMemory.Value, r.TreeCPU.Value)
	}
	return b.String()
}

func TestTree(t *testing.T) {
	for _, test := range []struct {
		name      string
		processes []procmon.Process
		want      string
	}{
		{"empty", nil, ""},
		{"sums and order", []procmon.Process{proc(4, 2, 3), proc(3, 1, 2), proc(2, 1, 1), proc(1, 0, 0)},
			"1 children=2 mem=4 cpu=40\n.2 children=1 mem=2 cpu=20\n..4 children=0 mem=1 cpu=10\n.3 children=0 mem=1 cpu=10\n"},
		{"own parent", []procmon.Process{proc(0, 0, 0), proc(4, 0, 0)}, "0 children=1 mem=2 cpu=20\n.4 children=0 mem=1 cpu=10\n"},
		{"parent is gone", []procmon.Process{proc(7, 6, 0)}, "7 children=0 mem=1 cpu=10\n"},
		{"parent's pid is reused", []procmon.Process{proc(7, 6, 0), proc(6, 0, 5)}, "7 children=0 mem=1 cpu=10\n6 children=0 mem=1 cpu=10\n"},
		{"started together", []procmon.Process{proc(7, 6, 0), proc(6, 0, 0)}, "6 children=1 mem=2 cpu=20\n.7 children=0 mem=1 cpu=10\n"},
		{"cycle without start times, with a tail", []procmon.Process{withoutStart(proc(3, 2, 0)), withoutStart(proc(2, 1, 0)), withoutStart(proc(1, 2, 0))},
			"1 children=1 mem=3 cpu=30\n.2 children=1 mem=2 cpu=20\n..3 children=0 mem=1 cpu=10\n"},
		{"cycle of equal start times", []procmon.Process{proc(5, 6, 0), proc(6, 5, 0)}, "5 children=1 mem=2 cpu=20\n.6 children=0 mem=1 cpu=10\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, outline(&procmon.Snapshot{Processes: test.processes})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTreeHasEveryProcessOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		n := random.IntN(30)
		s := &procmon.Snapshot{}
		for i := range n {
			p := proc(uint32(i), uint32(random.IntN(n)), random.IntN(4))
			if random.IntN(3) == 0 {
				p = withoutStart(p)
			}
			s.Processes = append(s.Processes, p)
		}
		rows := procmon.Tree(s, procmon.CPUPercent(nil, s))
		seen := map[int]bool{}
		for i, r := range rows {
			if r.Parent >= i || r.Parent >= 0 && rows[r.Parent].Depth != r.Depth-1 {
				t.Fatalf("row %d stands at depth %d, its parent is row %d", i, r.Depth, r.Parent)
			}
			if r.TreeMemory.Value != float64(r.Descendants+1) {
				t.Fatalf("row %d has %d descendants and %v MiB", i, r.Descendants, r.TreeMemory.Value)
			}
			seen[r.Process] = true
		}
		if len(rows) != n || len(seen) != n {
			t.Fatalf("%d processes make %d rows of %d processes", n, len(rows), len(seen))
		}
	}
}

func TestCPUPercent(t *testing.T) {
	at := func(seconds int, p ...procmon.Process) *procmon.Snapshot {
		return &procmon.Snapshot{Timestamp: epoch.Add(time.Duration(seconds) * time.Second), Processes: p}
	}
	used := func(p procmon.Process, seconds float64) procmon.Process {
		p.CPUSeconds = procmon.Some(seconds)
		return p
	}
	for _, test := range []struct {
		name         string
		previous, at *procmon.Snapshot
		want         float64
	}{
		{"no snapshot before", nil, at(10, used(proc(1, 0, 0), 5)), 10},
		{"grown", at(10, used(proc(1, 0, 0), 5)), at(20, used(proc(1, 0, 0), 20)), 150},
		{"new", at(10), at(20, used(proc(1, 0, 15), 1)), 10},
		{"not seen before but older", at(10), at(20, used(proc(1, 0, 0), 5)), 10},
		{"pid reused", at(10, used(proc(1, 0, 0), 5)), at(20, used(proc(1, 0, 12), 2)), 20},
		{"shrunk", at(10, used(proc(1, 0, 0), 5)), at(20, used(proc(1, 0, 0), 4)), 10},
		{"payload without cpu_seconds", at(10, proc(1, 0, 0)), at(20, proc(1, 0, 0)), 10},
		{"same instant", at(10, used(proc(1, 0, 0), 5)), at(10, used(proc(1, 0, 0), 6)), 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := procmon.CPUPercent(test.previous.Counters(), test.at)[0]; got != procmon.Some(test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
