package block_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
)

// TestSegments holds what a block and a builder say piece by piece against the snapshots that
// they took in.
func TestSegments(t *testing.T) {
	z := newCompressor(t)
	for seed := range uint64(40) {
		records := history(seed, 12)
		b := block.NewBuilder()
		for _, r := range records {
			if _, err := b.Add(nil, r); err != nil {
				t.Fatal(err)
			}
		}
		encoded, err := block.Open(b.Encode(z), z)
		if err != nil {
			t.Fatal(err)
		}
		for name, s := range map[string]block.Segment{"builder": b, "block": encoded} {
			check := func(what string, want, got any) {
				t.Helper()
				if diff := cmp.Diff(want, got, sameBits); diff != "" {
					t.Fatalf("seed %d, %s of the %s (-want +got):\n%s", seed, what, name, diff)
				}
			}
			check("processes", pieces(t, records), piecesOf(t, s))
			var systems []procmon.System
			must(t, s.Hosts(func(step int, system *procmon.System) error {
				for len(systems) < step {
					systems = append(systems, systems[len(systems)-1])
				}
				systems = append(systems, *system)
				return nil
			}))
			for step, r := range records {
				check("host", r.Snapshot.System, systems[min(step, len(systems)-1)])
			}
			events := make([][]procmon.Event, len(records))
			must(t, s.Events(func(step int, e []procmon.Event) error {
				events[step] = e
				return nil
			}))
			for step, r := range records {
				if len(r.Snapshot.Events) > 0 {
					check("events", r.Snapshot.Events, events[step])
				} else if events[step] != nil {
					t.Fatalf("seed %d: the %s has events in step %d", seed, name, step)
				}
			}
			for _, r := range records {
				for i := range r.Snapshot.Processes {
					p := &r.Snapshot.Processes[i]
					if ok, err := s.AnyWord(func(word string) bool { return word == p.Name }); p.Name != "" && (err != nil || !ok) {
						t.Fatalf("seed %d: the %s does not have the word %q, %v", seed, name, p.Name, err)
					}
					if ok, err := s.AnyLine(func(line string) bool { return line == p.Cmdline.Value }); p.Cmdline.Value != "" && (err != nil || !ok) {
						t.Fatalf("seed %d: the %s does not have the line %q, %v", seed, name, p.Cmdline.Value, err)
					}
				}
			}
			none := func(text string) bool { return strings.HasPrefix(text, "there is no such text") }
			word, err := s.AnyWord(none)
			line, err2 := s.AnyLine(none)
			if word || line || err != nil || err2 != nil {
				t.Fatalf("the %s has what it was not given: %v, %v", name, err, err2)
			}
		}
	}
}

func trim(p procmon.Process) procmon.Process {
	if p.CPUSeconds.Known {
		p.CPU = procmon.Opt[float64]{}
	}
	p.WorkingSetBytes = p.MemoryBytes()
	p.Memory, p.ReadOperations, p.WriteOperations = procmon.Opt[float64]{}, procmon.Opt[uint64]{}, procmon.Opt[uint64]{}
	return p
}

func pieces(t *testing.T, records []procmon.Record) map[procmon.ProcessID][]procmon.Process {
	t.Helper()
	all := map[procmon.ProcessID][]procmon.Process{}
	for _, r := range records {
		for _, p := range r.Snapshot.Processes {
			all[p.ID()] = append(all[p.ID()], trim(p))
		}
	}
	return all
}

// piecesOf puts Rows, Facts and Walk together.
func piecesOf(t *testing.T, s block.Segment) map[procmon.ProcessID][]procmon.Process {
	t.Helper()
	all := map[procmon.ProcessID][]procmon.Process{}
	rows, err := s.Rows()
	must(t, err)
	for i := range rows {
		numbers, facts := map[int]procmon.Process{}, map[int]procmon.Process{}
		must(t, s.Walk(i, block.Numbers, func(step int, p *procmon.Process) { numbers[step] = *p }))
		must(t, s.Facts(i, true, func(step int, p *procmon.Process) error {
			facts[step] = *p
			return nil
		}))
		must(t, s.Facts(i, false, func(step int, p *procmon.Process) error {
			want := facts[step]
			if p.Name != want.Name || p.Username != want.Username || p.Cmdline.Known || p.Exe.Known {
				t.Errorf("without lines %v, with them %v", *p, want)
			}
			return nil
		}))
		var number, fact procmon.Process
		for step := range s.Times() {
			if p, ok := numbers[step]; ok {
				number = p
			}
			if p, ok := facts[step]; ok {
				fact = p
			}
			if !rows[i].In(step) {
				continue
			}
			p := fact
			p.CPU, p.CPUSeconds, p.KernelSeconds = number.CPU, number.CPUSeconds, number.KernelSeconds
			p.WorkingSetBytes, p.PrivateBytes, p.Threads, p.Handles = number.WorkingSetBytes, number.PrivateBytes, number.Threads, number.Handles
			p.ReadBytes, p.WriteBytes = number.ReadBytes, number.WriteBytes
			all[p.ID()] = append(all[p.ID()], p)
		}
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
