package proctable

import "bytes"

// stat is what one line of /proc/PID/stat says, in the order of its fields
// (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
type stat struct {
	comm       []byte // within the parsed line; up to 15 bytes of a program, 64 of a kernel thread; any bytes but NUL
	state      byte
	ppid       uint32
	session    int64 // -1 where the session is of another pid namespace
	flags      uint64
	minflt     uint64
	majflt     uint64
	utime      uint64 // in ticks
	stime      uint64 // in ticks
	threads    uint32
	starttime  uint64 // in ticks after boot
	vsize      uint64 // bytes
	rss        uint64 // pages
	startstack uint64 // address of the bottom of the stack; 0 if we may not know or the process has ended
}

const (
	ticksPerSecond = 100        // USER_HZ, which is part of the ABI of every Linux that Go runs on
	flagKernel     = 0x00200000 // PF_KTHREAD, include/linux/sched.h
)

// parseStat reads one line of /proc/PID/stat into s. The name may hold spaces, parentheses
// and line feeds: it ends at the last parenthesis, for after it there are only numbers.
func parseStat(line []byte, s *stat) bool {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 0 || end < open || len(line) < end+4 {
		return false
	}
	s.comm, s.state = line[open+1:end], line[end+2]
	n := numbers{rest: line[end+3:]}
	s.ppid = uint32(n.next()) // field 4
	n.skip(1)
	s.session = int64(n.next()) // 6
	n.skip(2)
	s.flags = n.next()  // 9
	s.minflt = n.next() // 10
	n.skip(1)
	s.majflt = n.next() // 12
	n.skip(1)
	s.utime = n.next() // 14
	s.stime = n.next() // 15
	n.skip(4)
	s.threads = uint32(n.next()) // 20
	n.skip(1)
	s.starttime = n.next() // 22
	s.vsize = n.next()     // 23
	s.rss = n.next()       // 24
	n.skip(3)
	s.startstack = n.next() // 28
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

// counter returns the number that follows key in text of lines "key: number", as in
// /proc/PID/io. key has its colon and space.
func counter(text []byte, key string) (uint64, bool) {
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

// programName returns the name of a program whose kernel name, cut to 15 bytes, is comm:
// where the file name in its first argument continues comm, that is the whole name.
func programName(comm, arg0 string) string {
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
