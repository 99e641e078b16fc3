package proctable

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/internal/procfile"
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
	redact   func(cmdline string) string
	fs       *procfs
	boot     time.Time
	pageSize uint64
	fdSize   bool // statx of /proc/PID/fd tells the number of descriptors (Linux 6.2)
	users    userNames
	reading  uint64 // number of this reading
	pids     []uint32
	known    map[uint32]*identity
	held     int // descriptors of stat that are kept open
	mayHold  int
}

// identity is what is remembered of a process from one reading to the next.
type identity struct {
	pid     uint32
	name    string
	exe     procmon.Opt[string]
	cmdline procmon.Opt[string]
	user    procmon.Opt[string]
	use     use
	comm    string // as in stat
	start   uint64 // ticks after boot
	stack   uint64
	moved   activity
	reading uint64 // in which it was last seen
	young   bool   // its static facts were read in its first seconds
	stat    int    // descriptor of its stat; notHeld
}

// use is what is known of a process's I/O and descriptors.
type use struct {
	readBytes, writeBytes           procmon.Opt[uint64]
	readOperations, writeOperations procmon.Opt[uint64]
	handles                         procmon.Opt[uint32]
}

// activity changes when a process does something.
type activity struct{ utime, stime, minflt, majflt, vsize, rss, threads uint64 }

const (
	rotation = 8 // collections
	settled  = uint64(settlement * procfile.TicksPerSecond / time.Second)
	mostHeld = 512 // descriptors
	notHeld  = -1
)

func openSystem(o Options) (system, procmon.Opt[time.Time], error) { return openDir("/proc", o) }

// openDir prepares reading the processes that a directory like /proc has entries of.
func openDir(dir string, o Options) (system, procmon.Opt[time.Time], error) {
	unknown := procmon.Opt[time.Time]{}
	fs, err := openProcfs(dir)
	if err != nil {
		return nil, unknown, err
	}
	boot, err := readBootTime()
	if err != nil {
		return nil, unknown, errors.Join(err, fs.close())
	}
	size, err := fs.size(uint32(os.Getpid()), "fd")
	t := &osTable{
		redact: o.Redact, fs: fs, boot: boot, pageSize: uint64(os.Getpagesize()), fdSize: err == nil && size > 0,
		users: userNames{}, known: map[uint32]*identity{}, mayHold: mayHold(),
	}
	return t, procmon.Some(boot), nil
}

// mayHold returns how many descriptors can be kept and leave most to the rest of the program.
func mayHold() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(mostHeld, limit.Cur/4))
}

func (t *osTable) close() error {
	for _, id := range t.known {
		t.letGo(id)
	}
	return t.fs.close()
}

// readBootTime returns btime of /proc/stat. It is whole seconds, and moves when the clock
// is set; it is read once, so that the start of a process is always the same instant.
func readBootTime() (time.Time, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return time.Time{}, err
	}
	seconds, ok := procfile.Counter(text, "btime ")
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
	rows.reserve(len(t.pids))
	for _, pid := range t.pids {
		if err := t.readProcess(rows, pid); err != nil {
			return err
		}
	}
	if len(t.known) > len(rows.Processes) {
		for pid, id := range t.known {
			if id.reading != t.reading {
				t.letGo(id)
				delete(t.known, pid)
			}
		}
	}
	return nil
}

func (t *osTable) readProcess(rows *Rows, pid uint32) error {
	known := t.known[pid]
	line, err := t.readStat(pid, known)
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM) {
		return fmt.Errorf("read /proc/%d/stat: %w", pid, err)
	}
	var s procfile.Stat
	if err != nil || !procfile.ParseStat(line, &s) {
		return nil // it has ended, or is hidden from us
	}
	id := t.identify(known, pid, &s)
	id.reading = t.reading

	p, detail := rows.add()
	*p = procmon.Process{
		PID: pid, PPID: procmon.Some(s.PPID), Name: id.name, Cmdline: id.cmdline, Username: id.user, Exe: id.exe,
		StartTime:       procmon.Some(t.boot.Add(time.Duration(s.StartTime) * (time.Second / procfile.TicksPerSecond))),
		CPUSeconds:      procmon.Some(float64(s.UTime+s.STime) / procfile.TicksPerSecond),
		KernelSeconds:   procmon.Some(float64(s.STime) / procfile.TicksPerSecond),
		WorkingSetBytes: procmon.Some(s.RSS * t.pageSize),
		Threads:         procmon.Some(s.Threads),
		Handles:         id.use.handles,
		ReadBytes:       id.use.readBytes, WriteBytes: id.use.writeBytes,
		ReadOperations: id.use.readOperations, WriteOperations: id.use.writeOperations,
		SessionID: procmon.Opt[uint32]{Value: uint32(max(s.Session, 0)), Known: s.Session >= 0},
	}
	*detail = Detail{
		UserSeconds:   float64(s.UTime) / procfile.TicksPerSecond,
		SystemSeconds: float64(s.STime) / procfile.TicksPerSecond,
		Kernel:        s.Kernel(),
	}
	return nil
}

// readStat reads the stat of a process: from the descriptor that is held of it, or through
// one that is held from now on if it has settled and there is room.
func (t *osTable) readStat(pid uint32, known *identity) ([]byte, error) {
	if known == nil {
		return t.fs.readShort(pid, "stat")
	}
	if known.stat != notHeld {
		if line, err := t.fs.readOpen(known.stat); err == nil {
			return line, nil
		}
		t.letGo(known) // it has ended; another process may have its pid
		return t.fs.readShort(pid, "stat")
	}
	if known.young || t.held >= t.mayHold {
		return t.fs.readShort(pid, "stat")
	}
	fd, err := t.fs.openFile(pid, "stat")
	if err != nil {
		return nil, err
	}
	known.stat = fd
	t.held++
	return t.fs.readOpen(fd)
}

// letGo closes the descriptor that is held of a process.
func (t *osTable) letGo(id *identity) {
	if id.stat != notHeld {
		unix.Close(id.stat)
		id.stat = notHeld
		t.held--
	}
}

// identify returns what is known of the process that s is about, after reading what is not
// known yet or may have changed. id is what had its pid before, or nil. It uses the text
// buffer that s.Comm stands in.
func (t *osTable) identify(id *identity, pid uint32, s *procfile.Stat) *identity {
	now := activity{s.UTime, s.STime, s.MinFlt, s.MajFlt, s.VSize, s.RSS, uint64(s.Threads)}
	if id == nil || id.start != s.StartTime {
		if id != nil {
			t.letGo(id)
		}
		id = &identity{pid: pid, start: s.StartTime, comm: string(s.Comm), stack: s.StartStack, moved: now, stat: notHeld}
		t.known[pid] = id
		id.young = t.readStatic(id, s.Kernel())
		t.readUse(id)
		return id
	}
	renamed := string(s.Comm) != id.comm
	executed := s.StartStack != 0 && id.stack != 0 && s.StartStack != id.stack
	if s.StartStack != 0 {
		id.stack = s.StartStack
	}
	ended := s.Ended() // its user and command line are gone; keep them
	if renamed {
		id.comm = string(s.Comm)
	}
	switch {
	case ended:
	case renamed || executed || id.young && t.age(id) >= settled:
		id.young = t.readStatic(id, s.Kernel())
	}
	if id.moved != now || (uint64(pid)+t.reading)%rotation == 0 {
		id.moved = now
		if !ended {
			t.readUse(id)
		}
	}
	return id
}
