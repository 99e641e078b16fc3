package exporter

import (
	"slices"
	"strconv"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/groups"
	"github.com/procmon/procmon/exporter/proctable"
)

// processRow is a process that has series of its own.
type processRow struct {
	process *procmon.Process
	detail  *proctable.Detail
}

// processDescriptions returns the metrics of a process that are asked for; none when no
// process is.
func processDescriptions(o MetricsOptions) []metric[processRow] {
	if len(o.Processes.Names) == 0 && o.Processes.Top == 0 {
		return nil
	}
	type row = processRow
	type value = procmon.Opt[float64]
	by := []string{"name", "pid", "user"}
	return slices.Concat(
		when(!o.WithoutCPU,
			counterOf("procmon_process_cpu_user_seconds_total", "CPU time that the process used in user mode.", by,
				func(r *row) value { return value{Value: r.detail.UserSeconds, Known: r.process.CPUSeconds.Known} }),
			counterOf("procmon_process_cpu_system_seconds_total", "CPU time that the process used in kernel mode.", by,
				func(r *row) value { return value{Value: r.detail.SystemSeconds, Known: r.process.CPUSeconds.Known} })),
		when(!o.WithoutMemory,
			gaugeOf("procmon_process_working_set_bytes", "Physical memory of the process: working set on Windows, resident set elsewhere.", by,
				func(r *row) value { return known(r.process.WorkingSetBytes) }),
			gaugeOf("procmon_process_private_bytes", "Memory committed to the process alone.", by,
				func(r *row) value { return known(r.process.PrivateBytes) })),
		when(!o.WithoutThreads,
			gaugeOf("procmon_process_threads", "Number of threads of the process.", by,
				func(r *row) value { return known(r.process.Threads) })),
		when(!o.WithoutHandles,
			gaugeOf("procmon_process_handles", "Number of open handles (file descriptors outside Windows) of the process.", by,
				func(r *row) value { return known(r.process.Handles) })),
		when(!o.WithoutIO,
			counterOf("procmon_process_read_bytes_total", "Bytes that the process read.", by,
				func(r *row) value { return known(r.process.ReadBytes) }),
			counterOf("procmon_process_write_bytes_total", "Bytes that the process wrote.", by,
				func(r *row) value { return known(r.process.WriteBytes) }),
			counterOf("procmon_process_read_operations_total", "Read operations of the process.", by,
				func(r *row) value { return known(r.process.ReadOperations) }),
			counterOf("procmon_process_write_operations_total", "Write operations of the process.", by,
				func(r *row) value { return known(r.process.WriteOperations) })),
		when(!o.WithoutStartTime,
			gaugeOf("procmon_process_start_time_seconds", "Start of the process, in seconds since 1970.", by,
				func(r *row) value { return unixTime(r.process.StartTime) })),
	)
}

// labels returns the values of name, pid and user; an unknown user is empty, which Prometheus
// takes for a label that is not there.
func (r *processRow) labels() []string {
	p := r.process
	return []string{groups.Label(p.Name), strconv.FormatUint(uint64(p.PID), 10), groups.Label(p.Username.Value)}
}
