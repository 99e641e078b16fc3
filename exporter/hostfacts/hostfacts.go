// Package hostfacts reads what a snapshot says of the host itself: its name, hardware,
// memory, storage and CPU use. It asks Windows itself, and gopsutil on other systems.
package hostfacts

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

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
	s.OS, s.Processor = text(systemName()), text(processorName())
	s.Cores, s.Threads = processors()
	s.AgentVersion = text(o.AgentVersion)
	s.BootTime = o.BootTime
	if !s.BootTime.Known {
		s.BootTime = bootTime()
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
	if total, available, ok := memory(ctx); ok && total > 0 && available <= total {
		s.RAMGB = procmon.Some(float64(total) / gib)
		s.UsedRAMGB = procmon.Some(float64(total-available) / gib)
		s.FreeRAMGB = procmon.Some(float64(available) / gib)
	}
	if now := time.Now(); r.storageAt.IsZero() || now.Sub(r.storageAt) >= storageStays {
		r.storage, r.storageAt = readStorage(ctx), now
	}
	s.StorageTotalGB, s.StorageUsedGB, s.StorageFreeGB = r.storage.StorageTotalGB, r.storage.StorageUsedGB, r.storage.StorageFreeGB
	return s
}

// cpuPercent returns the share of time, of all processors together, that was not idle.
func (r *Reader) cpuPercent() procmon.Opt[float64] {
	busy, idle, ok := cpuTimes()
	if !ok {
		r.timesKnown = false
		return procmon.Opt[float64]{}
	}
	moreBusy, moreIdle := busy-r.busy, idle-r.idle
	known := r.timesKnown && moreBusy >= 0 && moreIdle >= 0 && moreBusy+moreIdle > 0
	r.busy, r.idle, r.timesKnown = busy, idle, true
	if !known {
		return procmon.Opt[float64]{}
	}
	return procmon.Some(math.Round(1e4*moreBusy/(moreBusy+moreIdle)) / 100)
}

// volume is a file system on a disk that stays in the machine. Sizes are bytes.
type volume struct{ total, used, free uint64 }

// readStorage adds up the fixed volumes, each once however often it is mounted.
func readStorage(ctx context.Context) procmon.System {
	var s procmon.System
	var total, used, free uint64
	for _, v := range volumes(ctx) {
		total, used, free = total+v.total, used+v.used, free+v.free
	}
	if total == 0 {
		return s
	}
	s.StorageTotalGB = procmon.Some(float64(total) / gib)
	s.StorageUsedGB = procmon.Some(float64(used) / gib)
	s.StorageFreeGB = procmon.Some(float64(free) / gib)
	return s
}

func text(s string) procmon.Opt[string] {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD"))
	return procmon.Opt[string]{Value: s, Known: s != ""}
}
