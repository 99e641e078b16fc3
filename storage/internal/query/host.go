package query

import (
	"errors"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
)

// errDerive says that the segments before are needed once more, with what processes used.
var errDerive = errors.New("the use of processes is needed")

// hostSeries measures a host. Most agents tell the use of the host, and then that of its
// processes, which takes longer to read, is left out.
type hostSeries struct {
	from, to int64
	cpu      bool // it is asked for
	rows     bool // what is asked for is of its processes: how many there are, came and went
	derive   bool // from what processes used, wherever the agent does not tell
	skipped  bool // that was not done for a segment
	out      *reducer
	clock    clock
	last     map[procmon.ProcessID]procmon.Process // in the snapshot before the segment; nil if there is none
}

// moment is what a host is in one step.
type moment struct {
	system       procmon.System
	count        int
	starts, ends int
	cpu          procmon.Opt[float64] // percent of one core, of all processes but the idle one
}

func (s *hostSeries) segment(g block.Segment) error {
	times := g.Times()
	moments := make([]moment, len(times))
	if err := systems(g, moments); err != nil {
		return err
	}
	derive := s.derive
	for i := range moments {
		derive = derive || s.cpu && !moments[i].system.CPU.Known && moments[i].system.Threads.Or(0) > 0
	}
	if derive && s.skipped {
		return errDerive
	}
	s.skipped = s.skipped || !derive
	if derive || s.rows {
		if err := s.processes(g, moments, derive); err != nil {
			return err
		}
	}
	for step, at := range times {
		if at < s.from || at > s.to {
			continue
		}
		if err := s.tell(times, step, &moments[step]); err != nil {
			return err
		}
	}
	s.clock.end(times)
	return nil
}

// processes adds what there is to know of the processes.
func (s *hostSeries) processes(g block.Segment, moments []moment, derive bool) error {
	rows, err := g.Rows()
	if err != nil {
		return err
	}
	s.count(rows, moments)
	ends := make(map[procmon.ProcessID]procmon.Process)
	for i := range rows {
		if !rows[i].In(len(moments)-1) && !derive {
			continue
		}
		if err := s.process(g, i, &rows[i], derive, moments, ends); err != nil {
			return err
		}
	}
	s.last = ends
	return nil
}

// systems fills in the facts of the host.
func systems(g block.Segment, moments []moment) error {
	next, system := 0, procmon.System{}
	err := g.Hosts(func(step int, now *procmon.System) error {
		for ; next < step; next++ {
			moments[next].system = system
		}
		system = *now
		return nil
	})
	for ; next < len(moments); next++ {
		moments[next].system = system
	}
	return err
}

// count fills in how many processes there are, came and went.
func (s *hostSeries) count(rows []block.Row, moments []moment) {
	stayed := 0
	for i := range rows {
		rows[i].Stays(func(from, to int) {
			for step := from; step < to; step++ {
				moments[step].count++
			}
			if from > 0 {
				moments[from].starts++
			} else if _, was := s.last[rows[i].ID]; was {
				stayed++
			} else {
				moments[0].starts++
			}
			if to < len(moments) {
				moments[to].ends++
			}
		})
	}
	moments[0].ends = len(s.last) - stayed
}

// process adds the CPU use of a process, and to ends what it is at last.
func (s *hostSeries) process(g block.Segment, i int, row *block.Row, derive bool, moments []moment, ends map[procmon.ProcessID]procmon.Process) error {
	times := g.Times()
	if !derive {
		ends[row.ID] = procmon.Process{}
		return nil
	}
	before, was := s.last[row.ID]
	there := s.clock.last
	return each(g, i, row, block.CPUSeconds|block.DeliveredCPU, func(step int, p *procmon.Process) {
		interval, from := s.clock.interval(times, step), &before
		last := s.clock.before(times, step)
		switch {
		case was && there == last:
		case rowStarted(row.ID, p, last):
			from = &procmon.Process{CPUSeconds: procmon.Some(0.0)}
		default:
			interval = 0
		}
		if cpu := cpuPercent(from, p, interval); cpu.Known && p.PID != 0 {
			m := &moments[step].cpu
			m.Value, m.Known = m.Value+cpu.Value, true
		}
		before, was, there = *p, true, times[step]
		if step == len(times)-1 {
			ends[row.ID] = *p
		}
	})
}

func (s *hostSeries) tell(times []int64, step int, m *moment) error {
	if err := s.out.point(times[step]); err != nil {
		return err
	}
	interval := s.clock.interval(times, step)
	cpu := m.system.CPU
	if threads := m.system.Threads.Or(0); !cpu.Known && m.cpu.Known && threads > 0 {
		cpu = procmon.Some(min(100, m.cpu.Value/float64(threads)))
	}
	s.out.add(procmon.MetricCPU, cpu, weightOf(interval))
	used := m.system.UsedRAMGB
	used.Value *= 1 << 30
	s.out.add(procmon.MetricMemory, used, 1)
	s.out.add(procmon.MetricProcesses, procmon.Some(float64(m.count)), 1)
	if interval > 0 {
		s.out.add(procmon.MetricStarts, procmon.Some(float64(m.starts)), 1)
		s.out.add(procmon.MetricEnds, procmon.Some(float64(m.ends)), 1)
	}
	return nil
}
