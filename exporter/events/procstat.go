package events

import (
	"bytes"
	"cmp"
	"strconv"
)

// procStat is what events need of a line of /proc/PID/stat
// (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
type procStat struct {
	comm    string // the kernel's name, up to 15 bytes of a program; any bytes but NUL
	ending  bool   // the first thread ends or has ended; its command line and program are gone
	ppid    uint32
	threads uint32 // an ended first one among them, until its parent has seen its end
	start   uint64 // ticks after boot
}

// parseProcStat reads one line of /proc/PID/stat. The name ends at the last parenthesis.
func parseProcStat(line []byte) (procStat, bool) {
	const stateAt, ppidAt, flagsAt, threadsAt, startAt = 0, 1, 6, 17, 19 // fields 3, 4, 9, 20 and 22
	const flagEnding = 0x00000004                                        // PF_EXITING, include/linux/sched.h
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return procStat{}, false
	}
	fields := bytes.Fields(line[end+1:])
	if len(fields) <= startAt {
		return procStat{}, false
	}
	ppid, err1 := strconv.ParseUint(string(fields[ppidAt]), 10, 32)
	flags, err2 := strconv.ParseUint(string(fields[flagsAt]), 10, 64)
	threads, err3 := strconv.ParseUint(string(fields[threadsAt]), 10, 32)
	start, err4 := strconv.ParseUint(string(fields[startAt]), 10, 64)
	if err := cmp.Or(err1, err2, err3, err4); err != nil {
		return procStat{}, false
	}
	state := fields[stateAt][0]
	return procStat{
		comm: string(line[open+1 : end]), ending: state == 'Z' || state == 'X' || flags&flagEnding != 0,
		ppid: uint32(ppid), threads: uint32(threads), start: start,
	}, true
}

// over reports whether no thread is left that runs.
func (s *procStat) over() bool { return s.ending && s.threads <= 1 }

// parseRealUID returns the first figure of "Uid:" in /proc/PID/status
// (https://man7.org/linux/man-pages/man5/proc_pid_status.5.html).
func parseRealUID(text []byte) (uint32, bool) {
	_, text, ok := bytes.Cut(text, []byte("\nUid:\t"))
	if !ok {
		return 0, false
	}
	digits := text[:max(bytes.IndexByte(text, '\t'), 0)]
	uid, err := strconv.ParseUint(string(digits), 10, 32)
	return uint32(uid), err == nil
}

// commandLine returns the text of /proc/PID/cmdline with NUL between the arguments, and the
// program's name: the kernel's, which is cut to 15 bytes, or the file name in the first
// argument where that continues it.
func commandLine(comm string, args []byte) (name, line string) {
	const cut, longest = 15, 255 // TASK_COMM_LEN-1 and NAME_MAX, in bytes
	args = bytes.TrimRight(args, "\x00")
	first, _, _ := bytes.Cut(args, []byte{0})
	file := first[bytes.LastIndexByte(first, '/')+1:]
	name = comm
	if len(comm) == cut && len(file) > cut && len(file) <= longest && string(file[:cut]) == comm {
		name = string(file)
	}
	return name, string(args)
}
