package proctable

import (
	"bytes"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/internal/procfile"
)

// age returns the time since the start of a process in ticks.
func (t *osTable) age(id *identity) uint64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return settled
	}
	ticks := uint64(now.Nano()) / uint64(time.Second/procfile.TicksPerSecond)
	return ticks - min(ticks, id.start)
}

// readStatic reads the static facts of a process and reports whether it is so young that
// they may still change.
func (t *osTable) readStatic(id *identity, kernel bool) (young bool) {
	young = t.age(id) < settled
	comm := id.comm
	id.exe, id.cmdline = procmon.Opt[string]{}, procmon.Opt[string]{}
	if !kernel {
		if exe, err := t.fs.link(id.pid, "exe"); err == nil {
			id.exe = procmon.Some(clean(exe))
		}
		args, err := t.fs.readLong(id.pid, "cmdline", maxText+1)
		if args = bytes.TrimRight(args, "\x00"); err == nil && len(args) > 0 {
			arg0, _, _ := bytes.Cut(args, []byte{0})
			comm = procfile.ProgramName(comm, string(arg0))
			id.cmdline = procmon.Some(strings.ReplaceAll(t.redact(clean(string(args))), "\x00", " "))
		}
	}
	id.name = clean(comm)
	if uid, ok := t.realUID(id.pid); ok {
		id.user = procmon.Some(t.users.lookup(uid))
	} else {
		id.user = procmon.Opt[string]{}
	}
	return young
}

// realUID returns the user who owns a process.
func (t *osTable) realUID(pid uint32) (uint32, bool) {
	text, err := t.fs.readShort(pid, "status")
	if err != nil {
		return 0, false
	}
	return procfile.RealUID(text)
}

// readUse reads the storage I/O (https://man7.org/linux/man-pages/man5/proc_pid_io.5.html)
// and the number of descriptors of a process.
func (t *osTable) readUse(id *identity) {
	id.use = use{}
	if text, err := t.fs.readShort(id.pid, "io"); err == nil {
		number := func(key string) (n procmon.Opt[uint64]) {
			n.Value, n.Known = procfile.Counter(text, key)
			return n
		}
		id.use.readOperations, id.use.writeOperations = number("syscr: "), number("syscw: ")
		id.use.readBytes, id.use.writeBytes = number("read_bytes: "), number("write_bytes: ")
	}
	if t.fdSize {
		if n, err := t.fs.size(id.pid, "fd"); err == nil {
			id.use.handles = procmon.Some(uint32(n))
		}
	} else if n, err := t.fs.count(id.pid, "fd"); err == nil {
		id.use.handles = procmon.Some(uint32(n))
	}
}
