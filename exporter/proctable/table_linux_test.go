package proctable_test

import (
	"bytes"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/internal/crowd"
	"github.com/procmon/procmon/exporter/proctable"
)

func openTable(t testing.TB) *proctable.Table {
	t.Helper()
	table, err := proctable.Open(proctable.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

// read returns the process with that pid, nil if it is not in the table.
func read(t testing.TB, table *proctable.Table, pid int) *procmon.Process {
	t.Helper()
	var rows proctable.Rows
	if err := table.Read(&rows); err != nil {
		t.Fatal(err)
	}
	for i := range rows.Processes {
		if rows.Processes[i].PID == uint32(pid) {
			return &rows.Processes[i]
		}
	}
	return nil
}

// eventually reads the table until ok likes the process.
func eventually(t testing.TB, table *proctable.Table, pid int, what string, ok func(*procmon.Process) bool) *procmon.Process {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		p := read(t, table, pid)
		if ok(p) {
			return p
		}
		if time.Now().After(deadline) {
			t.Fatalf("pid %d: not %s: %+v", pid, what, p)
		}
	}
}

// start runs a program that ends with the test. argv[0] need not be the program.
func start(t testing.TB, program string, argv ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{Path: path, Args: argv, SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

func TestOwnProcess(t *testing.T) {
	table := openTable(t)
	p := read(t, table, os.Getpid())
	if p == nil {
		t.Fatal("this process is not in the table")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	session, _, errno := syscall.RawSyscall(syscall.SYS_GETSID, 0, 0, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	got := procmon.Process{PPID: p.PPID, Name: p.Name, Cmdline: p.Cmdline, Exe: p.Exe, Username: p.Username, SessionID: p.SessionID}
	want := procmon.Process{
		PPID: procmon.Some(uint32(os.Getppid())), Name: filepath.Base(exe), Cmdline: procmon.Some(strings.Join(os.Args, " ")),
		Exe: procmon.Some(exe), Username: procmon.Some(me.Username), SessionID: procmon.Some(uint32(session)),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !p.ReadOperations.Known || !p.WriteOperations.Known || p.ReadOperations.Value == 0 || p.KernelSeconds.Value > p.CPUSeconds.Value {
		t.Errorf("%v read and %v write operations; %v of %v CPU seconds in the kernel", p.ReadOperations, p.WriteOperations, p.KernelSeconds, p.CPUSeconds)
	}
	if p.Handles.Value < 3 {
		t.Errorf("%v handles; stdin, stdout and stderr at least are open", p.Handles)
	}
	if age := time.Since(p.StartTime.Value); age < -2*time.Second || age > time.Hour {
		t.Errorf("started %v ago", age)
	}
}

func TestHostileArguments(t *testing.T) {
	table := openTable(t)
	long := strings.Repeat("x", 32000)
	script := filepath.Join(t.TempDir(), "a) R (b \xff.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nread line\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	stdin, keep, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	waiting := &exec.Cmd{Path: script, Args: []string{script, "two words", "<img src=x>", "\xff\xfe", long}, Stdin: stdin}
	if err := waiting.Start(); err != nil {
		t.Fatal(err)
	}
	stdin.Close()
	defer waiting.Wait()
	defer waiting.Process.Kill()
	p := eventually(t, table, waiting.Process.Pid, "the script", func(p *procmon.Process) bool {
		return p != nil && strings.Contains(p.Cmdline.Value, "two words")
	})
	if want := "a) R (b \uFFFD.sh"; p.Name != want {
		t.Errorf("name is %q, want %q", p.Name, want)
	}
	if want := " two words <img src=x> \uFFFD " + long; !strings.HasSuffix(p.Cmdline.Value, want) {
		t.Errorf("cmdline is %.80q…, want it to end in %.80q…", p.Cmdline.Value, want)
	}
}

// openTableOf opens a table that sees those processes alone: what else goes on on this machine
// does not change what reading it costs.
func openTableOf(t testing.TB, o proctable.Options, pids ...uint32) *proctable.Table {
	t.Helper()
	dir := t.TempDir()
	for _, pid := range pids {
		name := strconv.FormatUint(uint64(pid), 10)
		if err := os.Symlink("/proc/"+name, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	table, err := proctable.OpenDir(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

func TestRedact(t *testing.T) {
	asked := 0
	cmd := start(t, "sleep", "sleep", "1000000")
	pid := cmd.Process.Pid
	table := openTableOf(t, proctable.Options{Redact: func(cmdline string) string {
		asked++
		return strings.ReplaceAll(cmdline, "1000000", "…")
	}}, uint32(pid))
	eventually(t, table, pid, "redacted", func(p *procmon.Process) bool { return p != nil && p.Cmdline.Value == "sleep …" })
	eventually(t, table, pid, "redacted when it has settled", func(p *procmon.Process) bool {
		return settled(p) && p.Cmdline.Value == "sleep …"
	})
	before := asked
	for range 20 {
		read(t, table, pid)
	}
	if asked != before {
		t.Errorf("asked %d times in 20 readings of a process that is known", asked-before)
	}
}

func TestExecIsNoticed(t *testing.T) {
	table := openTable(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "read line; exec sh -c 'read again; exec sleep 1000000'")
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer cmd.Wait()
	defer cmd.Process.Kill()
	pid := cmd.Process.Pid
	first := eventually(t, table, pid, "the first shell", func(p *procmon.Process) bool {
		return p != nil && strings.HasPrefix(p.Cmdline.Value, "sh -c read line")
	})
	w.WriteString("\n")
	eventually(t, table, pid, "a shell of the same name", func(p *procmon.Process) bool {
		return strings.HasPrefix(p.Cmdline.Value, "sh -c read again")
	})
	w.WriteString("\n")
	last := eventually(t, table, pid, "sleep", func(p *procmon.Process) bool { return p.Name == "sleep" })
	if last.Cmdline.Value != "sleep 1000000" || filepath.Base(last.Exe.Value) == filepath.Base(first.Exe.Value) {
		t.Errorf("after exec: cmdline %q, exe %q, was %q", last.Cmdline.Value, last.Exe.Value, first.Exe.Value)
	}
	if last.ID() != first.ID() {
		t.Errorf("exec changed the identity from %v to %v", first.ID(), last.ID())
	}
}

func TestLongName(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "a-name-of-more-than-15-bytes")
	if err := os.Symlink(sleep, program); err != nil {
		t.Fatal(err)
	}
	cmd := start(t, program, program, "1000000")
	eventually(t, openTable(t), cmd.Process.Pid, "of the whole name", func(p *procmon.Process) bool {
		return p != nil && p.Name == "a-name-of-more-than-15-bytes"
	})
}

func TestEndedProcess(t *testing.T) {
	table := openTable(t)
	cmd := start(t, "sleep", "sleep", "1000000")
	before := eventually(t, table, cmd.Process.Pid, "sleep", func(p *procmon.Process) bool { return p != nil && p.Name == "sleep" })
	cmd.Process.Kill()
	zombie := eventually(t, table, cmd.Process.Pid, "a zombie", func(p *procmon.Process) bool { return p.WorkingSetBytes.Value == 0 })
	if zombie.Cmdline != before.Cmdline || zombie.Exe != before.Exe || zombie.Username != before.Username {
		t.Errorf("a zombie lost what was known of it: %+v, was %+v", zombie, before)
	}
	cmd.Wait()
	if p := read(t, table, cmd.Process.Pid); p != nil {
		t.Errorf("still there: %+v", p)
	}
}

func TestUseIsReadWhenItMoves(t *testing.T) {
	table := openTable(t)
	before := read(t, table, os.Getpid())
	for range 10 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	// An idle process is looked at in every sixteenth collection at the latest.
	for i := range 17 {
		if p := read(t, table, os.Getpid()); p.Handles.Value >= before.Handles.Value+10 {
			return
		} else if i == 16 {
			t.Errorf("%d handles before and %d after opening ten files", before.Handles.Value, p.Handles.Value)
		}
	}
}

func TestRowsAscend(t *testing.T) {
	var rows proctable.Rows
	if err := openTable(t).Read(&rows); err != nil {
		t.Fatal(err)
	}
	if len(rows.Details) != len(rows.Processes) {
		t.Errorf("%d details of %d processes", len(rows.Details), len(rows.Processes))
	}
	if !slices.IsSortedFunc(rows.Processes, func(a, b procmon.Process) int { return int(int64(a.PID) - int64(b.PID)) }) {
		t.Error("pids do not ascend")
	}
}

func TestIdentitiesStay(t *testing.T) {
	cmd := start(t, "sleep", "sleep", "1000000")
	first, second := openTable(t), openTable(t)
	if a, b := read(t, first, cmd.Process.Pid).ID(), read(t, second, cmd.Process.Pid).ID(); a != b {
		t.Errorf("two tables see %v and %v", a, b)
	}
	if boot := first.BootTime(); !boot.Known || boot != second.BootTime() {
		t.Errorf("booted at %v and %v", boot, second.BootTime())
	}
}

// settled reports whether the static facts of a process have been read for good.
func settled(p *procmon.Process) bool {
	const age = 4 * time.Second // two, a second by which the time of boot is cut, and one to spare
	return time.Since(p.StartTime.Value) > age
}

func TestSettledProcesses(t *testing.T) {
	const children = 100
	pids := crowd.Spawn(t, children)
	youngest := int(pids[children-1])
	table := openTableOf(t, proctable.Options{}, pids...)
	var rows proctable.Rows
	readOnce := func() {
		if err := table.Read(&rows); err != nil {
			t.Fatal(err)
		}
	}
	readOnce()
	before := eventually(t, table, youngest, "settled", settled)
	readOnce()
	t.Run("are read without allocations", func(t *testing.T) {
		if n := testing.AllocsPerRun(32, readOnce); n > 5 { // for listing the directory
			t.Errorf("%v allocations to read %d processes again", n, len(rows.Processes))
		}
	})
	t.Run("are the same", func(t *testing.T) {
		if diff := cmp.Diff(before, read(t, table, youngest)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("are let go when they end", func(t *testing.T) {
		if held := heldStats(t, pids); held == 0 {
			t.Fatal("the stat of no child is held")
		}
		for _, pid := range pids {
			syscall.Kill(int(pid), syscall.SIGKILL)
			var status syscall.WaitStatus
			for _, err := syscall.Wait4(int(pid), &status, 0, nil); err == syscall.EINTR; {
				_, err = syscall.Wait4(int(pid), &status, 0, nil)
			}
		}
		if p := read(t, table, youngest); p != nil {
			t.Errorf("still there: %+v", p)
		}
		if held := heldStats(t, pids); held > 0 {
			t.Errorf("of processes that have ended %d are held", held)
		}
	})
}

// heldStats returns how many descriptors this process has of the stat of those processes.
func heldStats(t *testing.T, pids []uint32) int {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, link := range links {
		to, err := os.Readlink(link)
		to = strings.TrimSuffix(to, " (deleted)") // its process has ended
		if err != nil || filepath.Base(to) != "stat" {
			continue
		}
		pid, err := strconv.ParseUint(filepath.Base(filepath.Dir(to)), 10, 32)
		if err == nil && slices.Contains(pids, uint32(pid)) {
			n++
		}
	}
	return n
}

func TestJoin(t *testing.T) {
	at := func(seconds int64) procmon.Opt[time.Time] { return procmon.Some(time.Unix(seconds, 0)) }
	before := &proctable.Rows{Processes: []procmon.Process{{PID: 1, StartTime: at(1)}, {PID: 3, StartTime: at(1)}, {PID: 5}, {PID: 9}}}
	now := &proctable.Rows{Processes: []procmon.Process{{PID: 1, StartTime: at(1)}, {PID: 2}, {PID: 3, StartTime: at(2)}, {PID: 5}, {PID: 7, StartTime: at(3)}}}
	var got bytes.Buffer
	proctable.Join(before, now, func(i, j int) { got.WriteString(string(rune('a'+i)) + string(rune('A'+j)) + " ") })
	if want := "aA `B b@ `C cD d@ `E "; sortedWords(got.String()) != sortedWords(want) {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}

func sortedWords(s string) string {
	words := strings.Fields(s)
	slices.Sort(words)
	return strings.Join(words, " ")
}
