package workload

import (
	"time"

	"github.com/procmon/procmon"
)

// Snapshot returns the next snapshot of h as procmon has it, with all values and static facts.
func (h *Host) Snapshot() *procmon.Snapshot {
	millis, processes := h.Next()
	s := &procmon.Snapshot{
		Hostname:  h.Name,
		Timestamp: time.UnixMilli(millis).UTC(),
		System: procmon.System{
			OS: procmon.Some("Microsoft Windows 11 Pro 10.0.26100"), Processor: procmon.Some("Intel(R) Core(TM) i7-12700"),
			Cores: procmon.Some(uint32(12)), Threads: procmon.Some(uint32(20)),
			RAMGB: procmon.Some(31.7), UsedRAMGB: procmon.Some(14.2), FreeRAMGB: procmon.Some(17.5),
			StorageTotalGB: procmon.Some(931.5), StorageUsedGB: procmon.Some(466.3), StorageFreeGB: procmon.Some(465.2),
			BootTime: procmon.Some(time.Unix(Base-86400, 0).UTC()), AgentVersion: procmon.Some("1.0.0"),
		},
		Processes: make([]procmon.Process, len(processes)),
	}
	for i := range processes {
		p := &processes[i]
		workingSet := uint64(p.Mem) << 10
		s.Processes[i] = procmon.Process{
			PID: p.PID, PPID: procmon.Some(p.PPID), Name: p.Name,
			CPU: procmon.Some(float64(p.CPU) / 100), Memory: procmon.Some(float64(workingSet) / (1 << 20)),
			Cmdline: procmon.Opt[string]{Value: p.Cmd, Known: p.Cmd != ""}, Username: procmon.Some(p.User),
			StartTime:       procmon.Some(time.Unix(p.Start, 0).UTC()),
			CPUSeconds:      procmon.Some(float64(p.CPUTime) / 1e7),
			WorkingSetBytes: procmon.Some(workingSet), PrivateBytes: procmon.Some(uint64(p.Private) << 10),
			Threads: procmon.Some(uint32(p.Thr)), Handles: procmon.Some(uint32(p.Handles)),
			ReadBytes: procmon.Some(uint64(p.Read)), WriteBytes: procmon.Some(uint64(p.Written)),
		}
	}
	return s
}
