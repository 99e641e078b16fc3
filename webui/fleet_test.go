package webui_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
)

// hostile are names that break what does not take them as text.
var hostile = []string{
	`=cmd|' /C calc'!A0`, "<img src=x onerror=alert(1)>", "\"quoted\", and\r\nbroken", "\u202Eexe.txt", "  @SUM(1)", "%s%n", "ﾃｽﾄ.exe", "-2+3", "a,b;c",
}

const fleetSteps = 41

// fleet is a real store with three hosts at fleetSteps instants, the last of which is now, 15 s
// apart; with a gap of five minutes in the middle.
func fleet(t testing.TB) *storage.Store {
	t.Helper()
	store, err := storage.Open(t.TempDir(), storage.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	for step := range fleetSteps {
		for host, name := range []string{"alpha", `C:\<b>&"ä"`, "gamma"} {
			r := procmon.Record{Host: name, Labels: map[string]string{"job": "windows", "site": []string{"berlin", "bonn", "berlin"}[host]}, Snapshot: fleetSnapshot(name, step)}
			if err := store.Append(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	return store
}

func fleetTime(step int) time.Time {
	at := now.Add(time.Duration(step-fleetSteps+1) * 15 * time.Second)
	if step < fleetSteps/2 {
		at = at.Add(-5 * time.Minute)
	}
	return at
}

// fleetSnapshot has process 1 from first to last, which uses a fifth of a core; as its
// children one for each hostile name; and in each step one more, which ended with code 3 in the next.
func fleetSnapshot(host string, step int) *procmon.Snapshot {
	at := fleetTime(step)
	began := fleetTime(0).Add(-time.Hour)
	s := &procmon.Snapshot{
		Hostname: host, Timestamp: at,
		System: procmon.System{Threads: procmon.Some(uint32(4)), CPU: procmon.Some(float64(step)), UsedRAMGB: procmon.Some(2.0)},
	}
	used := 0.2 * at.Sub(began).Seconds()
	s.Processes = append(s.Processes, procmon.Process{
		PID: 1, Name: "init", StartTime: procmon.Some(began), CPUSeconds: procmon.Some(used), WorkingSetBytes: procmon.Some(uint64(1<<20 + step)),
		ReadBytes: procmon.Some(uint64(1000 * step)), WriteBytes: procmon.Some(uint64(0)), Username: procmon.Some("root"),
	})
	for i, name := range hostile {
		s.Processes = append(s.Processes, procmon.Process{
			PID: uint32(10 + i), PPID: procmon.Some(uint32(1)), Name: name, StartTime: procmon.Some(began.Add(time.Second)), Cmdline: procmon.Some(name + " " + name),
			Username: procmon.Some(name), Exe: procmon.Some("/" + name), CPUSeconds: procmon.Some(1.0), WorkingSetBytes: procmon.Some(uint64(i+1) << 20),
			Threads: procmon.Some(uint32(5)), Memory: procmon.Some(float64(i + 1)),
		})
	}
	s.Processes = append(s.Processes, procmon.Process{
		PID: uint32(100 + step%2), PPID: procmon.Some(uint32(1)), Name: fmt.Sprintf("job-%d", step), StartTime: procmon.Some(at.Add(-time.Second)), CPUSeconds: procmon.Some(0.5), WorkingSetBytes: procmon.Some[uint64](4096),
	})
	if step > 0 {
		before := fleetTime(step - 1).Add(-time.Second)
		s.Events = []procmon.Event{{
			Kind: procmon.Ended, Time: at.Add(-time.Second), PID: uint32(100 + (step-1)%2), StartTime: procmon.Some(before), ExitCode: procmon.Some(int64(3)),
		}}
	}
	return s
}
