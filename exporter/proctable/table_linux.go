package proctable

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/procmon/procmon"
)

// osTable reads /proc. A collection lists /proc and reads each process's stat once. The
// rest is read when it can have changed:
//
//   - exe, cmdline, user and the full name once per identity (pid and start time), and again
//     after exec, which shows as another name or another stack in stat. A process that was
//     first seen in its first two seconds may still have been its parent's copy, or about to
//     change its user and title: it is read once more when it is older.
//   - I/O bytes and descriptors when anything in stat has moved since they were read (CPU
//     time, page faults, memory, threads), and otherwise in every sixteenth collection. What a
//     process does in less than a tick of CPU (10 ms) and without a page fault can so show up
//     to seven collections late; it is never lost, and nothing is ever estimated.
//
// A process that hides its stat from us (hidepid) is left out: nothing is known of it.
// Private bytes are unknown, since only walking a process's mappings would tell them.
type osTable struct {
	fs       *procfs
	boot     time.Time
	pageSize uint64
	fdSize   bool // statx of /proc/PID/fd tells the number of descriptors (Linux 6.2)
	users    userNames
	reading  uint64 // number of this reading
	pids     []uint32
	known    map[uint32]*identity
}

// identity is what is remembered of a process from one reading to the next.
type identity struct {
	process procmon.Process // as in the last row, for its static facts, I/O and descriptors
	comm    string          // as in stat
	start   uint64          // ticks after boot
	stack   uint64
	moved   activity
	reading uint64 // in which it was last seen
	young   bool   // its static facts were read in its first seconds
}

// activity changes when a process does something.
type activity struct{ utime, stime, minflt, majflt, vsize, rss, threads uint64 }

const (
	rotation   = 16  // collections
	settlement = 200 // ticks after which a process is taken to be what it will be
)

func (t *osTable) open() error {
	fs, err := openProcfs("/proc")
	if err != nil {
		return err
	}
	boot, err := readBootTime()
	if err != nil {
		fs.close()
		return err
	}
	size, err := fs.size(uint32(os.Getpid()), "fd")
	*t = osTable{
		fs: fs, boot: boot, pageSize: uint64(os.Getpagesize()), fdSize: err == nil && size > 0,
		users: userNames{}, known: map[uint32]*identity{},
	}
	return nil
}

func (t *osTable) close() error { return t.fs.close() }

func (t *osTable) bootTime() procmon.Opt[time.Time] { return procmon.Some(t.boot) }

// readBootTime returns btime of /proc/stat. It is whole seconds, and moves when the clock
// is set; it is read once, so that the start of a process is always the same instant.
func readBootTime() (time.Time, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return time.Time{}, err
	}
	seconds, ok := counter(text, "btime ")
	if !ok {
		return time.Time{}, errors.New("read /proc/stat: no line \"btime\" with the time of boot")
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

func (t *osTable) read(rows *Rows) error {
	t.reading++
	var err error
	if t.pids, err = t.fs.pids(t.pids[:0]); err != nil {
		return err
	}
	for _, pid := range t.pids {
		if err := t.readProcess(rows, pid); err != nil {
			return err
		}
	}
	if len(t.known) > len(rows.Processes) {
		for pid, id := range t.known {
			if id.reading != t.reading {
				delete(t.known, pid)
			}
		}
	}
	return nil
}

func (t *osTable) readProcess(rows *Rows, pid uint32) error {
	line, err := t.fs.readShort(pid, "stat")
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM) {
		return fmt.Errorf("read /proc/%d/stat: %w", pid, err)
	}
	var s stat
	if err != nil || !parseStat(line, &s) {
		return nil // it has ended, or is hidden from us
	}
	id := t.identify(pid, &s)
	id.reading = t.reading

	p, detail := rows.add()
	*p = id.process
	p.PPID = procmon.Some(s.ppid)
	p.SessionID = procmon.Opt[uint32]{Value: uint32(max(s.session, 0)), Known: s.session >= 0}
	p.CPUSeconds = procmon.Some(float64(s.utime+s.stime) / ticksPerSecond)
	p.WorkingSetBytes = procmon.Some(s.rss * t.pageSize)
	p.Threads = procmon.Some(s.threads)
	*detail = Detail{
		UserSeconds:   float64(s.utime) / ticksPerSecond,
		SystemSeconds: float64(s.stime) / ticksPerSecond,
		Kernel:        s.flags&flagKernel != 0,
	}
	return nil
}

// identify returns what is known of the process that s is about, after reading what is not
// known yet or may have changed. It uses the text buffer that s.comm stands in.
func (t *osTable) identify(pid uint32, s *stat) *identity {
	now := activity{s.utime, s.stime, s.minflt, s.majflt, s.vsize, s.rss, uint64(s.threads)}
	id, ok := t.known[pid]
	if !ok || id.start != s.starttime {
		id = &identity{start: s.starttime, comm: string(s.comm), stack: s.startstack, moved: now}
		id.process.PID = pid
		id.process.StartTime = procmon.Some(t.boot.Add(time.Duration(s.starttime) * (time.Second / ticksPerSecond)))
		t.known[pid] = id
		id.young = t.readStatic(id, s.flags)
		t.readUse(id)
		return id
	}
	renamed := string(s.comm) != id.comm
	executed := s.startstack != 0 && id.stack != 0 && s.startstack != id.stack
	if s.startstack != 0 {
		id.stack = s.startstack
	}
	ended := s.state == 'Z' || s.state == 'X' // its user and command line are gone; keep them
	if renamed {
		id.comm = string(s.comm)
	}
	switch {
	case ended:
	case renamed || executed || id.young && t.age(id) >= settlement:
		id.young = t.readStatic(id, s.flags)
	}
	if id.moved != now || (uint64(pid)+t.reading)%rotation == 0 {
		id.moved = now
		if !ended {
			t.readUse(id)
		}
	}
	return id
}

// age returns the time since the start of a process in ticks.
func (t *osTable) age(id *identity) uint64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return settlement
	}
	ticks := uint64(now.Nano()) / uint64(time.Second/ticksPerSecond)
	return ticks - min(ticks, id.start)
}

// readStatic reads the static facts of a process and reports whether it is so young that
// they may still change.
func (t *osTable) readStatic(id *identity, flags uint64) (young bool) {
	p := &id.process
	young = t.age(id) < settlement
	comm := id.comm
	p.Exe, p.Cmdline = procmon.Opt[string]{}, procmon.Opt[string]{}
	if flags&flagKernel == 0 {
		if exe, err := t.fs.link(p.PID, "exe"); err == nil {
			p.Exe = procmon.Some(clean(exe))
		}
		args, err := t.fs.readLong(p.PID, "cmdline", maxText+1)
		if args = bytes.TrimRight(args, "\x00"); err == nil && len(args) > 0 {
			arg0, _, _ := bytes.Cut(args, []byte{0})
			comm = programName(comm, string(arg0))
			for i, c := range args {
				if c == 0 {
					args[i] = ' '
				}
			}
			p.Cmdline = procmon.Some(clean(string(args)))
		}
	}
	p.Name = clean(comm)
	if uid, ok := t.realUID(p.PID); ok {
		p.Username = procmon.Some(t.users.lookup(uid))
	} else {
		p.Username = procmon.Opt[string]{}
	}
	return young
}

// realUID returns the user who owns a process (the first figure of "Uid:",
// https://man7.org/linux/man-pages/man5/proc_pid_status.5.html).
func (t *osTable) realUID(pid uint32) (uint32, bool) {
	text, err := t.fs.readShort(pid, "status")
	if err != nil {
		return 0, false
	}
	_, text, ok := bytes.Cut(text, []byte("\nUid:\t"))
	if !ok {
		return 0, false
	}
	digits := text[:max(bytes.IndexByte(text, '\t'), 0)]
	uid, err := strconv.ParseUint(string(digits), 10, 32)
	return uint32(uid), err == nil
}

// readUse reads the storage I/O (https://man7.org/linux/man-pages/man5/proc_pid_io.5.html)
// and the number of descriptors of a process.
func (t *osTable) readUse(id *identity) {
	p := &id.process
	p.ReadBytes, p.WriteBytes, p.Handles = procmon.Opt[uint64]{}, procmon.Opt[uint64]{}, procmon.Opt[uint32]{}
	if text, err := t.fs.readShort(p.PID, "io"); err == nil {
		p.ReadBytes.Value, p.ReadBytes.Known = counter(text, "read_bytes: ")
		p.WriteBytes.Value, p.WriteBytes.Known = counter(text, "write_bytes: ")
	}
	if t.fdSize {
		if n, err := t.fs.size(p.PID, "fd"); err == nil {
			p.Handles = procmon.Some(uint32(n))
		}
	} else if n, err := t.fs.count(p.PID, "fd"); err == nil {
		p.Handles = procmon.Some(uint32(n))
	}
}
