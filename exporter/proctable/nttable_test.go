package proctable_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/proctable"
)

// ntHost is a Windows whose processes a test starts and ends.
type ntHost struct {
	t         testing.TB
	processes []ntSpec
	services  []ntService
	part      int // most services that one answer has; 0 is all
	denied    error

	table    *proctable.Table
	rows     proctable.Rows
	opened   []uint32 // pids that were asked for their facts
	versions []string // paths that were read
	asked    int      // how often for the services
	facts    map[uint32]proctable.NTFacts
}

func newNTHost(t testing.TB) *ntHost {
	h := &ntHost{t: t, facts: map[uint32]proctable.NTFacts{}}
	h.table = proctable.OpenNT(&proctable.NTSystem{
		Processes: func() ([]byte, uint64, error) { return ntTable(ntBase, h.processes...), ntBase, nil },
		Facts: func(pid uint32, created int64) (proctable.NTFacts, bool) {
			h.opened = append(h.opened, pid)
			facts, ok := h.facts[pid]
			return facts, ok
		},
		Version: func(path string) proctable.Version {
			h.versions = append(h.versions, path)
			return proctable.Version{Company: procmon.Some("maker of " + path)}
		},
		Services: func(f func([]byte, uint64, uint32) error) error {
			h.asked++
			part := len(h.services)
			if h.part > 0 {
				part = h.part
			}
			for some := range slices.Chunk(h.services, max(part, 1)) {
				if err := f(ntServices(ntBase, some...), ntBase, uint32(len(some))); err != nil {
					return err
				}
			}
			return h.denied
		},
	}, strings.ToUpper)
	return h
}

// start lets a process start at a time that may be none.
func (h *ntHost) start(pid, ppid uint32, name string, at time.Time) {
	info := systemProcessInformation{UniqueProcessID: pointer(pid), InheritedFromUniqueProcessID: pointer(ppid)}
	if !at.IsZero() {
		info.CreateTime = filetimeOf(at)
	}
	h.processes = append(h.processes, ntSpec{name: ntName(name), info: info, threads: int(pid % 3)})
}

// longAgo is a time at which a process started that has settled.
func (h *ntHost) longAgo() time.Time { return time.Now().Add(-time.Hour) }

func (h *ntHost) end(pid uint32) {
	h.processes = slices.DeleteFunc(h.processes, func(s ntSpec) bool { return s.info.UniqueProcessID == pointer(pid) })
}

// read reads the table once, and forgets what was asked before.
func (h *ntHost) read() {
	h.t.Helper()
	h.opened, h.versions, h.asked = nil, nil, 0
	if err := h.table.Read(&h.rows); err != nil {
		h.t.Fatal(err)
	}
}

func (h *ntHost) process(pid uint32) *procmon.Process {
	h.t.Helper()
	for i := range h.rows.Processes {
		if h.rows.Processes[i].PID == pid {
			return &h.rows.Processes[i]
		}
	}
	h.t.Fatalf("no pid %d", pid)
	return nil
}

func TestNTStaticFacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newNTHost(t)
		h.start(4, 0, "System", time.Now().Add(-time.Hour))
		h.start(400, 4, "old.exe", time.Now().Add(-time.Minute))
		h.start(800, 400, "denied.exe", time.Now().Add(-time.Minute))
		h.start(1200, 400, "young.exe", time.Now().Add(-500*time.Millisecond))
		h.facts[400] = proctable.NTFacts{
			Exe: procmon.Some(`C:\old.exe`), Cmdline: procmon.Some(`old --password x`), Username: procmon.Some(`D\u`),
			Integrity: procmon.Some(procmon.IntegrityHigh), Elevated: procmon.Some(true), Bits: procmon.Some[uint32](32),
		}
		h.facts[1200] = proctable.NTFacts{Exe: procmon.Some(`\\server\share\young.exe`)}
		h.read()
		p := h.process(400)
		got := procmon.Process{PID: p.PID, PPID: p.PPID, Exe: p.Exe, Cmdline: p.Cmdline, Username: p.Username, Integrity: p.Integrity,
			Elevated: p.Elevated, Bits: p.Bits, Company: p.Company, Description: p.Description}
		want := procmon.Process{PID: 400, PPID: procmon.Some[uint32](4), Exe: procmon.Some(`C:\old.exe`), Cmdline: procmon.Some(`OLD --PASSWORD X`),
			Username: procmon.Some(`D\u`), Integrity: procmon.Some("high"), Elevated: procmon.Some(true), Bits: procmon.Some[uint32](32),
			Company: procmon.Some(`maker of C:\old.exe`)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if p := h.process(800); p.Exe.Known || p.Cmdline.Known || p.Username.Known || p.Integrity.Known || p.Elevated.Known || p.Bits.Known || p.Company.Known {
			t.Errorf("what was denied is there: %+v", p)
		}
		if diff := cmp.Diff([]uint32{4, 400, 800, 1200}, h.opened); diff != "" {
			t.Error("at first", diff)
		}
		if diff := cmp.Diff([]string{`C:\old.exe`}, h.versions); diff != "" {
			t.Error("programs read", diff)
		}

		time.Sleep(time.Second)
		h.read()
		if h.opened != nil || h.versions != nil {
			t.Errorf("asked again for %v and %v", h.opened, h.versions)
		}
		h.facts[1200] = proctable.NTFacts{Exe: procmon.Some(`C:\old.exe`), Cmdline: procmon.Some("ready")}
		time.Sleep(time.Second)
		h.read()
		if diff := cmp.Diff([]uint32{1200}, h.opened); diff != "" || h.versions != nil {
			t.Errorf("who has settled is asked for %v, and %v read:\n%s", h.opened, h.versions, diff)
		}
		if p := h.process(1200); p.Cmdline.Value != "READY" || p.Company.Value != `maker of C:\old.exe` {
			t.Errorf("got %+v", p)
		}
		time.Sleep(time.Hour)
		h.read()
		if h.opened != nil {
			t.Errorf("asked for %v again", h.opened)
		}
	})
}

// TestNTFactsStay loses nothing when a process that settles cannot be opened any more.
func TestNTFactsStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newNTHost(t)
		h.start(8, 4, "a.exe", time.Now())
		h.facts[8] = proctable.NTFacts{Cmdline: procmon.Some("a"), Exe: procmon.Some(`C:\a.exe`)}
		h.read()
		delete(h.facts, 8)
		time.Sleep(3 * time.Second)
		h.read()
		if p := h.process(8); len(h.opened) != 1 || p.Cmdline.Value != "A" || p.Exe.Value != `C:\a.exe` {
			t.Errorf("opened %v: %+v", h.opened, p)
		}
	})
}

func TestNTReuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now().Add(-time.Hour)
		h := newNTHost(t)
		h.start(4, 0, "System", began)
		h.start(400, 4, "parent.exe", began.Add(time.Minute))
		h.start(800, 400, "child.exe", began.Add(2*time.Minute))
		h.facts[400] = proctable.NTFacts{Username: procmon.Some("first")}
		h.read()
		first := h.process(400).ID()
		if got := h.process(800).PPID; got != procmon.Some[uint32](400) {
			t.Errorf("the child's parent is %v", got)
		}

		h.end(400)
		h.read()
		if got := h.process(800).PPID; got != procmon.Some[uint32](400) {
			t.Errorf("the child of one that has ended has parent %v", got)
		}
		if n := proctable.Remembered(h.table); n != 2 {
			t.Errorf("%d are remembered", n)
		}

		h.start(400, 4, "other.exe", began.Add(30*time.Minute))
		h.facts[400] = proctable.NTFacts{Username: procmon.Some("second")}
		h.read()
		p := h.process(400)
		if p.ID() == first || p.Name != "other.exe" || p.Username.Value != "second" {
			t.Errorf("the pid has %+v", p)
		}
		if got := h.process(800).PPID; got.Known {
			t.Errorf("another process became the parent: %v", got)
		}

		// Between two readings, in the same place of the table.
		h.processes[2].info.CreateTime += 1
		h.facts[400] = proctable.NTFacts{Username: procmon.Some("third")}
		h.read()
		if p := h.process(400); p.Username.Value != "third" || len(h.opened) != 1 {
			t.Errorf("opened %v, the pid has %+v", h.opened, p)
		}
	})
}

// TestNTClock sets the clock of the host: processes are dated later than now, and before
// their parents.
func TestNTClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		h := newNTHost(t)
		h.start(4, 0, "System", now.Add(-time.Hour))
		h.start(400, 4, "parent.exe", now.Add(24*time.Hour)) // the clock was set back since
		h.start(404, 400, "together.exe", now)               // who can tell
		h.facts[400] = proctable.NTFacts{Cmdline: procmon.Some("early")}
		h.read()
		if got := h.process(404).PPID; got.Known {
			t.Errorf("started before its parent %v", got)
		}
		h.start(800, 400, "child.exe", now.Add(time.Second))
		time.Sleep(2 * time.Second)
		h.facts[400] = proctable.NTFacts{Cmdline: procmon.Some("late")}
		h.read()
		if got := h.process(800).PPID; got != procmon.Some[uint32](400) {
			t.Errorf("the parent that was there before is %v", got)
		}
		if got := h.process(400).Cmdline.Value; got != "LATE" {
			t.Errorf("a process from the future is not read when it settles: %q", got)
		}
		// A pid is used again, by one that is dated before the child.
		h.end(400)
		h.start(400, 4, "other.exe", now.Add(-time.Minute))
		h.read()
		if got := h.process(800).PPID; got.Known {
			t.Errorf("another process became the parent: %v", got)
		}
		// The identity stays what it is.
		id := h.process(800).ID()
		for range 3 {
			time.Sleep(time.Hour)
			h.read()
			if got := h.process(800).ID(); got != id {
				t.Errorf("identity %v became %v", id, got)
			}
		}
	})
}

func TestNTOrder(t *testing.T) {
	h := newNTHost(t)
	began := time.Now().Add(-time.Hour)
	pids := []uint32{4, 9000, 12, 0, 7000, 8, 7004}
	for _, pid := range pids {
		h.start(pid, 4, fmt.Sprint(pid), began)
	}
	check := func() {
		t.Helper()
		h.read()
		var got, want []string
		for i := range h.rows.Processes {
			got = append(got, fmt.Sprintf("%d %s", h.rows.Processes[i].PID, h.rows.Processes[i].Name))
		}
		slices.Sort(pids)
		for _, pid := range pids {
			want = append(want, fmt.Sprintf("%d %d", pid, pid))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if n := proctable.Remembered(h.table); n != len(pids) {
			t.Errorf("%d of %d are remembered", n, len(pids))
		}
	}
	check()
	check()
	for _, pid := range []uint32{7004, 9000, 0} { // the last, the middle
		h.end(pid)
		pids = slices.DeleteFunc(pids, func(p uint32) bool { return p == pid })
		check()
	}
	slices.Reverse(h.processes)
	check()
	pids = append(pids, 16, 20)
	h.start(20, 4, "20", began)
	h.start(16, 4, "16", began)
	check()
	check()
}

func TestNTServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newNTHost(t)
		old := time.Now().Add(-time.Hour)
		h.start(500, 400, "services.exe", old)
		h.start(600, 500, "svchost.exe", old)
		h.start(604, 500, "svchost.exe", old)
		h.start(900, 800, "explorer.exe", old)
		h.services = []ntService{{600, "Schedule"}, {600, "BITS"}, {604, "größer"}, {0, "stopping"}, {12345, "nobody"}, {600, "BITS"}}
		services := func(what string, asked int, want ...[]string) {
			t.Helper()
			h.read()
			var got [][]string
			for i := range h.rows.Processes {
				got = append(got, h.rows.Processes[i].Services)
			}
			if diff := cmp.Diff(want, got); diff != "" || h.asked != asked {
				t.Errorf("%s: asked %d times, want %d\n%s", what, h.asked, asked, diff)
			}
		}
		both, other := []string{"BITS", "Schedule"}, []string{"größer"}
		services("at first", 1, nil, both, other, nil)
		services("nothing happens", 0, nil, both, other, nil)
		h.part = 1
		h.start(904, 900, "notepad.exe", old)
		services("something else starts", 0, nil, both, other, nil, nil)
		h.end(904)
		services("and ends", 0, nil, both, other, nil)

		h.start(608, 500, "spoolsv.exe", time.Now())
		h.start(612, 500, "lsm.exe", old)
		h.services = append(h.services, ntService{612, "LSM"})
		services("two start", 1, nil, both, other, nil, []string{"LSM"}, nil)
		h.services = append(h.services, ntService{608, "Spooler"})
		time.Sleep(2 * time.Second)
		services("one has settled", 1, nil, both, other, []string{"Spooler"}, []string{"LSM"}, nil)
		h.end(612)
		h.services = slices.DeleteFunc(h.services, func(s ntService) bool { return s.pid == 612 || s.name == "Schedule" })
		services("one ends", 1, nil, []string{"BITS"}, other, []string{"Spooler"}, nil)
		if both[0] != "BITS" || both[1] != "Schedule" {
			t.Error("rows of earlier readings have changed")
		}

		h.services = h.services[:1:1]
		time.Sleep(time.Minute - time.Nanosecond)
		services("a service stops alone", 0, nil, []string{"BITS"}, other, []string{"Spooler"}, nil)
		time.Sleep(time.Nanosecond)
		services("a minute later", 1, nil, []string{"BITS"}, nil, nil, nil)

		h.denied = errors.New("access denied")
		time.Sleep(time.Minute)
		services("denied", 1, nil, nil, nil, nil, nil)
		services("denied still", 0, nil, nil, nil, nil, nil)
		h.denied = nil
		time.Sleep(time.Minute)
		services("allowed again", 1, nil, []string{"BITS"}, nil, nil, nil)
	})
}

// TestNTSlowPrograms lets programs be read from a slow disk: no reading waits for all.
func TestNTSlowPrograms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newNTHost(t)
		read := map[string]int{}
		table := proctable.OpenNT(&proctable.NTSystem{
			Processes: func() ([]byte, uint64, error) { return ntTable(ntBase, h.processes...), ntBase, nil },
			Facts: func(pid uint32, _ int64) (proctable.NTFacts, bool) {
				return proctable.NTFacts{Exe: procmon.Some(fmt.Sprintf(`C:\%d.exe`, pid/2))}, true
			},
			Version: func(path string) proctable.Version {
				time.Sleep(proctable.ProgramsReadFor / 4)
				read[path]++
				return proctable.Version{Company: procmon.Some(path), Description: procmon.Some("of " + path)}
			},
		}, nil)
		for pid := range uint32(20) {
			h.start(100+pid, 4, "x.exe", time.Now().Add(-time.Hour))
		}
		for reading := 1; reading <= 5; reading++ {
			began := time.Now()
			if err := table.Read(&h.rows); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > 2*proctable.ProgramsReadFor {
				t.Errorf("reading %d took %v", reading, took)
			}
			known := 0
			for i := range h.rows.Processes {
				p := &h.rows.Processes[i]
				if p.Company.Known != p.Description.Known || p.Company.Known && p.Company != p.Exe {
					t.Errorf("got %+v", p)
				}
				if p.Company.Known {
					known++
				}
			}
			if want := min(20, 2*4*reading); known != want {
				t.Errorf("after %d readings %d of 20 have a company, want %d", reading, known, want)
			}
		}
		if len(read) != 10 {
			t.Errorf("%d programs were read, want 10", len(read))
		}
		for path, n := range read {
			if n != 1 {
				t.Errorf("%s was read %d times", path, n)
			}
		}
	})
}

// TestNTMany reads 10,000 processes, of which some end and some start.
func TestNTMany(t *testing.T) {
	const n = 10_000
	h := newNTHost(t)
	began := time.Now().Add(-time.Hour)
	for i := range uint32(n) {
		pid := 4 * (1 + i*7919%n)
		h.start(pid, 4, fmt.Sprintf("p%d.exe", pid), began.Add(time.Duration(i)*time.Millisecond))
		h.facts[pid] = proctable.NTFacts{Exe: procmon.Some(fmt.Sprintf(`C:\%d.exe`, i%100)), Cmdline: procmon.Some(fmt.Sprint(i))}
	}
	h.read()
	if len(h.rows.Processes) != n || len(h.opened) != n || len(h.versions) != 100 {
		t.Errorf("%d processes, %d were opened, %d programs read", len(h.rows.Processes), len(h.opened), len(h.versions))
	}
	for i := range h.rows.Processes {
		if p := &h.rows.Processes[i]; p.PID != uint32(4*(i+1)) || p.Name != fmt.Sprintf("p%d.exe", p.PID) || !p.Company.Known {
			t.Fatalf("row %d is %+v", i, p)
		}
	}
	for range 500 {
		h.processes = h.processes[1:]
	}
	for i := range uint32(500) {
		h.start(4*(n+1+i), 4, "new.exe", began.Add(time.Minute))
	}
	h.read()
	if len(h.rows.Processes) != n || len(h.opened) != 500 || proctable.Remembered(h.table) != n {
		t.Errorf("%d processes, %d were opened, %d are remembered", len(h.rows.Processes), len(h.opened), proctable.Remembered(h.table))
	}
}

// TestNTCounters holds CPU time against identities: a pid that is used again begins anew.
func TestNTCounters(t *testing.T) {
	h := newNTHost(t)
	began := time.Now().Add(-time.Hour)
	h.start(8, 4, "a.exe", began)
	h.start(12, 4, "b.exe", began)
	h.processes[0].info.UserTime, h.processes[1].info.UserTime = 50e7, 10e7
	h.read()
	var before proctable.Rows
	before.Processes = slices.Clone(h.rows.Processes)
	h.processes[0].info.CreateTime, h.processes[0].info.UserTime = filetimeOf(began.Add(time.Minute)), 1e7
	h.processes[1].info.UserTime = 12e7
	h.read()
	var got []string
	proctable.Join(&before, &h.rows, func(i, j int) { got = append(got, fmt.Sprint(i, " ", j)) })
	if diff := cmp.Diff([]string{"0 -1", "-1 0", "1 1"}, got); diff != "" {
		t.Error(diff)
	}
	if a, b := h.rows.Processes[0].CPUSeconds.Value, h.rows.Processes[1].CPUSeconds.Value; a != 1 || b != 12 {
		t.Errorf("CPU seconds are %v and %v", a, b)
	}
}
