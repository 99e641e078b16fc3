package events_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/events"
)

// userData lays out fields as the templates of Microsoft-Windows-Kernel-Process list them:
// FILETIME of a time.Time, UnicodeString of a string, AnsiString and SID of bytes.
func userData(fields ...any) []byte {
	var b []byte
	for _, field := range fields {
		switch v := field.(type) {
		case uint32:
			b = binary.LittleEndian.AppendUint32(b, v)
		case uint64:
			b = binary.LittleEndian.AppendUint64(b, v)
		case time.Time:
			b = binary.LittleEndian.AppendUint64(b, uint64(v.Unix()+11644473600)*1e7+uint64(v.Nanosecond()/100))
		case string:
			for _, unit := range utf16.Encode([]rune(v + "\x00")) {
				b = binary.LittleEndian.AppendUint16(b, unit)
			}
		case []byte:
			b = append(b, v...)
		default:
			panic(fmt.Sprintf("no layout for %T", v))
		}
	}
	return b
}

var (
	created = time.Date(2026, 11, 22, 20, 15, 0, 123456700, time.UTC)
	exited  = created.Add(1500 * time.Millisecond)
	at      = exited.Add(time.Millisecond)
	drives  = map[string]string{`\Device\HarddiskVolume3`: "C:"}
)

const (
	pid, parent, session, flags, code = uint32(4321), uint32(1234), uint32(2), uint32(0), uint32(0xC0000005)
	image                             = `\Device\HarddiskVolume3\Program Files\Größe\wörk.exe`
	elevation, elevated, checksum     = uint32(1), uint32(1), uint32(77)
	handles, commit, cycles, count    = uint32(9), uint64(1 << 20), uint64(1e9), uint32(5)
	number, parentNumber              = uint64(900), uint64(800)
)

// highIntegrity is the SID S-1-16-12288.
func highIntegrity() []byte { return []byte{1, 1, 0, 0, 0, 0, 0, 16, 0, 0x30, 0, 0} }

// starts and stops are the events of each version.
func starts() [][]byte {
	package1 := []any{checksum, checksum, "", ""} // ImageChecksum, TimeDateStamp, PackageFullName, PackageRelativeAppId
	v3 := append([]any{pid, number, created, parent, parentNumber, session, flags, elevation, elevated, highIntegrity(), image}, package1...)
	return [][]byte{
		userData(pid, created, parent, session, image),
		userData(pid, created, parent, session, flags, image),
		userData(append([]any{pid, created, parent, session, flags, image}, package1...)...),
		userData(v3...),
		userData(append(v3, "a later field", uint32(1))...),
	}
}

func stops() [][]byte {
	name := []byte("work.exe\x00")
	return [][]byte{
		userData(pid, created, exited, code, elevation, handles, commit, commit, name),
		userData(pid, created, exited, code, elevation, handles, commit, commit, cycles, count, count, count, count, count, name),
		userData(pid, number, created, exited, code, elevation, handles, commit, commit, cycles, count, count, count, count, count, name),
		userData(pid, number, created, exited, code, elevation, handles, commit, commit, cycles, count, count, count, count, count, name, uint32(1)),
	}
}

const (
	startID = 1
	stopID  = 2
)

func TestKernelProcessEvents(t *testing.T) {
	wantStart := procmon.Event{
		Kind: procmon.Started, Time: created, PID: pid, PPID: procmon.Some(parent), StartTime: procmon.Some(created),
		Name: procmon.Some("wörk.exe"), Exe: procmon.Some(`C:\Program Files\Größe\wörk.exe`),
	}
	wantEnd := procmon.Event{
		Kind: procmon.Ended, Time: exited, PID: pid, StartTime: procmon.Some(created), ExitCode: procmon.Some[int64](0xC0000005),
	}
	bareEnd := wantEnd
	bareEnd.Name = procmon.Some("work.exe")
	pairedEnd := wantEnd
	pairedEnd.PPID, pairedEnd.Name, pairedEnd.Exe = wantStart.PPID, wantStart.Name, wantStart.Exe
	for version, data := range starts() {
		t.Run(fmt.Sprint("start version ", version), func(t *testing.T) {
			j := events.NewJournal(events.Options{MaxEvents: 10, MaxText: 1 << 20})
			take := j.KernelLog(drives, nil)
			take(startID, uint8(version), at, data)
			take(stopID, 2, at, stops()[2])
			list, _ := j.Between(0, j.Now())
			if diff := cmp.Diff([]procmon.Event{wantStart, pairedEnd}, list); diff != "" {
				t.Error(diff)
			}
		})
	}
	for version, data := range stops() {
		t.Run(fmt.Sprint("stop version ", version), func(t *testing.T) {
			j := events.NewJournal(events.Options{MaxEvents: 10, MaxText: 1 << 20})
			j.KernelLog(drives, nil)(stopID, uint8(version), at, data)
			list, _ := j.Between(0, j.Now())
			if diff := cmp.Diff([]procmon.Event{bareEnd}, list); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestKernelProcessFacts(t *testing.T) {
	j := events.NewJournal(events.Options{MaxEvents: 10, MaxText: 1 << 20, Redact: func(string) string { return "redacted" }})
	take := j.KernelLog(drives, func(asked uint32, started time.Time) events.Facts {
		if asked != pid || !started.Equal(created) {
			t.Errorf("asked for %d of %v", asked, started)
		}
		return events.Facts{Cmdline: procmon.Some("work.exe /p:hunter2"), Username: procmon.Some(`NT AUTHORITY\SYSTEM`)}
	})
	take(startID, 3, created, starts()[3])
	// The end of an earlier process with the same pid is not this one's.
	take(stopID, 2, at, userData(pid, number, created.Add(-time.Hour), exited, code, elevation, handles, commit, commit, cycles, count, count, count, count, count, []byte("other.exe\x00")))
	list, _ := j.Between(0, j.Now())
	if e := list[0]; e.Cmdline != procmon.Some("redacted") || e.Username != procmon.Some(`NT AUTHORITY\SYSTEM`) || e.Name != procmon.Some("wörk.exe") {
		t.Errorf("got %+v", e)
	}
	if e := list[1]; e.Kind != procmon.Ended || e.Cmdline.Known || e.Name != procmon.Some("other.exe") {
		t.Errorf("got %+v", e)
	}
}

// TestStopWithoutExitTime takes the time that Windows dates the event with.
func TestStopWithoutExitTime(t *testing.T) {
	data := userData(pid, created, uint64(0), code, elevation, handles, commit, commit, []byte("work.exe\x00"))
	j := events.NewJournal(events.Options{MaxEvents: 10, MaxText: 1 << 20})
	take := j.KernelLog(drives, nil)
	take(stopID, 0, at, data)
	take(stopID, 0, time.Time{}, data)
	list, _ := j.Between(0, j.Now())
	if len(list) != 1 || !list[0].Time.Equal(at) || j.Stats().Errors != 1 {
		t.Errorf("got %+v and %+v", list, j.Stats())
	}
}

func TestImageNames(t *testing.T) {
	for _, test := range []struct {
		name, image string
		exe         procmon.Opt[string]
		short       procmon.Opt[string]
	}{
		{"drive", `\Device\HarddiskVolume3\a.exe`, procmon.Some(`C:\a.exe`), procmon.Some("a.exe")},
		{"volume without a letter", `\Device\HarddiskVolume9\a.exe`, procmon.Opt[string]{}, procmon.Some("a.exe")},
		{"longer name of a volume", `\Device\HarddiskVolume33\a.exe`, procmon.Opt[string]{}, procmon.Some("a.exe")},
		{"network", `\Device\Mup\server\share\a.exe`, procmon.Opt[string]{}, procmon.Some("a.exe")},
		{"no path", `Registry`, procmon.Opt[string]{}, procmon.Some("Registry")},
		{"empty", ``, procmon.Opt[string]{}, procmon.Opt[string]{}},
		{"directory", `\Device\HarddiskVolume3\`, procmon.Some(`C:\`), procmon.Opt[string]{}},
		{"half a surrogate pair", "\\Device\\HarddiskVolume3\\\xed\xa0\x80.exe", procmon.Some("C:\\\uFFFD\uFFFD\uFFFD.exe"), procmon.Some("\uFFFD\uFFFD\uFFFD.exe")},
	} {
		t.Run(test.name, func(t *testing.T) {
			j := events.NewJournal(events.Options{MaxEvents: 10, MaxText: 1 << 20})
			j.KernelLog(drives, nil)(startID, 0, created, userData(pid, created, parent, session, test.image))
			list, _ := j.Between(0, j.Now())
			if len(list) != 1 || list[0].Exe != test.exe || list[0].Name != test.short {
				t.Errorf("got %+v", list)
			}
		})
	}
}

func TestDamagedKernelProcessEvents(t *testing.T) {
	damaged := func(id uint16, version uint8, data []byte) events.Stats {
		j := events.NewJournal(events.Options{MaxEvents: 10, MaxText: 1 << 20})
		j.KernelLog(drives, nil)(id, version, at, data)
		return j.Stats()
	}
	want := events.Stats{Errors: 1}
	for id, versions := range map[uint16][][]byte{startID: starts(), stopID: stops()} {
		for version, data := range versions {
			// What follows the names is not read; all before them is needed.
			needed := len(userData(pid, created, parent, session, image))
			if id == stopID {
				needed = len(stops()[0])
			}
			for cut := range needed {
				if got := damaged(id, uint8(version), data[:cut]); got != want {
					t.Errorf("version %d of event %d, cut after %d of %d bytes: got %+v", version, id, cut, len(data), got)
				}
			}
		}
	}
	sid := highIntegrity()
	sid[1] = 200
	for _, test := range []struct {
		name    string
		id      uint16
		version uint8
		data    []byte
	}{
		{"another event", 3, 0, starts()[0]},
		{"created at no time", startID, 0, userData(pid, uint64(0), parent, session, image)},
		{"created in 1969", startID, 0, userData(pid, time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC), parent, session, image)},
		{"created in 2200", startID, 0, userData(pid, time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC), parent, session, image)},
		{"created before 1601", startID, 0, userData(pid, uint64(1<<63), parent, session, image)},
		{"a SID of 200 parts", startID, 3, userData(pid, number, created, parent, parentNumber, session, flags, elevation, elevated, sid, image)},
		{"an earlier layout", startID, 3, starts()[0]},
		{"a name without an end", stopID, 0, stops()[0][:len(stops()[0])-1]},
	} {
		if got := damaged(test.id, test.version, test.data); got != want {
			t.Errorf("%s: got %+v", test.name, got)
		}
	}
}

func FuzzKernelProcess(f *testing.F) {
	for id, versions := range map[uint16][][]byte{startID: starts(), stopID: stops()} {
		for version, data := range versions {
			f.Add(id, uint8(version), data)
		}
	}
	f.Fuzz(func(t *testing.T, id uint16, version uint8, data []byte) {
		j := events.NewJournal(events.Options{MaxEvents: 10, MaxText: 1 << 20})
		j.KernelLog(drives, nil)(id, version, at, data)
		list, _ := j.Between(0, j.Now())
		if s := j.Stats(); s.Starts+s.Ends+s.Errors != 1 || len(list) != int(s.Starts+s.Ends) {
			t.Errorf("%+v, and %d events", s, len(list))
		}
		for i := range list {
			if list[i].StartTime.Value.IsZero() || len(list[i].Exe.Value) > 3*len(data)+2 {
				t.Errorf("got %+v", list[i])
			}
		}
	})
}
