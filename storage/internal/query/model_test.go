package query_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var began = time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)

// fleet is a source, and the plain lists of snapshots that it is held against.
type fleet struct {
	z       *block.Compressor
	names   []string // keys, sorted
	records map[string][]procmon.Record
	values  map[string][][]byte // blocks
	heads   map[string]*block.Builder
}

func newFleet(t testing.TB) *fleet {
	z, err := block.NewCompressor(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(z.Close)
	return &fleet{z: z, records: map[string][]procmon.Record{}, values: map[string][][]byte{}, heads: map[string]*block.Builder{}}
}

// add stores records of one host in blocks of so many, and the last of them in a builder.
func (f *fleet) add(t testing.TB, host string, records []procmon.Record, each int) {
	t.Helper()
	key := procmon.HostKey(host)
	f.names = append(f.names, key)
	slices.Sort(f.names)
	f.records[key] = records
	for len(records) > 0 {
		n := min(each, len(records))
		b := block.NewBuilder()
		for _, r := range records[:n] {
			if _, err := b.Add(nil, r); err != nil {
				t.Fatal(err)
			}
		}
		if records = records[n:]; len(records) == 0 {
			f.heads[key] = b
		} else {
			f.values[key] = append(f.values[key], b.Encode(f.z))
		}
	}
}

func (f *fleet) Hosts(context.Context) (all []procmon.HostSummary, err error) {
	for _, key := range f.names {
		r := f.records[key]
		all = append(all, procmon.HostSummary{Host: r[0].Host, Labels: r[0].Labels})
	}
	return all, nil
}

func (f *fleet) Segments(ctx context.Context, key string, from, to int64, fn func(block.Segment) error) error {
	tell := func(g block.Segment) error {
		times := g.Times()
		if times[0] > to || times[len(times)-1] < from {
			return nil
		}
		return fn(g)
	}
	for _, value := range f.values[key] {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := block.Open(value, f.z)
		if err != nil {
			return err
		}
		if err := tell(b); err != nil {
			return err
		}
	}
	if head := f.heads[key]; head != nil {
		return tell(head)
	}
	return nil
}

func (f *fleet) Newest(_ context.Context, key string, until int64) (nanos int64, ok bool, err error) {
	for _, r := range f.records[key] {
		if at := r.Snapshot.Timestamp.UnixNano(); at <= until {
			nanos, ok = at, true
		}
	}
	return nanos, ok, nil
}

// random makes snapshots of a host with gaps, restarts of the host and of processes, counters
// that shrink, and facts that are not known.
func random(rnd *rand.Rand, host string, n int) (records []procmon.Record) {
	at := began.Add(time.Duration(rnd.IntN(100)) * time.Second)
	var ps []procmon.Process
	pid := uint32(0)
	ghost := rnd.IntN(2) == 0 // it has no CPU seconds
	for range n {
		at = at.Add(time.Duration(1+rnd.IntN(30)) * time.Second)
		if rnd.IntN(25) == 0 {
			at = at.Add(time.Duration(rnd.IntN(150)) * time.Minute)
		}
		if rnd.IntN(40) == 0 {
			ps = nil
		}
		for len(ps) < 3 || rnd.IntN(3) == 0 {
			pid += uint32(rnd.IntN(3))
			if slices.ContainsFunc(ps, func(p procmon.Process) bool { return p.PID == pid }) {
				pid++
				continue
			}
			p := procmon.Process{
				PID: pid, Name: fmt.Sprintf("P%d.exe", rnd.IntN(4)), StartTime: procmon.Some(at.Add(-time.Duration(rnd.IntN(60)) * time.Second)),
				Username: procmon.Opt[string]{Value: "User", Known: true}, PPID: procmon.Some(uint32(rnd.IntN(int(pid) + 1))),
				Cmdline: procmon.Some(fmt.Sprintf("run %d", rnd.IntN(5))),
				Threads: procmon.Some(uint32(1)), CPUSeconds: procmon.Some(float64(rnd.IntN(100)) / 64),
				WorkingSetBytes: procmon.Some(uint64(rnd.IntN(1 << 20))), ReadBytes: procmon.Some(uint64(rnd.IntN(1000))), WriteBytes: procmon.Some(uint64(0)),
			}
			if rnd.IntN(6) == 0 {
				p.Username, p.WorkingSetBytes = procmon.Opt[string]{}, procmon.Opt[uint64]{}
			}
			if ghost && rnd.IntN(2) == 0 {
				p.CPUSeconds, p.CPU = procmon.Opt[float64]{}, procmon.Some(float64(rnd.IntN(10000))/100)
			}
			ps = append(ps, p)
		}
		for i := range ps {
			p := &ps[i]
			switch rnd.IntN(6) {
			case 0, 1:
				p.CPUSeconds.Value += float64(rnd.IntN(64)) / 64
				p.ReadBytes.Value += uint64(rnd.IntN(5000))
			case 2:
				p.WorkingSetBytes.Value = uint64(rnd.IntN(1 << 20))
				if !p.WorkingSetBytes.Known {
					p.WorkingSetBytes.Value = 0
				}
				p.Threads.Value++
			case 3:
				if rnd.IntN(10) == 0 {
					p.CPUSeconds.Value, p.ReadBytes.Value = 0, 0
				}
			case 4:
				if rnd.IntN(20) == 0 {
					p.Name = fmt.Sprintf("P%d.exe", rnd.IntN(4))
				}
			}
			if !p.CPUSeconds.Known {
				p.CPUSeconds.Value = 0
			}
		}
		if rnd.IntN(2) == 0 && len(ps) > 3 {
			i := rnd.IntN(len(ps))
			ps = slices.Delete(ps, i, i+1)
		}
		s := &procmon.Snapshot{Hostname: host, Timestamp: at, Processes: slices.Clone(ps)}
		slices.SortFunc(s.Processes, func(a, b procmon.Process) int { return int(a.PID) - int(b.PID) })
		s.System.Threads = procmon.Some(uint32(4))
		if rnd.IntN(3) > 0 {
			s.System.CPU, s.System.UsedRAMGB = procmon.Some(float64(rnd.IntN(100))), procmon.Some(float64(rnd.IntN(32)))
		}
		records = append(records, procmon.Record{Host: host, Labels: map[string]string{"job": "j"}, Snapshot: s})
	}
	return records
}

// before returns the snapshot before records[i] if it is near enough.
func before(records []procmon.Record, i int) *procmon.Snapshot {
	if i == 0 || records[i].Snapshot.Timestamp.Sub(records[i-1].Snapshot.Timestamp) > time.Hour {
		return nil
	}
	return records[i-1].Snapshot
}

// usage is what a process used between two snapshots, as the model has it.
type usage struct {
	cpu         procmon.Opt[float64] // percent
	read, write procmon.Opt[float64] // bytes per second
	seconds     float64
}

func used(previous, s *procmon.Snapshot, p *procmon.Process) (u usage) {
	if !p.CPUSeconds.Known {
		u.cpu = p.CPU
	}
	if previous == nil {
		return u
	}
	seconds := s.Timestamp.Sub(previous.Timestamp).Seconds()
	var then procmon.Process
	if i, ok := previous.ByID()[p.ID()]; ok {
		then = previous.Processes[i]
	} else if p.StartTime.Known && !p.StartTime.Value.Before(previous.Timestamp) {
		then = procmon.Process{CPUSeconds: procmon.Some(0.0), ReadBytes: procmon.Some[uint64](0), WriteBytes: procmon.Some[uint64](0)}
	} else {
		return u
	}
	u.seconds = seconds
	if p.CPUSeconds.Known && then.CPUSeconds.Known && p.CPUSeconds.Value >= then.CPUSeconds.Value {
		u.cpu = procmon.Some(100 * (p.CPUSeconds.Value - then.CPUSeconds.Value) / seconds)
	}
	rate := func(a, b procmon.Opt[uint64]) procmon.Opt[float64] {
		if !a.Known || !b.Known || b.Value < a.Value {
			return procmon.Opt[float64]{}
		}
		return procmon.Some(float64(b.Value-a.Value) / seconds)
	}
	u.read, u.write = rate(then.ReadBytes, p.ReadBytes), rate(then.WriteBytes, p.WriteBytes)
	return u
}
