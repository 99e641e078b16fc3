package events_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/events"
)

// TestShortLivedProcess records one where Windows has event tracing and gives us the right
// to it. Wine has none: there the error says so and nothing is left behind.
func TestShortLivedProcess(t *testing.T) {
	for range 2 { // the second finds nothing of the first
		w, err := events.Open(events.Options{})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "open an event tracing session: ") {
				t.Errorf("got %v", err)
			}
			t.Skip(err)
		}
		child := exec.Command("cmd", "/c", "exit 42")
		_ = child.Run()
		var end *procmon.Event
		for deadline := time.Now().Add(20 * time.Second); end == nil && time.Now().Before(deadline); {
			list, _ := w.Between(0, w.Now())
			for i := range list {
				if list[i].Kind == procmon.Ended && list[i].PID == uint32(child.Process.Pid) {
					end = &list[i]
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if end == nil || end.ExitCode != procmon.Some[int64](42) || !strings.EqualFold(end.Name.Value, "cmd.exe") || !end.StartTime.Known {
			t.Errorf("got %+v", end)
		}
	}
}
