package events

import (
	"bytes"
	"strconv"
)

// procStat is what events need of a line of /proc/PID/stat
// (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
type procStat struct {
	comm  string // the kernel's name, up to 15 bytes of a program; any bytes but NUL
	ended bool   // a zombie, whose command line and program are gone
	ppid  uint32
	start uint64 // ticks after boot
}

// parseProcStat reads one line of /proc/PID/stat. The name ends at the last parenthesis.
func parseProcStat(line []byte) (procStat, bool) {
	const stateAt, ppidAt, startAt = 0, 1, 19 // fields 3, 4 and 22
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return procStat{}, false
	}
	fields := bytes.Fields(line[end+1:])
	if len(fields) <= startAt {
		return procStat{}, false
	}
	ppid, err := strconv.ParseUint(string(fields[ppidAt]), 10, 32)
	if err != nil {
		return procStat{}, false
	}
	start, err := strconv.ParseUint(string(fields[startAt]), 10, 64)
	if err != nil {
		return procStat{}, false
	}
	state := fields[stateAt][0]
	return procStat{comm: string(line[open+1 : end]), ended: state == 'Z' || state == 'X', ppid: uint32(ppid), start: start}, true
}

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

// commandLine returns the text of /proc/PID/cmdline with spaces between the arguments, and
// the program's name: the kernel's, which is cut to 15 bytes, or the file name in the first
// argument where that continues it. It writes into args.
func commandLine(comm string, args []byte) (name, line string) {
	const cut, longest = 15, 255 // TASK_COMM_LEN-1 and NAME_MAX, in bytes
	args = bytes.TrimRight(args, "\x00")
	first, _, _ := bytes.Cut(args, []byte{0})
	file := first[bytes.LastIndexByte(first, '/')+1:]
	name = comm
	if len(comm) == cut && len(file) > cut && len(file) <= longest && string(file[:cut]) == comm {
		name = string(file)
	}
	for i, c := range args {
		if c == 0 {
			args[i] = ' '
		}
	}
	return name, string(args)
}
