package exporter_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/procmon/procmon/exporter"
)

// TestRecordingThatIsRefused: where the system does not tell of starts and ends, one warning
// says why, and all else works.
func TestRecordingThatIsRefused(t *testing.T) {
	var log bytes.Buffer
	e := open(t, exporter.Options{CPUSampleDelay: -1, ShareFor: -1, Events: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if log.Len() == 0 {
		t.Skip("they are recorded here")
	}
	for range 3 {
		var out bytes.Buffer
		if err := e.WriteSnapshot(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		if s := decode(t, out.Bytes()); s.Events != nil || len(s.Processes) == 0 {
			t.Errorf("got events %v and %d processes", s.Events, len(s.Processes))
		}
		body, err := exporter.AppendSnapshot(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		if s := decode(t, body); s.Events != nil {
			t.Errorf("got events %v", s.Events)
		}
	}
	text := log.String()
	if strings.Count(text, "level=WARN") != 1 || strings.Count(text, "\n") != 1 || !strings.Contains(text, `msg="starts and ends of processes between collections are not recorded" error="open `) {
		t.Errorf("the log is %s", text)
	}
}
