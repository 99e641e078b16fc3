package events

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/procmon/procmon"
)

// forks turns what the proc connector tells into starts and ends. A process that has forked
// is still its parent's copy: its start is recorded when it executes a program, and of one
// that does not, when it ends or has been around for a while. What it is then is read from
// /proc; of a process that has ended before, it stays unknown.
//
// A process has ended when its first thread has, if there is no other. If there is, the
// others end too now, or go on without the first, or one of them executes a program and
// becomes the first: its end is recorded when none is left.
type forks struct {
	journal *journal // locked by the callers of all methods but end
	proc    *procReader
	boot    time.Time
	waiting map[uint32]*fork
	ending  map[uint32]*procmon.Event // ends of first threads
	missed  bool                      // events were lost: some that are kept may have ended
}

// A fork is a start that is not recorded yet.
type fork struct {
	event procmon.Event
	ticks uint64        // of its start, after boot
	at    time.Duration // of CLOCK_MONOTONIC
}

const (
	tick = time.Second / 100 // USER_HZ, which is part of the ABI of every Linux that Go runs on
	// settled is the age at which a process that has not executed a program is taken not to.
	settled = 200 * time.Millisecond
	// abandoned is the age at which a process that is gone is taken to be one whose end was
	// lost.
	abandoned = 10 * time.Second
)

func openForks(j *journal, boot time.Time) (*forks, error) {
	proc, err := openProcReader()
	if err != nil {
		return nil, err
	}
	return &forks{journal: j, proc: proc, boot: boot, waiting: map[uint32]*fork{}, ending: map[uint32]*procmon.Event{}}, nil
}

func (f *forks) end() {
	f.journal.mu.Lock()
	defer f.journal.mu.Unlock()
	clear(f.waiting)
	clear(f.ending)
	f.missed = false
	_ = f.proc.close() // a directory that was only read
}

func (f *forks) handle(e *connectorEvent) {
	if e.pid != e.thread {
		return
	}
	switch e.what {
	case connectorFork:
		f.forked(e)
	case connectorExec:
		f.executed(e)
	case connectorExit:
		f.exited(e)
	}
}

func (f *forks) forked(e *connectorEvent) {
	if before := f.waiting[e.pid]; before != nil {
		f.start(before) // its end was lost
	}
	if before := f.ending[e.pid]; before != nil {
		f.finish(before)
	}
	now := &fork{at: e.timestamp, ticks: startTicks(e.timestamp)}
	if s, ok := f.proc.stat(e.pid); ok && near(s.start, now.ticks) {
		now.ticks = s.start
	}
	now.event = procmon.Event{
		Kind: procmon.Started, Time: wallTime(e.timestamp), PID: e.pid,
		PPID: procmon.Some(e.parent), StartTime: f.startTime(now.ticks),
	}
	f.journal.forget(e.pid)
	f.waiting[e.pid] = now
	if len(f.waiting) > maxLiving {
		f.start(now)
	}
}

func (f *forks) executed(e *connectorEvent) {
	delete(f.ending, e.pid)
	if w := f.waiting[e.pid]; w != nil {
		f.look(w)
		f.start(w)
		return
	}
	s, facts, ok := f.proc.look(e.pid)
	if !ok {
		return
	}
	kept := f.journal.forget(e.pid)
	if kept == nil { // it is older than this recording
		kept = &procmon.Event{PID: e.pid, PPID: procmon.Some(s.ppid), StartTime: f.startTime(s.start)}
	}
	f.journal.know(kept, facts)
	f.journal.remember(kept)
}

func (f *forks) exited(e *connectorEvent) {
	if w := f.waiting[e.pid]; w != nil {
		f.look(w)
		f.start(w)
	}
	end := &procmon.Event{Kind: procmon.Ended, Time: wallTime(e.timestamp), PID: e.pid, ExitCode: procmon.Some(exitCode(e.status))}
	var s procStat
	var ok bool
	if f.journal.living[e.pid] != nil {
		s, ok = f.proc.stat(e.pid)
	} else { // it is older than this recording; its parent may not have seen its end yet
		if e.parent != 0 {
			end.PPID = procmon.Some(e.parent)
		}
		var facts Facts
		if s, facts, ok = f.proc.look(e.pid); ok && s.start <= startTicks(e.timestamp) {
			end.StartTime = f.startTime(s.start)
			f.journal.know(end, facts)
		}
	}
	if ok && !s.over() && len(f.ending) < maxLiving {
		f.ending[e.pid] = end
		return
	}
	f.finish(end)
}

// finish records an end.
func (f *forks) finish(end *procmon.Event) {
	delete(f.ending, end.PID)
	f.journal.finished(*end, f.journal.forget(end.PID))
}

// look reads what a process that waits is now, and reports whether it is still there.
func (f *forks) look(w *fork) bool {
	s, facts, ok := f.proc.look(w.event.PID)
	if !ok || !near(s.start, w.ticks) {
		return false
	}
	w.event.StartTime = f.startTime(s.start)
	f.journal.know(&w.event, facts)
	return true
}

// start records a start that waited.
func (f *forks) start(w *fork) {
	delete(f.waiting, w.event.PID)
	f.journal.started(&w.event)
}

// settle records the starts of processes that have not executed a program for a while, and
// the ends of those that have no thread left.
func (f *forks) settle() {
	now := clock(unix.CLOCK_MONOTONIC)
	for _, w := range f.waiting {
		age := now - w.at
		if age >= settled && f.look(w) || age >= abandoned {
			f.start(w)
		}
	}
	for pid, end := range f.ending {
		if s, ok := f.proc.stat(pid); !ok || s.over() {
			f.finish(end)
		}
	}
	if f.missed {
		f.missed = false
		for pid, kept := range f.journal.living {
			if s, ok := f.proc.stat(pid); !ok || f.startTime(s.start) != kept.StartTime {
				f.journal.forget(pid)
			}
		}
	}
}

func (f *forks) startTime(ticks uint64) procmon.Opt[time.Time] {
	return procmon.Some(f.boot.Add(time.Duration(ticks) * tick))
}

// startTicks returns the start in ticks after boot of a process that forked at an instant of
// CLOCK_MONOTONIC, as /proc will tell it: that counts the time of sleep too. The kernel takes
// the two instants some microseconds apart, so that the tick may be the next one.
func startTicks(at time.Duration) uint64 {
	asleep := clock(unix.CLOCK_BOOTTIME) - clock(unix.CLOCK_MONOTONIC)
	return uint64(max(at+asleep, 0) / tick)
}

func near(a, b uint64) bool { return max(a, b)-min(a, b) <= 1 }

// wallTime returns the time of an instant of CLOCK_MONOTONIC.
func wallTime(at time.Duration) time.Time {
	return time.Now().Add(at - clock(unix.CLOCK_MONOTONIC)).UTC().Round(0)
}

// clock returns the time of a clock that every Linux has
// (https://man7.org/linux/man-pages/man2/clock_gettime.2.html).
func clock(id int32) time.Duration {
	var now unix.Timespec
	_ = unix.ClockGettime(id, &now)
	return time.Duration(now.Nano())
}
