//go:build !linux && !(windows && (amd64 || arm64))

package proctable

import (
	"time"

	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/process"

	"github.com/procmon/procmon"
)

// osTable asks gopsutil for every fact of every process: right on any system that gopsutil
// knows, and slower than the systems that have an implementation of their own.
type osTable struct {
	redact func(cmdline string) string
}

func openSystem(o Options) (system, procmon.Opt[time.Time], error) {
	var boot procmon.Opt[time.Time]
	if seconds, err := host.BootTime(); err == nil {
		boot = procmon.Some(time.Unix(int64(seconds), 0).UTC())
	}
	return &osTable{redact: o.Redact}, boot, nil
}

func (t *osTable) close() error { return nil }

func (t *osTable) read(rows *Rows) error {
	all, err := process.Processes()
	if err != nil {
		return err
	}
	for _, from := range all {
		name, err := from.Name()
		if err != nil {
			continue // it has ended
		}
		p, detail := rows.add()
		*p = procmon.Process{
			PID: uint32(from.Pid), Name: clean(name),
			PPID:     fact(from.Ppid, func(v int32) uint32 { return uint32(v) }),
			Cmdline:  fact(from.Cmdline, func(s string) string { return t.redact(clean(s)) }),
			Username: fact(from.Username, clean),
			Exe:      fact(from.Exe, clean),
			Threads:  fact(from.NumThreads, func(v int32) uint32 { return uint32(v) }),
			Handles:  fact(from.NumFDs, func(v int32) uint32 { return uint32(v) }),
			StartTime: fact(from.CreateTime, func(milliseconds int64) time.Time {
				return time.UnixMilli(milliseconds).UTC()
			}),
		}
		*detail = Detail{}
		if times, err := from.Times(); err == nil {
			detail.UserSeconds, detail.SystemSeconds = times.User, times.System
			p.CPUSeconds = procmon.Some(times.User + times.System)
			p.KernelSeconds = procmon.Some(times.System)
		}
		if memory, err := from.MemoryInfo(); err == nil {
			p.WorkingSetBytes = procmon.Some(memory.RSS)
		}
		if io, err := from.IOCounters(); err == nil {
			p.ReadBytes, p.WriteBytes = procmon.Some(io.ReadBytes), procmon.Some(io.WriteBytes)
			p.ReadOperations, p.WriteOperations = procmon.Some(io.ReadCount), procmon.Some(io.WriteCount)
		}
	}
	return nil
}

// fact returns what ask answers, or unknown if it fails.
func fact[F, T any](ask func() (F, error), convert func(F) T) procmon.Opt[T] {
	v, err := ask()
	if err != nil {
		return procmon.Opt[T]{}
	}
	return procmon.Some(convert(v))
}
