// Package procfile reads the text of files in Linux' /proc. It is the same on every system, and
// asks none.
package procfile

import (
	"bytes"
	"strconv"
)

// A Stat is what one line of /proc/PID/stat says, in the order of its fields
// (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
type Stat struct {
	Comm       []byte // within the parsed line; up to 15 bytes of a program, 64 of a kernel thread; any bytes but NUL
	State      byte
	PPID       uint32
	Session    int64 // -1 where the session is of another pid namespace
	Flags      uint64
	MinFlt     uint64
	MajFlt     uint64
	UTime      uint64 // in ticks
	STime      uint64 // in ticks
	Threads    uint32
	StartTime  uint64 // in ticks after boot
	VSize      uint64 // bytes
	RSS        uint64 // pages
	StartStack uint64 // address of the bottom of the stack; 0 if we may not know or the process has ended
}

const (
	// TicksPerSecond is USER_HZ, which is part of the ABI of every Linux that Go runs on.
	TicksPerSecond = 100

	flagExiting = 0x00000004 // PF_EXITING, include/linux/sched.h
	flagKernel  = 0x00200000 // PF_KTHREAD
)

// Kernel reports whether the process is a thread of the kernel that shows as a process.
func (s *Stat) Kernel() bool { return s.Flags&flagKernel != 0 }

// Ended reports whether the process is gone but for its entry: its command line, program and
// user are not told any more.
func (s *Stat) Ended() bool { return s.State == 'Z' || s.State == 'X' }

// Ending reports whether the first thread ends or has ended; others may go on.
func (s *Stat) Ending() bool { return s.Ended() || s.Flags&flagExiting != 0 }

// ParseStat reads one line of /proc/PID/stat into s, and reports whether it is one. The name may hold spaces, parentheses
// and line feeds: it ends at the last parenthesis, for after it there are only numbers.
func ParseStat(line []byte, s *Stat) bool {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 0 || end < open || len(line) < end+4 {
		return false
	}
	s.Comm, s.State = line[open+1:end], line[end+2]
	n := numbers{rest: line[end+3:]}
	s.PPID = uint32(n.next()) // field 4
	n.skip(1)
	s.Session = int64(n.next()) // 6
	n.skip(2)
	s.Flags = n.next()  // 9
	s.MinFlt = n.next() // 10
	n.skip(1)
	s.MajFlt = n.next() // 12
	n.skip(1)
	s.UTime = n.next() // 14
	s.STime = n.next() // 15
	n.skip(4)
	s.Threads = uint32(n.next()) // 20
	n.skip(1)
	s.StartTime = n.next() // 22
	s.VSize = n.next()     // 23
	s.RSS = n.next()       // 24
	n.skip(3)
	s.StartStack = n.next() // 28
	return !n.short
}

// numbers reads decimal numbers that are separated by one space each.
type numbers struct {
	rest  []byte
	short bool // the line ended too early, or held something else
}

func (n *numbers) next() uint64 {
	rest := n.rest
	if len(rest) < 2 || rest[0] != ' ' {
		n.short = true
		return 0
	}
	rest = rest[1:]
	negative := rest[0] == '-'
	if negative {
		rest = rest[1:]
	}
	var v uint64
	i := 0
	for ; i < len(rest) && rest[i]-'0' <= 9; i++ {
		v = v*10 + uint64(rest[i]-'0')
	}
	n.short = n.short || i == 0
	n.rest = rest[i:]
	if negative {
		return -v
	}
	return v
}

func (n *numbers) skip(fields int) {
	for range fields {
		i := 1
		for i < len(n.rest) && n.rest[i] != ' ' {
			i++
		}
		if i >= len(n.rest) {
			n.short = true
			return
		}
		n.rest = n.rest[i:]
	}
}

// Counter returns the number that follows key in text of lines "key: number", as in
// /proc/PID/io. key has its colon and space.
func Counter(text []byte, key string) (uint64, bool) {
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte{'\n'})
		text = rest
		if len(line) <= len(key) || string(line[:len(key)]) != key {
			continue
		}
		var v uint64
		for _, c := range line[len(key):] {
			if c-'0' > 9 {
				return 0, false
			}
			v = v*10 + uint64(c-'0')
		}
		return v, true
	}
	return 0, false
}

// ProgramName returns the name of a program whose kernel name, cut to 15 bytes, is comm:
// where the file name in its first argument continues comm, that is the whole name.
func ProgramName(comm, arg0 string) string {
	const cut, longest = 15, 255 // TASK_COMM_LEN-1 and NAME_MAX, in bytes
	if len(comm) != cut {
		return comm
	}
	for i := len(arg0) - 1; i >= 0; i-- {
		if arg0[i] == '/' {
			arg0 = arg0[i+1:]
			break
		}
	}
	if len(arg0) > cut && len(arg0) <= longest && arg0[:cut] == comm {
		return arg0
	}
	return comm
}

// RealUID returns the user who owns a process: the first figure of "Uid:" in the text of
// /proc/PID/status (https://man7.org/linux/man-pages/man5/proc_pid_status.5.html).
func RealUID(text []byte) (uint32, bool) {
	_, text, ok := bytes.Cut(text, []byte("\nUid:\t"))
	if !ok {
		return 0, false
	}
	digits := text[:max(bytes.IndexByte(text, '\t'), 0)]
	uid, err := strconv.ParseUint(string(digits), 10, 32)
	return uint32(uid), err == nil
}
