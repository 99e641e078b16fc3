package exporter

import (
	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/groups"
)

func hostDescriptions() []metric[procmon.Snapshot] {
	type snapshot = procmon.Snapshot
	type value = procmon.Opt[float64]
	const gib = 1 << 30
	return []metric[snapshot]{
		gaugeOf("procmon_host_info", "Facts of the host that are text; always 1.", []string{"hostname", "os", "processor"},
			func(*snapshot) value { return number(1) }),
		gaugeOf("procmon_host_processes", "Number of processes.", nil,
			func(s *snapshot) value { return number(len(s.Processes)) }),
		gaugeOf("procmon_host_cpu_cores", "Number of physical cores.", nil,
			func(s *snapshot) value { return known(s.System.Cores) }),
		gaugeOf("procmon_host_cpu_threads", "Number of logical CPUs.", nil,
			func(s *snapshot) value { return known(s.System.Threads) }),
		gaugeOf("procmon_host_cpu_usage_ratio", "Share of all CPU time that was not idle since the collection before, 0 to 1.", nil,
			func(s *snapshot) value { return scaled(s.System.CPU, 0.01) }),
		gaugeOf("procmon_host_memory_size_bytes", "Physical memory.", nil,
			func(s *snapshot) value { return scaled(s.System.RAMGB, gib) }),
		gaugeOf("procmon_host_memory_used_bytes", "Physical memory that is neither free nor held by caches that give way.", nil,
			func(s *snapshot) value { return scaled(s.System.UsedRAMGB, gib) }),
		gaugeOf("procmon_host_memory_free_bytes", "Physical memory that programs can still get.", nil,
			func(s *snapshot) value { return scaled(s.System.FreeRAMGB, gib) }),
		gaugeOf("procmon_host_storage_size_bytes", "Size of all fixed volumes together.", nil,
			func(s *snapshot) value { return scaled(s.System.StorageTotalGB, gib) }),
		gaugeOf("procmon_host_storage_used_bytes", "Used storage of all fixed volumes together.", nil,
			func(s *snapshot) value { return scaled(s.System.StorageUsedGB, gib) }),
		gaugeOf("procmon_host_storage_free_bytes", "Free storage of all fixed volumes together.", nil,
			func(s *snapshot) value { return scaled(s.System.StorageFreeGB, gib) }),
		gaugeOf("procmon_host_boot_time_seconds", "Start of the host, in seconds since 1970.", nil,
			func(s *snapshot) value { return unixTime(s.System.BootTime) }),
	}
}

func (m *metrics) addHost(s *procmon.Snapshot) {
	addSamples(m.host[:1], s, groups.Label(s.Hostname), groups.Label(s.System.OS.Value), groups.Label(s.System.Processor.Value))
	addSamples(m.host[1:], s)
}
