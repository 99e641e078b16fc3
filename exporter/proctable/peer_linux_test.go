package proctable_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/internal/crowd"
	"github.com/procmon/procmon/exporter/proctable"
)

// TestAgainstGopsutil holds every process of this machine against another implementation.
// Processes start, exec and end between the two, so only what differs every time counts, and
// only of processes that stood still meanwhile.
func TestAgainstGopsutil(t *testing.T) {
	crowd.Spawn(t, 3)
	table := openTable(t)
	var differ map[procmon.ProcessID]string
	for round := range 5 {
		found, compared := differences(t, table)
		if compared < 4 {
			t.Fatalf("compared only %d processes", compared)
		}
		if round > 0 {
			for id := range found {
				if _, before := differ[id]; !before {
					delete(found, id)
				}
			}
		}
		if differ = found; len(differ) == 0 {
			return
		}
	}
	for id, what := range differ {
		t.Errorf("pid %d: %s", id.PID, what)
	}
}

// differences says of each process in what the table and gopsutil differ.
func differences(t *testing.T, table *proctable.Table) (differ map[procmon.ProcessID]string, compared int) {
	var rows, after proctable.Rows
	if err := table.Read(&rows); err != nil {
		t.Fatal(err)
	}
	differ = map[procmon.ProcessID]string{}
	for i := range rows.Processes {
		p := &rows.Processes[i]
		peer, err := process.NewProcess(int32(p.PID))
		if err != nil {
			continue // it has ended
		}
		if what := difference(p, rows.Details[i], peer); len(what) > 0 {
			differ[p.ID()] = strings.Join(what, "; ")
		}
		compared++
	}
	if err := table.Read(&after); err != nil {
		t.Fatal(err)
	}
	still := map[procmon.ProcessID]bool{}
	for i := range after.Processes {
		p := &after.Processes[i]
		j := slices.IndexFunc(rows.Processes, func(before procmon.Process) bool { return before.ID() == p.ID() })
		still[p.ID()] = j >= 0 && p.CPUSeconds == rows.Processes[j].CPUSeconds && p.WorkingSetBytes == rows.Processes[j].WorkingSetBytes
	}
	maps.DeleteFunc(differ, func(id procmon.ProcessID, _ string) bool { return !still[id] })
	return differ, compared
}

func difference(p *procmon.Process, detail proctable.Detail, peer *process.Process) (what []string) {
	add := func(fact string, ours, theirs any) {
		what = append(what, fmt.Sprintf("%s is %.200q, gopsutil says %.200q", fact, fmt.Sprint(ours), fmt.Sprint(theirs)))
	}
	compare := func(fact, ours string, ask func() (string, error)) {
		// gopsutil leaves a space where cmdline ends in a NUL.
		if theirs, err := ask(); err == nil && strings.TrimSpace(proctable.Clean(theirs)) != strings.TrimSpace(ours) {
			add(fact, ours, theirs)
		}
	}
	near := func(fact string, ours, theirs, apart float64, err error) {
		if err == nil && math.Abs(ours-theirs) > apart {
			add(fact, ours, theirs)
		}
	}
	if !detail.Kernel { // kernel workers are named after what they work on at the moment
		compare("name", p.Name, peer.Name)
	}
	compare("cmdline", p.Cmdline.Value, peer.Cmdline)
	compare("username", p.Username.Value, peer.Username)
	if p.Exe.Known {
		compare("exe", p.Exe.Value, peer.Exe)
	}
	if ppid, err := peer.Ppid(); err == nil && procmon.Some(uint32(ppid)) != p.PPID {
		add("ppid", p.PPID.Value, ppid)
	}
	started, err := peer.CreateTime()
	near("start time", float64(p.StartTime.Value.UnixMilli()), float64(started), float64(1500*time.Millisecond/time.Millisecond), err)
	threads, err := peer.NumThreads()
	near("threads", float64(p.Threads.Value), float64(threads), 4, err)
	if memory, err := peer.MemoryInfo(); err == nil {
		near("resident set", float64(p.WorkingSetBytes.Value), float64(memory.RSS), 16<<20, nil)
	}
	if times, err := peer.Times(); err == nil {
		near("user seconds", detail.UserSeconds, times.User, 0.5, nil)
		near("system seconds", detail.SystemSeconds, times.System, 0.5, nil)
		near("kernel seconds", p.KernelSeconds.Value, detail.SystemSeconds, 0, nil)
		near("CPU seconds", p.CPUSeconds.Value, detail.UserSeconds+detail.SystemSeconds, 1e-9, nil)
	}
	if io, err := peer.IOCounters(); err == nil {
		if p.ReadOperations.Value > io.ReadCount || p.WriteOperations.Value > io.WriteCount { // ours are from before
			add("operations", []uint64{p.ReadOperations.Value, p.WriteOperations.Value}, []uint64{io.ReadCount, io.WriteCount})
		}
	}
	near("memory", p.Memory.Value, float64(p.WorkingSetBytes.Value)/(1<<20), 0, nil)
	return what
}
