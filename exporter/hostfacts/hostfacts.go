// Package hostfacts reads what a snapshot says of the host itself: its name, hardware,
// memory, storage and CPU use. It asks gopsutil, which knows many systems.
package hostfacts

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/mem"

	"github.com/procmon/procmon"
)

const (
	gib          = 1 << 30
	storageStays = 30 * time.Second // asking every volume is slow, and the answer changes slowly
)

// Options configures a Reader. The zero value is usable.
type Options struct {
	AgentVersion string                 // empty is unknown
	BootTime     procmon.Opt[time.Time] // if unknown, the system is asked once
}

// A Reader reads the facts of this host. What cannot change while the host runs is read
// once, by New. It is for one goroutine at a time.
type Reader struct {
	static     procmon.System
	storage    procmon.System // its Storage… fields
	storageAt  time.Time
	busy, idle float64 // CPU seconds of all processors at the previous Read
	timesKnown bool
}

// New returns a reader. Facts that the system does not tell are unknown, never an error.
func New(o Options) *Reader {
	r := &Reader{}
	s := &r.static
	if platform, _, version, err := host.PlatformInformation(); err == nil {
		s.OS = text(platform + " " + version)
	}
	if info, err := cpu.Info(); err == nil && len(info) > 0 {
		s.Processor = text(info[0].ModelName)
	}
	s.Cores, s.Threads = count(false), count(true)
	s.AgentVersion = text(o.AgentVersion)
	s.BootTime = o.BootTime
	if !s.BootTime.Known {
		if seconds, err := host.BootTime(); err == nil && seconds > 0 {
			s.BootTime = procmon.Some(time.Unix(int64(seconds), 0).UTC())
		}
	}
	r.cpuPercent() // the next Read measures from here
	return r
}

// Hostname returns the name that the host gives itself.
func Hostname() (string, error) {
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("read the hostname: %w", err)
	}
	name = strings.ToValidUTF8(name, "\uFFFD")
	if err := procmon.CheckHost(name); err != nil {
		return "", fmt.Errorf("the hostname of this machine: %w", err)
	}
	return name, nil
}

// Read returns the facts as they are now; CPU is measured since the previous Read, or since
// New. Sizes are exact: bytes divided by 2³⁰. Used memory is what is neither free nor held
// by caches that give way, so that used and free add up to all of it.
func (r *Reader) Read(ctx context.Context) procmon.System {
	s := r.static
	s.CPU = r.cpuPercent()
	if m, err := mem.VirtualMemoryWithContext(ctx); err == nil && m.Total > 0 && m.Available <= m.Total {
		s.RAMGB = procmon.Some(float64(m.Total) / gib)
		s.UsedRAMGB = procmon.Some(float64(m.Total-m.Available) / gib)
		s.FreeRAMGB = procmon.Some(float64(m.Available) / gib)
	}
	if now := time.Now(); r.storageAt.IsZero() || now.Sub(r.storageAt) >= storageStays {
		r.storage, r.storageAt = readStorage(ctx), now
	}
	s.StorageTotalGB, s.StorageUsedGB, s.StorageFreeGB = r.storage.StorageTotalGB, r.storage.StorageUsedGB, r.storage.StorageFreeGB
	return s
}

// cpuPercent returns the share of time, of all processors together, that was not idle.
func (r *Reader) cpuPercent() procmon.Opt[float64] {
	times, err := cpu.Times(false)
	if err != nil || len(times) == 0 {
		r.timesKnown = false
		return procmon.Opt[float64]{}
	}
	t := times[0]
	idle := t.Idle + t.Iowait
	busy := t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal // user and nice hold the guests' time
	moreBusy, moreIdle := busy-r.busy, idle-r.idle
	known := r.timesKnown && moreBusy >= 0 && moreIdle >= 0 && moreBusy+moreIdle > 0
	r.busy, r.idle, r.timesKnown = busy, idle, true
	if !known {
		return procmon.Opt[float64]{}
	}
	return procmon.Some(100 * moreBusy / (moreBusy + moreIdle))
}

// readStorage adds up the fixed volumes, each once however often it is mounted.
func readStorage(ctx context.Context) procmon.System {
	var s procmon.System
	partitions, err := disk.PartitionsWithContext(ctx, false)
	if err != nil && len(partitions) == 0 {
		return s
	}
	var total, used, free uint64
	seen := map[string]bool{}
	for _, p := range partitions {
		if seen[p.Device] || !fixed(p) {
			continue
		}
		u, err := disk.UsageWithContext(ctx, p.Mountpoint)
		if err != nil || u.Total == 0 {
			continue
		}
		seen[p.Device] = true
		total, used, free = total+u.Total, used+u.Used, free+u.Free
	}
	if total == 0 {
		return s
	}
	s.StorageTotalGB = procmon.Some(float64(total) / gib)
	s.StorageUsedGB = procmon.Some(float64(used) / gib)
	s.StorageFreeGB = procmon.Some(float64(free) / gib)
	return s
}

func count(logical bool) procmon.Opt[uint32] {
	n, err := cpu.Counts(logical)
	if err != nil || n <= 0 || int64(n) > math.MaxUint32 {
		return procmon.Opt[uint32]{}
	}
	return procmon.Some(uint32(n))
}

func text(s string) procmon.Opt[string] {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD"))
	return procmon.Opt[string]{Value: s, Known: s != ""}
}
