//go:build !windows

package hostfacts

import (
	"context"
	"math"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/mem"

	"github.com/procmon/procmon"
)

func systemName() string {
	platform, _, version, err := host.PlatformInformation()
	if err != nil {
		return ""
	}
	return platform + " " + version
}

func processorName() string {
	info, err := cpu.Info()
	if err != nil || len(info) == 0 {
		return ""
	}
	return info[0].ModelName
}

func processors() (cores, threads procmon.Opt[uint32]) { return count(false), count(true) }

func count(logical bool) procmon.Opt[uint32] {
	n, err := cpu.Counts(logical)
	if err != nil || n <= 0 || int64(n) > math.MaxUint32 {
		return procmon.Opt[uint32]{}
	}
	return procmon.Some(uint32(n))
}

func bootTime() procmon.Opt[time.Time] {
	seconds, err := host.BootTime()
	if err != nil || seconds == 0 {
		return procmon.Opt[time.Time]{}
	}
	return procmon.Some(time.Unix(int64(seconds), 0).UTC())
}

func cpuTimes() (busy, idle float64, ok bool) {
	times, err := cpu.Times(false)
	if err != nil || len(times) == 0 {
		return 0, 0, false
	}
	t := times[0]
	return t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal, t.Idle + t.Iowait, true // user and nice hold the guests' time
}

func memory(ctx context.Context) (total, available uint64, ok bool) {
	m, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return 0, 0, false
	}
	return m.Total, m.Available, true
}

func volumes(ctx context.Context) []volume {
	partitions, err := disk.PartitionsWithContext(ctx, false)
	if err != nil && len(partitions) == 0 {
		return nil
	}
	var all []volume
	seen := map[string]bool{}
	for _, p := range partitions {
		if seen[p.Device] || !fixed(p) {
			continue
		}
		u, err := disk.UsageWithContext(ctx, p.Mountpoint)
		if err != nil || u.Total == 0 {
			continue
		}
		seen[p.Device] = true // mounted once more, it is the same
		all = append(all, volume{total: u.Total, used: u.Used, free: u.Free})
	}
	return all
}

// fixed reports whether p is a volume that is written to: images of read-only file systems,
// such as snaps and CDs, are always full and say nothing of the host's storage.
func fixed(p disk.PartitionStat) bool {
	switch p.Fstype {
	case "squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs":
		return false
	}
	return true
}
