package proctable

import "github.com/procmon/procmon"

// What the tests of parsing look at: these files are the same on every system.
var (
	ProgramName = programName
	Clean       = clean
	DecodeUTF16 = decodeUTF16
)

const MaxText = maxText

// Stat is what the parser makes of a line of /proc/PID/stat.
type Stat struct {
	Comm                                                                   string
	State                                                                  string
	PPID                                                                   uint32
	Session                                                                int64
	Flags, MinFlt, MajFlt, UTime, STime, StartTime, VSize, RSS, StartStack uint64
	Threads                                                                uint32
}

func ParseStat(line []byte) (Stat, bool) {
	var s stat
	ok := parseStat(line, &s)
	return Stat{
		Comm: string(s.comm), State: string(rune(s.state)), PPID: s.ppid, Session: s.session,
		Flags: s.flags, MinFlt: s.minflt, MajFlt: s.majflt, UTime: s.utime, STime: s.stime,
		StartTime: s.starttime, VSize: s.vsize, RSS: s.rss, StartStack: s.startstack, Threads: s.threads,
	}, ok
}

// NTRow is a process of the Windows table as a row of ours.
type NTRow struct {
	Process procmon.Process
	Detail  Detail
}

func NTRows(buffer []byte, base uint64) ([]NTRow, error) {
	var rows []NTRow
	err := eachNTProcess(buffer, base, func(p *ntProcess) {
		var r NTRow
		p.fill(&r.Process, &r.Detail)
		r.Process.Name = p.imageName()
		rows = append(rows, r)
	})
	return rows, err
}
