package exporter

import (
	"slices"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/groups"
)

// groupDescriptions returns the metrics of a group that are asked for.
func groupDescriptions(o MetricsOptions) []metric[groups.Group] {
	type group = groups.Group
	type value = procmon.Opt[float64]
	by := []string{"group"}
	return slices.Concat(
		when(true,
			gaugeOf("procmon_group_processes", "Number of processes in the group.", by,
				func(g *group) value { return number(g.Processes) }),
			counterOf("procmon_group_starts_total", "Processes that joined the group since the exporter began.", by,
				func(g *group) value { return number(g.Starts) }),
			counterOf("procmon_group_ends_total", "Processes that left the group since the exporter began.", by,
				func(g *group) value { return number(g.Ends) })),
		when(!o.WithoutCPU,
			counterOf("procmon_group_cpu_user_seconds_total", "CPU time that the group's processes used in user mode since the exporter began.", by,
				func(g *group) value { return g.UserSeconds }),
			counterOf("procmon_group_cpu_system_seconds_total", "CPU time that the group's processes used in kernel mode since the exporter began.", by,
				func(g *group) value { return g.SystemSeconds })),
		when(!o.WithoutMemory,
			gaugeOf("procmon_group_working_set_bytes", "Physical memory of the group's processes: working set on Windows, resident set elsewhere.", by,
				func(g *group) value { return known(g.WorkingSetBytes) }),
			gaugeOf("procmon_group_private_bytes", "Memory committed to the group's processes alone.", by,
				func(g *group) value { return known(g.PrivateBytes) })),
		when(!o.WithoutThreads,
			gaugeOf("procmon_group_threads", "Number of threads of the group's processes.", by,
				func(g *group) value { return known(g.Threads) })),
		when(!o.WithoutHandles,
			gaugeOf("procmon_group_handles", "Number of open handles (file descriptors outside Windows) of the group's processes.", by,
				func(g *group) value { return known(g.Handles) })),
		when(!o.WithoutIO,
			counterOf("procmon_group_read_bytes_total", "Bytes that the group's processes read since the exporter began.", by,
				func(g *group) value { return known(g.ReadBytes) }),
			counterOf("procmon_group_write_bytes_total", "Bytes that the group's processes wrote since the exporter began.", by,
				func(g *group) value { return known(g.WriteBytes) }),
			counterOf("procmon_group_read_operations_total", "Read operations of the group's processes since the exporter began.", by,
				func(g *group) value { return known(g.ReadOperations) }),
			counterOf("procmon_group_write_operations_total", "Write operations of the group's processes since the exporter began.", by,
				func(g *group) value { return known(g.WriteOperations) })),
		when(!o.WithoutStartTime,
			gaugeOf("procmon_group_oldest_start_time_seconds", "Start of the group's oldest process, in seconds since 1970.", by,
				func(g *group) value { return unixTime(g.OldestStart) })),
	)
}

func (o MetricsOptions) maxSeries() int {
	if o.MaxSeries == 0 {
		return defaultMaxSeries
	}
	return o.MaxSeries
}

// groupLimit returns how many groups there is room for, as groups.Options has it. A group
// counts with every metric that it may have, so that one whose figures become known later
// still has its room.
func (o MetricsOptions) groupLimit() int {
	if n := o.maxSeries() / len(groupDescriptions(o)); n > 0 {
		return n
	}
	return -1
}
