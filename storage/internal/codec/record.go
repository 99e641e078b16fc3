package codec

import (
	"maps"
	"slices"

	"github.com/procmon/procmon"
)

// A record is, in this order: the host, its labels, the hostname, the timestamp, one row
// of systemColumns, the number of processes with a row of processColumns for each, and the
// number of events with a row of eventColumns for each.
// Numbers are uvarints, as encoding/binary defines them; counts of what may be nil are one
// higher, and 0 is nil.

var systemColumns = []column[procmon.System]{
	text(func(s *procmon.System) *procmon.Opt[string] { return &s.OS }),
	text(func(s *procmon.System) *procmon.Opt[string] { return &s.Processor }),
	whole32(func(s *procmon.System) *procmon.Opt[uint32] { return &s.Cores }),
	whole32(func(s *procmon.System) *procmon.Opt[uint32] { return &s.Threads }),
	number(func(s *procmon.System) *procmon.Opt[float64] { return &s.RAMGB }),
	number(func(s *procmon.System) *procmon.Opt[float64] { return &s.UsedRAMGB }),
	number(func(s *procmon.System) *procmon.Opt[float64] { return &s.FreeRAMGB }),
	number(func(s *procmon.System) *procmon.Opt[float64] { return &s.StorageTotalGB }),
	number(func(s *procmon.System) *procmon.Opt[float64] { return &s.StorageUsedGB }),
	number(func(s *procmon.System) *procmon.Opt[float64] { return &s.StorageFreeGB }),
	instant(func(s *procmon.System) *procmon.Opt[time] { return &s.BootTime }),
	number(func(s *procmon.System) *procmon.Opt[float64] { return &s.CPU }),
	text(func(s *procmon.System) *procmon.Opt[string] { return &s.AgentVersion }),
}

var processColumns = []column[procmon.Process]{
	{encodePIDs, decodePIDs, func(a, b *procmon.Process) bool { return a.PID == b.PID }, func(p *procmon.Process) { p.PID = 0 }},
	whole32(func(p *procmon.Process) *procmon.Opt[uint32] { return &p.PPID }),
	{encodeNames, decodeNames, func(a, b *procmon.Process) bool { return a.Name == b.Name }, func(p *procmon.Process) { p.Name = "" }},
	number(func(p *procmon.Process) *procmon.Opt[float64] { return &p.CPU }),
	number(func(p *procmon.Process) *procmon.Opt[float64] { return &p.Memory }),
	text(func(p *procmon.Process) *procmon.Opt[string] { return &p.Cmdline }),
	text(func(p *procmon.Process) *procmon.Opt[string] { return &p.Username }),
	instant(func(p *procmon.Process) *procmon.Opt[time] { return &p.StartTime }),
	text(func(p *procmon.Process) *procmon.Opt[string] { return &p.Exe }),
	number(func(p *procmon.Process) *procmon.Opt[float64] { return &p.CPUSeconds }),
	whole64(func(p *procmon.Process) *procmon.Opt[uint64] { return &p.WorkingSetBytes }),
	whole64(func(p *procmon.Process) *procmon.Opt[uint64] { return &p.PrivateBytes }),
	whole32(func(p *procmon.Process) *procmon.Opt[uint32] { return &p.Threads }),
	whole32(func(p *procmon.Process) *procmon.Opt[uint32] { return &p.Handles }),
	whole64(func(p *procmon.Process) *procmon.Opt[uint64] { return &p.ReadBytes }),
	whole64(func(p *procmon.Process) *procmon.Opt[uint64] { return &p.WriteBytes }),
	whole32(func(p *procmon.Process) *procmon.Opt[uint32] { return &p.SessionID }),
	{encodeServices, decodeServices, sameServices, func(p *procmon.Process) { p.Services = nil }},
	// Format 1 had no more.
	number(func(p *procmon.Process) *procmon.Opt[float64] { return &p.KernelSeconds }),
	whole64(func(p *procmon.Process) *procmon.Opt[uint64] { return &p.ReadOperations }),
	whole64(func(p *procmon.Process) *procmon.Opt[uint64] { return &p.WriteOperations }),
	text(func(p *procmon.Process) *procmon.Opt[string] { return &p.Integrity }),
	optional(func(p *procmon.Process) *procmon.Opt[bool] { return &p.Elevated }, (*encoder).truth, (*decoder).truth),
	whole32(func(p *procmon.Process) *procmon.Opt[uint32] { return &p.Bits }),
	text(func(p *procmon.Process) *procmon.Opt[string] { return &p.Company }),
	text(func(p *procmon.Process) *procmon.Opt[string] { return &p.Description }),
}

const earlyColumns = 18 // of processColumns, in format 1

// columns returns what there is of each process.
func columns(early bool) []column[procmon.Process] {
	if early {
		return processColumns[:earlyColumns]
	}
	return processColumns
}

func (e *encoder) record(r procmon.Record) error {
	s := r.Snapshot
	if len(s.Processes) > MaxProcesses {
		return tooManyProcesses(s)
	}
	e.text(r.Host)
	e.labels(r.Labels)
	e.text(s.Hostname)
	e.instant(s.Timestamp)
	system := []*procmon.System{&s.System}
	for _, c := range systemColumns {
		c.encode(e, system)
	}
	e.count(len(s.Processes), s.Processes == nil)
	e.rows = pointers(e.rows[:0], s.Processes)
	for _, c := range processColumns {
		c.encode(e, e.rows)
	}
	e.events(s.Events)
	return e.err
}

func (d *decoder) record(early bool) (procmon.Record, error) {
	s := &procmon.Snapshot{}
	r := procmon.Record{Host: d.string(), Snapshot: s}
	r.Labels = d.labels()
	s.Hostname = d.string()
	s.Timestamp = d.instant()
	system := []*procmon.System{&s.System}
	for _, c := range systemColumns {
		c.decode(d, system)
	}
	n, known := d.count(min(MaxProcesses, len(d.data)-d.at))
	if d.err != nil {
		return r, d.err
	}
	if known {
		s.Processes = make([]procmon.Process, n)
	}
	rows := pointers(nil, s.Processes)
	for _, c := range columns(early) {
		if c.decode(d, rows); d.err != nil {
			return r, d.err
		}
	}
	if !early {
		s.Events = d.events()
	}
	return r, d.end()
}

func (e *encoder) labels(labels map[string]string) {
	e.count(len(labels), labels == nil)
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		e.text(name)
		e.text(labels[name])
	}
}

func (d *decoder) labels() map[string]string {
	n, known := d.count(len(d.data))
	if !known {
		return nil
	}
	labels := make(map[string]string, min(n, 64))
	for range n {
		name := d.string()
		labels[name] = d.string()
		if d.err != nil {
			return nil
		}
	}
	return labels
}

func encodePIDs(e *encoder, ps []*procmon.Process) {
	last := int64(0)
	for i := range ps {
		e.signed(int64(ps[i].PID) - last)
		last = int64(ps[i].PID)
	}
}

func decodePIDs(d *decoder, ps []*procmon.Process) {
	last := int64(0)
	for i := range ps {
		last += d.signed()
		if last < 0 || last > 1<<32-1 {
			d.fail("pid %d is out of range", last)
			return
		}
		ps[i].PID = uint32(last)
	}
}

func encodeNames(e *encoder, ps []*procmon.Process) {
	for i := range ps {
		e.text(ps[i].Name)
	}
}

func decodeNames(d *decoder, ps []*procmon.Process) {
	for i := range ps {
		ps[i].Name = d.string()
	}
}

// encodeServices writes 0 when no process has services, which is how it is on most hosts.
func encodeServices(e *encoder, ps []*procmon.Process) {
	if !slices.ContainsFunc(ps, func(p *procmon.Process) bool { return p.Services != nil }) {
		e.whole(0)
		return
	}
	e.whole(1)
	for i := range ps {
		e.count(len(ps[i].Services), ps[i].Services == nil)
		for _, name := range ps[i].Services {
			e.text(name)
		}
	}
}

func decodeServices(d *decoder, ps []*procmon.Process) {
	if d.whole(1) == 0 {
		return
	}
	for i := range ps {
		n, known := d.count(len(d.data) - d.at)
		if d.err != nil {
			return
		}
		if !known {
			continue
		}
		ps[i].Services = make([]string, n)
		for j := range ps[i].Services {
			ps[i].Services[j] = d.string()
		}
	}
}

// sameServices tells nil, which is unknown, from none.
func sameServices(a, b *procmon.Process) bool {
	return (a.Services == nil) == (b.Services == nil) && slices.Equal(a.Services, b.Services)
}

func pointers[T any](dst []*T, rows []T) []*T {
	for i := range rows {
		dst = append(dst, &rows[i])
	}
	return dst
}
