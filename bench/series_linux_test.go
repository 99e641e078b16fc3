package bench_test

import (
	"strconv"

	"github.com/procmon/procmon"
)

// A figure is what an exporter would offer of a process as one series.
type figure struct {
	name  string
	value func(*procmon.Process) float64
}

// figures are the seven values of a process, and one series whose labels are its facts, as
// exporters have them: so the others need no command line in each series.
var figures = []figure{
	{"process_cpu_seconds_total", func(p *procmon.Process) float64 { return p.CPUSeconds.Value }},
	{"process_working_set_bytes", func(p *procmon.Process) float64 { return float64(p.WorkingSetBytes.Value) }},
	{"process_private_bytes", func(p *procmon.Process) float64 { return float64(p.PrivateBytes.Value) }},
	{"process_threads", func(p *procmon.Process) float64 { return float64(p.Threads.Value) }},
	{"process_handles", func(p *procmon.Process) float64 { return float64(p.Handles.Value) }},
	{"process_read_bytes_total", func(p *procmon.Process) float64 { return float64(p.ReadBytes.Value) }},
	{"process_written_bytes_total", func(p *procmon.Process) float64 { return float64(p.WriteBytes.Value) }},
	{"process_info", func(*procmon.Process) float64 { return 1 }},
}

const info = 7 // the number of process_info in figures

// labelsOf returns names and values by turns, in the order of the names, of a figure of a process.
func labelsOf(number int, host string, p *procmon.Process) []string {
	pid := strconv.FormatUint(uint64(p.PID), 10)
	if number != info {
		return []string{"__name__", figures[number].name, "instance", host, "job", "windows", "name", p.Name, "pid", pid, "user", p.Username.Value}
	}
	return []string{"__name__", figures[number].name, "cmdline", p.Cmdline.Value, "instance", host, "job", "windows", "name", p.Name, "pid", pid,
		"ppid", strconv.FormatUint(uint64(p.PPID.Value), 10), "session", strconv.FormatUint(uint64(p.SessionID.Value), 10),
		"start", strconv.FormatInt(p.StartTime.Value.UnixNano(), 10), "user", p.Username.Value}
}
