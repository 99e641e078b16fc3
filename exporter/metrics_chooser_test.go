package exporter_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter"
	"github.com/procmon/procmon/exporter/proctable"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// worker is a process for choosing.
func worker(pid uint32, started int, name string, cpuSeconds float64) procmon.Process {
	return procmon.Process{PID: pid, StartTime: procmon.Some(noon.Add(time.Duration(started) * time.Second)), Name: name, CPUSeconds: procmon.Some(cpuSeconds)}
}

func newChooser(t testing.TB, p exporter.ProcessSeries) *exporter.Chooser {
	t.Helper()
	c, err := exporter.NewChooser(p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChoosing(t *testing.T) {
	type step struct {
		processes []procmon.Process
		most      int
		want      []uint32
		left      int
	}
	at := func(most int, want []uint32, left int, processes ...procmon.Process) step {
		return step{processes, most, want, left}
	}
	for _, test := range []struct {
		name    string
		options exporter.ProcessSeries
		steps   []step // a minute apart
	}{
		{"by name", exporter.ProcessSeries{Names: []string{"^sql", "x$"}}, []step{
			at(9, []uint32{1, 3}, 0, worker(1, 0, "sqlservr", 0), worker(2, 0, "a sql", 50), worker(3, 0, "nginx", 0)),
			at(9, []uint32{2}, 0, worker(1, 0, "renamed", 0), worker(2, 0, "sqlwriter", 50), worker(3, 9, "other", 0)), // 3 is another
		}},
		{"shown by name stays", exporter.ProcessSeries{Names: []string{"a"}}, []step{
			at(1, []uint32{5}, 0, worker(5, 0, "a", 0)),
			at(1, []uint32{5}, 1, worker(2, 0, "a", 0), worker(5, 0, "a", 0)),
			at(0, nil, 2, worker(2, 0, "a", 0), worker(5, 0, "a", 0)),
			at(1, []uint32{2}, 0, worker(2, 0, "a", 0)),
		}},
		{"names come before top", exporter.ProcessSeries{Names: []string{"a"}, Top: 1}, []step{
			at(9, []uint32{1}, 0, worker(1, 0, "a", 10), worker(2, 0, "b", 20)),
			at(9, []uint32{1, 2}, 0, worker(1, 0, "a", 90), worker(2, 0, "b", 25)), // the named one takes no place of the top
			at(1, []uint32{1}, 1, worker(1, 0, "a", 90), worker(2, 0, "b", 45)),
		}},
		{"top by what was used lately", exporter.ProcessSeries{Top: 2}, []step{
			at(9, nil, 0, worker(1, 0, "a", 1000), worker(2, 0, "b", 0), worker(3, 0, "c", 0)), // long ago
			at(9, []uint32{2, 3}, 0, worker(1, 0, "a", 1001), worker(2, 0, "b", 10), worker(3, 0, "c", 5)),
			at(9, []uint32{2, 3}, 0, worker(1, 0, "a", 1007), worker(2, 0, "b", 10), worker(3, 0, "c", 8)), // not twice as much
			at(9, []uint32{1, 3}, 0, worker(1, 0, "a", 1027), worker(2, 0, "b", 10), worker(3, 0, "c", 18)),
		}},
		{"idle processes stay until others work", exporter.ProcessSeries{Top: 1}, []step{
			at(9, nil, 0, worker(1, 0, "a", 0), worker(2, 0, "b", 0)),
			at(9, []uint32{2}, 0, worker(1, 0, "a", 0), worker(2, 0, "b", 1)),
			at(9, []uint32{2}, 0, worker(1, 0, "a", 0), worker(2, 0, "b", 1)),
			at(9, []uint32{1}, 0, worker(1, 0, "a", 5), worker(2, 0, "b", 1)),
		}},
		{"a new process used all it used", exporter.ProcessSeries{Top: 1}, []step{
			at(9, nil, 0, worker(1, 0, "a", 0)),
			at(9, []uint32{2}, 0, worker(1, 0, "a", 5), worker(2, 30, "b", 20)),
			at(9, []uint32{1}, 0, worker(1, 0, "a", 9), worker(2, 90, "c", 1)), // 2 is another
		}},
		{"Windows' idle process is not at work", exporter.ProcessSeries{Top: 1}, []step{
			at(9, nil, 0, worker(0, 0, "System Idle Process", 1000), worker(4, 0, "System", 1)),
			at(9, []uint32{4}, 0, worker(0, 0, "System Idle Process", 1100), worker(4, 0, "System", 2)),
		}},
		{"counters that shrink or are unknown", exporter.ProcessSeries{Top: 3}, []step{
			at(9, nil, 0, worker(1, 0, "a", 9), procmon.Process{PID: 2, Name: "b"}),
			at(9, nil, 0, worker(1, 0, "a", 3), procmon.Process{PID: 2, Name: "b"}),
			at(9, []uint32{1}, 0, worker(1, 0, "a", 4), procmon.Process{PID: 2, Name: "b", CPUSeconds: procmon.Some(9.0)}),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newChooser(t, test.options)
			for i, step := range test.steps {
				rows := &proctable.Rows{Processes: step.processes, Details: make([]proctable.Detail, len(step.processes))}
				for range 2 { // a collection that is seen again changes nothing
					got, left := c.Choose(rows, noon.Add(time.Duration(i)*time.Minute), step.most)
					if diff := cmp.Diff(step.want, got); diff != "" || left != step.left {
						t.Errorf("step %d: %d left out, want %d\n%s", i, left, step.left, diff)
					}
				}
			}
		})
	}
}

// TestChoiceIsSteady lets twenty processes work about equally hard, with chance, for a day of
// scrapes: a choice of the five that were ahead just now would change nearly each time.
func TestChoiceIsSteady(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	c := newChooser(t, exporter.ProcessSeries{Top: 5})
	var processes []procmon.Process
	for pid := range uint32(20) {
		processes = append(processes, worker(pid+1, 0, fmt.Sprint("worker", pid), 0))
	}
	rows := &proctable.Rows{Processes: processes, Details: make([]proctable.Detail, len(processes))}
	const scrapes = 24 * 60 * 4
	changes, last := 0, []uint32(nil)
	for i := range scrapes {
		for j := range processes {
			processes[j].CPUSeconds.Value += 3 + 4*random.Float64()
		}
		got, _ := c.Choose(rows, noon.Add(time.Duration(i)*15*time.Second), 100)
		if i > 10 && !cmp.Equal(got, last) {
			changes++
		}
		last = got
	}
	if len(last) != 5 || changes > 0 {
		t.Errorf("%v are chosen after %d changes in %d scrapes, want 5 after none", last, changes, scrapes)
	}
}
