package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	mostGarbage  = 50        // percent of what is in use
	mostBytes    = 128 << 20 // of it, where that is less
	leastGarbage = 10        // percent
)

// boundGarbage has garbage collected before it takes half of what is in use, or 128 MiB: with a
// thousand hosts that saves some hundred MB, and takes no CPU that shows in BenchmarkThousandHosts
// of test/fleet. It returns when ctx ends.
// GOGC of the environment wins (https://pkg.go.dev/runtime#hdr-Environment_Variables).
func boundGarbage(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	const often = 15 * time.Second
	tick := time.NewTicker(often)
	defer tick.Stop()
	last := 0
	for {
		if now := garbagePercent(bytesInUse()); now != last {
			debug.SetGCPercent(now)
			last = now
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// garbagePercent returns how much garbage there may be in percent of what is in use.
func garbagePercent(inUse uint64) int {
	if inUse == 0 {
		return mostGarbage
	}
	return int(min(mostGarbage, max(leastGarbage, mostBytes*100/inUse)))
}

// bytesInUse returns what the last collection left of the heap.
func bytesInUse() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
