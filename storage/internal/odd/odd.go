// Package odd makes random snapshots for tests, full of values that are easily lost.
package odd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/procmon/procmon"
)

// opt makes a fact known or not, and its value usual or odd.
func opt[T any](rnd *rand.Rand, value func() T) procmon.Opt[T] {
	if rnd.IntN(4) == 0 {
		return procmon.Opt[T]{}
	}
	return procmon.Some(value())
}

// A Source makes the values of one random snapshot. Floats are of one kind per snapshot,
// since the codec chooses a form for a whole column.
type Source struct {
	rnd   *rand.Rand
	float func() float64
}

// New returns the source of that seed.
func New(seed uint64) Source {
	rnd := rand.New(rand.NewPCG(seed, 5))
	floats := []func() float64{
		func() float64 { return float64(rnd.IntN(1000)) },
		func() float64 { return float64(rnd.Int64N(1<<40)) / 64 },
		func() float64 { return float64(rnd.IntN(10000)) / 100 },
		func() float64 { return float64(rnd.IntN(1<<30)) / (1 << 20) },
		func() float64 { return float64(rnd.Int64N(1e12)) / 1e7 },
		rnd.NormFloat64,
		func() float64 { return math.Float64frombits(rnd.Uint64()) },
		func() float64 {
			return []float64{0, math.Copysign(0, -1), 1 << 53, 1<<53 + 2, -1, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), 0.1, 0.29}[rnd.IntN(10)]
		},
	}
	return Source{rnd, floats[rnd.IntN(len(floats))]}
}

func (s Source) text() string {
	words := []string{"", "svchost.exe", "C:\\Windows", "\x00\xff", "<img src=x>", "日本語", strings.Repeat("long ", 200)}
	if s.rnd.IntN(2) == 0 {
		return fmt.Sprint(s.rnd.Uint64())
	}
	return words[s.rnd.IntN(len(words))]
}

func (s Source) whole() uint64 { return s.rnd.Uint64() >> s.rnd.IntN(64) }

func (s Source) whole32() uint32 { return uint32(s.whole()) }

func (s Source) time() time.Time {
	unit := []int64{1, 100, 1e6, 1e7, 1e9, 1e9}[s.rnd.IntN(6)]
	return time.Unix(0, (s.rnd.Int64N(1<<62)-1<<61)/unit*unit).UTC()
}

// Record returns a random record, with pids that may come twice.
func (s Source) Record() procmon.Record {
	text := func() procmon.Opt[string] { return opt(s.rnd, s.text) }
	number := func() procmon.Opt[float64] { return opt(s.rnd, s.float) }
	whole := func() procmon.Opt[uint64] { return opt(s.rnd, s.whole) }
	whole32 := func() procmon.Opt[uint32] { return opt(s.rnd, s.whole32) }
	instant := func() procmon.Opt[time.Time] { return opt(s.rnd, s.time) }
	snapshot := &procmon.Snapshot{
		Hostname: s.text(), Timestamp: s.time(),
		System: procmon.System{
			OS: text(), Processor: text(), Cores: whole32(), Threads: whole32(),
			RAMGB: number(), UsedRAMGB: number(), FreeRAMGB: number(),
			StorageTotalGB: number(), StorageUsedGB: number(), StorageFreeGB: number(),
			BootTime: instant(), CPU: number(), AgentVersion: text(),
		},
	}
	r := procmon.Record{Host: s.text(), Snapshot: snapshot}
	if s.rnd.IntN(3) > 0 {
		r.Labels = map[string]string{}
		for range s.rnd.IntN(5) {
			r.Labels[s.text()] = s.text()
		}
	}
	if s.rnd.IntN(10) > 0 {
		snapshot.Processes = make([]procmon.Process, s.rnd.IntN(40))
	}
	for i := range snapshot.Processes {
		snapshot.Processes[i] = procmon.Process{
			PID: s.whole32(), PPID: whole32(), Name: s.text(), CPU: number(), Memory: number(),
			Cmdline: text(), Username: text(), StartTime: instant(), Exe: text(), CPUSeconds: number(),
			WorkingSetBytes: whole(), PrivateBytes: whole(), Threads: whole32(), Handles: whole32(),
			ReadBytes: whole(), WriteBytes: whole(), SessionID: whole32(),
			KernelSeconds: number(), ReadOperations: whole(), WriteOperations: whole(), Integrity: text(),
			Elevated: opt(s.rnd, func() bool { return s.rnd.IntN(2) == 0 }), Bits: whole32(), Company: text(), Description: text(),
		}
		if s.rnd.IntN(3) == 0 {
			services := make([]string, s.rnd.IntN(3))
			for j := range services {
				services[j] = s.text()
			}
			snapshot.Processes[i].Services = services
		}
	}
	if s.rnd.IntN(3) == 0 {
		snapshot.Events = make([]procmon.Event, s.rnd.IntN(5))
	}
	for i := range snapshot.Events {
		snapshot.Events[i] = procmon.Event{
			Kind: []procmon.EventKind{procmon.Started, procmon.Ended}[s.rnd.IntN(2)], Time: s.time(), PID: s.whole32(), PPID: whole32(),
			StartTime: instant(), Name: text(), Exe: text(), Cmdline: text(), Username: text(),
			ExitCode: opt(s.rnd, func() int64 { return int64(s.whole()) }),
		}
	}
	return r
}

// Successor returns r as it might be a while later: processes come, go, change and move.
func (s Source) Successor(r procmon.Record) procmon.Record {
	next := s.Record()
	snapshot := *r.Snapshot
	snapshot.Timestamp = next.Snapshot.Timestamp
	snapshot.Processes = nil
	for _, p := range r.Snapshot.Processes {
		if s.rnd.IntN(5) > 0 {
			snapshot.Processes = append(snapshot.Processes, p)
		}
	}
	for i, other := range next.Snapshot.Processes {
		switch s.rnd.IntN(4) {
		case 0:
			snapshot.Processes = slices.Insert(snapshot.Processes, s.rnd.IntN(len(snapshot.Processes)+1), other)
		case 1:
			if i < len(snapshot.Processes) {
				other.PID = snapshot.Processes[i].PID
				snapshot.Processes[i] = other
			}
		case 2:
			if i < len(snapshot.Processes) {
				snapshot.Processes[i].CPU, snapshot.Processes[i].ReadBytes = other.CPU, other.ReadBytes
			}
		}
	}
	if s.rnd.IntN(3) == 0 {
		snapshot.System = next.Snapshot.System
	}
	if s.rnd.IntN(5) == 0 {
		s.rnd.Shuffle(len(snapshot.Processes), func(i, j int) {
			snapshot.Processes[i], snapshot.Processes[j] = snapshot.Processes[j], snapshot.Processes[i]
		})
	}
	r.Snapshot = &snapshot
	if s.rnd.IntN(4) == 0 {
		r.Labels, r.Host = next.Labels, next.Host
	}
	return r
}
