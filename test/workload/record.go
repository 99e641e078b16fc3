package workload

import (
	"time"

	"github.com/procmon/procmon"
)

// Record returns the next snapshot of h as a server gets it from an exporter.
func (h *Host) Record() procmon.Record {
	millis, ps := h.Next()
	s := &procmon.Snapshot{
		Hostname:  h.Name,
		Timestamp: time.UnixMilli(millis).UTC(),
		System: procmon.System{
			OS:             procmon.Some("Microsoft Windows 11 Pro 10.0.26100"),
			Processor:      procmon.Some("13th Gen Intel(R) Core(TM) i7-13700"),
			Cores:          procmon.Some[uint32](16),
			Threads:        procmon.Some[uint32](24),
			RAMGB:          procmon.Some(31.7),
			UsedRAMGB:      procmon.Some(float64(12<<20+millis%99991) / (1 << 20)),
			FreeRAMGB:      procmon.Some(31.7 - float64(12<<20+millis%99991)/(1<<20)),
			StorageTotalGB: procmon.Some(953.2),
			StorageUsedGB:  procmon.Some(402.1),
			StorageFreeGB:  procmon.Some(551.1),
			BootTime:       procmon.Some(time.Unix(Base-86400, 500_000_000).UTC()),
			CPU:            procmon.Some(float64(millis%997) / 10),
			AgentVersion:   procmon.Some("1.0.0"),
		},
		Processes: make([]procmon.Process, len(ps)),
	}
	for i := range ps {
		s.Processes[i] = process(&ps[i])
	}
	return procmon.Record{
		Host:     h.Name,
		Labels:   map[string]string{"job": "windows", "instance": h.Name + ":9910", "site": "north"},
		Snapshot: s,
	}
}

func process(p *Proc) procmon.Process {
	out := procmon.Process{
		PID:             p.PID,
		PPID:            procmon.Some(p.PPID),
		Name:            p.Name,
		CPU:             procmon.Some(float64(p.CPU) / 100),
		Memory:          procmon.Some(float64(p.Mem<<10) / (1 << 20)),
		Username:        procmon.Some(p.User),
		StartTime:       procmon.Some(time.Unix(p.Start, int64(p.PID)*100).UTC()),
		CPUSeconds:      procmon.Some(float64(p.CPUTime) / 1e7),
		WorkingSetBytes: procmon.Some(uint64(p.Mem) << 10),
		PrivateBytes:    procmon.Some(uint64(p.Private) << 10),
		Threads:         procmon.Some(uint32(p.Thr)),
		Handles:         procmon.Some(uint32(p.Handles)),
		ReadBytes:       procmon.Some(uint64(p.Read)),
		WriteBytes:      procmon.Some(uint64(p.Written)),
		SessionID:       procmon.Some(p.PID % 2),
	}
	if p.Cmd != "" {
		out.Cmdline = procmon.Some(p.Cmd)
	}
	return out
}

// Snapshot returns the next snapshot of h.
func (h *Host) Snapshot() *procmon.Snapshot { return h.Record().Snapshot }
