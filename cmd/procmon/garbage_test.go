package main

import (
	"runtime"
	"testing"
)

func TestGarbagePercent(t *testing.T) {
	for inUse, want := range map[uint64]int{0: 50, 20 << 20: 50, 256 << 20: 50, 512 << 20: 25, 1 << 30: 12, 8 << 30: 10} {
		if got := garbagePercent(inUse); got != want {
			t.Errorf("with %d bytes in use it is %d percent, want %d", inUse, got, want)
		}
	}
	runtime.GC()
	if bytesInUse() == 0 {
		t.Error("nothing is in use")
	}
}
