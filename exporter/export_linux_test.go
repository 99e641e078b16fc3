package exporter

import (
	"slices"
	"testing"
	"time"

	"github.com/procmon/procmon"
)

// AwaitStart waits until the start of a process is recorded.
func AwaitStart(t testing.TB, e *Exporter, pid int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		w := e.collector.watcher
		list, _ := w.Between(0, w.Now())
		if slices.ContainsFunc(list, func(e procmon.Event) bool { return e.Kind == procmon.Started && e.PID == uint32(pid) }) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the start of %d is not recorded", pid)
		}
	}
}
