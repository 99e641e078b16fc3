package events

import (
	"bytes"

	"github.com/procmon/procmon/exporter/internal/procfile"
)

// procStat is what events need of a line of /proc/PID/stat.
type procStat struct {
	comm    string // the kernel's name, up to 15 bytes of a program; any bytes but NUL
	ending  bool   // the first thread ends or has ended; its command line and program are gone
	ppid    uint32
	threads uint32 // an ended first one among them, until its parent has seen its end
	start   uint64 // ticks after boot
}

// parseProcStat reads one line of /proc/PID/stat, and keeps nothing of it.
func parseProcStat(line []byte) (procStat, bool) {
	var s procfile.Stat
	if !procfile.ParseStat(line, &s) {
		return procStat{}, false
	}
	return procStat{comm: string(s.Comm), ending: s.Ending(), ppid: s.PPID, threads: s.Threads, start: s.StartTime}, true
}

// over reports whether no thread is left that runs.
func (s *procStat) over() bool { return s.ending && s.threads <= 1 }

// commandLine returns the text of /proc/PID/cmdline with NUL between the arguments, and the
// program's name.
func commandLine(comm string, args []byte) (name, line string) {
	args = bytes.TrimRight(args, "\x00")
	first, _, _ := bytes.Cut(args, []byte{0})
	return procfile.ProgramName(comm, string(first)), string(args)
}
