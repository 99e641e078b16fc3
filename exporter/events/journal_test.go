package events_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/events"
)

var epoch = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)

func startOf(pid uint32, line string) procmon.Event {
	return procmon.Event{
		Kind: procmon.Started, PID: pid, Time: epoch.Add(time.Duration(pid) * time.Second),
		StartTime: procmon.Some(epoch.Add(time.Duration(pid) * time.Second)), Cmdline: procmon.Some(line),
	}
}

func pidsOf(list []procmon.Event) []uint32 {
	pids := []uint32{}
	for i := range list {
		pids = append(pids, list[i].PID)
	}
	return pids
}

func TestBetween(t *testing.T) {
	j := events.NewJournal(events.Options{MaxEvents: 4, MaxText: 1 << 20})
	for pid := range uint32(10) {
		j.Add(startOf(pid, "x"))
	}
	if now := j.Now(); now != 10 {
		t.Fatalf("the cursor after ten events is %d", now)
	}
	for _, test := range []struct {
		name        string
		after, upTo events.Cursor
		want        []uint32
		lost        uint64
	}{
		{"all that are left", 0, 10, []uint32{6, 7, 8, 9}, 6},
		{"the last", 9, 10, []uint32{9}, 0},
		{"none", 10, 10, []uint32{}, 0},
		{"backwards", 10, 9, []uint32{}, 0},
		{"some", 6, 8, []uint32{6, 7}, 0},
		{"some that are partly lost", 4, 7, []uint32{6}, 2},
		{"some that are lost", 1, 4, []uint32{}, 3},
		{"some that are just lost", 4, 6, []uint32{}, 2},
		{"beyond the last", 8, 1000, []uint32{8, 9}, 0},
		{"after the last", 1000, 2000, []uint32{}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, lost := j.Between(test.after, test.upTo)
			if diff := cmp.Diff(test.want, pidsOf(list)); diff != "" || lost != test.lost || list == nil {
				t.Errorf("lost %d, want %d; %s", lost, test.lost, diff)
			}
		})
	}
}

func TestEventsComeByTime(t *testing.T) {
	j := events.NewJournal(events.Options{MaxEvents: 10, MaxText: 1 << 20})
	for _, pid := range []uint32{3, 1, 2} {
		j.Add(startOf(pid, "x"))
	}
	list, _ := j.Between(0, 3)
	if diff := cmp.Diff([]uint32{1, 2, 3}, pidsOf(list)); diff != "" {
		t.Error(diff)
	}
}

func TestTextIsBounded(t *testing.T) {
	j := events.NewJournal(events.Options{MaxEvents: 1000, MaxText: 100})
	for pid := range uint32(50) {
		j.Add(startOf(pid, strings.Repeat("x", 30)))
		if waiting, kept := j.Text(); waiting > 100 || kept > 100 {
			t.Fatalf("%d bytes of text wait and %d are kept; at most 100 are allowed", waiting, kept)
		}
	}
	list, lost := j.Between(0, j.Now())
	if diff := cmp.Diff([]uint32{47, 48, 49}, pidsOf(list)); diff != "" || lost != 47 {
		t.Errorf("lost %d; %s", lost, diff)
	}
	// What had no room is unknown at the end; the identity is known.
	j.Add(procmon.Event{Kind: procmon.Ended, PID: 20, Time: epoch})
	list, _ = j.Between(j.Now()-1, j.Now())
	if e := list[0]; e.Cmdline.Known || e.StartTime != startOf(20, "").StartTime {
		t.Errorf("got %+v", e)
	}
	j.Add(startOf(100, strings.Repeat("y", 500))) // more than there is room for at all
	if list, _ = j.Between(0, j.Now()); len(list) != 1 || list[0].PID != 100 {
		t.Errorf("got %v", pidsOf(list))
	}
}

func TestEndHasTheFactsOfTheStart(t *testing.T) {
	j := events.NewJournal(events.Options{MaxEvents: 10, MaxText: 1 << 20})
	start := startOf(7, "a line")
	start.Name, start.PPID = procmon.Some("name"), procmon.Some[uint32](1)
	j.Add(start)
	for range 2 { // the second is of a process that is not known any more
		j.Add(procmon.Event{Kind: procmon.Ended, PID: 7, Time: epoch.Add(time.Hour), ExitCode: procmon.Some[int64](3)})
	}
	list, _ := j.Between(1, 3)
	want := start
	want.Kind, want.Time, want.ExitCode = procmon.Ended, epoch.Add(time.Hour), procmon.Some[int64](3)
	bare := procmon.Event{Kind: procmon.Ended, PID: 7, Time: want.Time, ExitCode: want.ExitCode}
	if diff := cmp.Diff([]procmon.Event{want, bare}, list); diff != "" {
		t.Error(diff)
	}
	if got, want := j.Stats(), (events.Stats{Starts: 1, Ends: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestFactsAreCleaned(t *testing.T) {
	j := events.NewJournal(events.Options{Redact: func(line string) string { return strings.ReplaceAll(line, "secret", "***") }})
	e := procmon.Event{Name: procmon.Some("kept")}
	j.Know(&e, events.Facts{
		Exe: procmon.Some("/bin/\xff"), Cmdline: procmon.Some(strings.Repeat("é", 2047) + "a secret that stands where it is cut"),
	})
	if e.Name != procmon.Some("kept") || e.Exe != procmon.Some("/bin/\uFFFD") || e.Username.Known {
		t.Errorf("got %+v", e)
	}
	line := e.Cmdline.Value
	if !utf8.ValidString(line) || !strings.HasSuffix(line, "a …") && !strings.HasSuffix(line, "a *…") || len(line) > 4200 {
		t.Errorf("got %d bytes that end in %q", len(line), line[len(line)-20:])
	}
}

func TestEndedRecordingHasNoEvents(t *testing.T) {
	j := events.NewJournal(events.Options{MaxEvents: 10, MaxText: 1 << 20})
	j.Add(startOf(1, "x"))
	j.End()
	if list, _ := j.Between(0, j.Now()); len(list) != 1 {
		t.Errorf("got %v; what was recorded shall be handed out", pidsOf(list))
	}
	if list, _ := j.Between(1, j.Now()); list != nil {
		t.Errorf("got %v; nothing is recorded any more", list)
	}
}
