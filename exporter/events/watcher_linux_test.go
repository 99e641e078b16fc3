package events_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/events"
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

// watch opens a Watcher, or skips where the kernel does not let this machine have one.
func watch(t testing.TB, o events.Options) *events.Watcher {
	t.Helper()
	o.BootTime = openTable(t).BootTime()
	w, err := events.Open(o)
	if err != nil {
		t.Skipf("the proc connector is not to be had here: %v", err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// reader follows a Watcher.
type reader struct {
	w      *events.Watcher
	cursor events.Cursor
	had    []procmon.Event
}

// await reads until it has had an event that ok likes, which it returns.
func (r *reader) await(t testing.TB, what string, ok func(*procmon.Event) bool) *procmon.Event {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		now := r.w.Now()
		list, _ := r.w.Between(r.cursor, now)
		r.cursor = now
		r.had = append(r.had, list...)
		for i := range r.had {
			if ok(&r.had[i]) {
				return &r.had[i]
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not among %d events", what, len(r.had))
		}
	}
}

func (r *reader) start(t testing.TB, pid int) *procmon.Event {
	t.Helper()
	return r.await(t, fmt.Sprintf("the start of %d", pid), func(e *procmon.Event) bool { return e.Kind == procmon.Started && e.PID == uint32(pid) })
}

func (r *reader) end(t testing.TB, pid int) *procmon.Event {
	t.Helper()
	return r.await(t, fmt.Sprintf("the end of %d", pid), func(e *procmon.Event) bool { return e.Kind == procmon.Ended && e.PID == uint32(pid) })
}

// waiting starts a program that reads stdin, waits until its start is recorded, and returns what
// closes its stdin and waits for its end.
func (r *reader) waiting(t testing.TB, argv ...string) (cmd *exec.Cmd, start *procmon.Event, end func() error) {
	t.Helper()
	cmd = exec.Command(argv[0], argv[1:]...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	start = r.start(t, cmd.Process.Pid)
	return cmd, start, func() error { return errors.Join(stdin.Close(), cmd.Wait()) }
}

// catchUp waits until all that has happened is recorded.
func (r *reader) catchUp(t testing.TB) {
	t.Helper()
	child := exec.Command("true")
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	r.end(t, child.Process.Pid)
}

func TestShortLivedProcess(t *testing.T) {
	for _, test := range []struct {
		name, script string
		code         int64
	}{
		{"success", "read line; exit 0", 0},
		{"exit code", "read line; exit 42", 42},
		{"highest exit code", "read line; exit 255", 255},
		{"killed", "read line; kill -9 $$", -9},
		{"terminated", "read line; kill $$", -15},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &reader{w: watch(t, events.Options{})}
			began := time.Now()
			child, start, finish := r.waiting(t, "sh", "-c", test.script, "an argument", "--password=hunter2")
			_ = finish()
			pid := child.Process.Pid
			end := r.end(t, pid)
			me, err := user.Current()
			if err != nil {
				t.Fatal(err)
			}
			want := procmon.Event{
				Kind: procmon.Started, Time: start.Time, PID: uint32(pid), PPID: procmon.Some(uint32(os.Getpid())), StartTime: start.StartTime,
				Name: procmon.Some("sh"), Exe: start.Exe, Cmdline: procmon.Some("sh -c " + test.script + " an argument --password=hunter2"), Username: procmon.Some(me.Username),
			}
			if diff := cmp.Diff(want, *start); diff != "" {
				t.Error("start:", diff)
			}
			if !start.Exe.Known || !strings.HasPrefix(start.Exe.Value, "/") {
				t.Errorf("the program is %+v", start.Exe)
			}
			want.Kind, want.Time, want.ExitCode = procmon.Ended, end.Time, procmon.Some(test.code)
			if diff := cmp.Diff(want, *end); diff != "" {
				t.Error("end:", diff)
			}
			if start.Time.Before(began.Add(-time.Millisecond)) || end.Time.Before(start.Time) || end.Time.After(time.Now()) {
				t.Errorf("began at %v, start at %v, end at %v", began, start.Time, end.Time)
			}
		})
	}
}

// TestVeryShortLivedProcesses: of a process that has ended before anybody could look, what
// the kernel told is known, and the rest is right or absent.
func TestVeryShortLivedProcesses(t *testing.T) {
	r := &reader{w: watch(t, events.Options{})}
	for range 50 {
		child := exec.Command("true", "an argument")
		if err := child.Run(); err != nil {
			t.Fatal(err)
		}
		pid := child.Process.Pid
		start, end := r.start(t, pid), r.end(t, pid)
		if start.ID() != end.ID() || !end.StartTime.Known || start.PPID != procmon.Some(uint32(os.Getpid())) || end.ExitCode != procmon.Some[int64](0) {
			t.Errorf("start %+v, end %+v", start, end)
		}
		if start.Cmdline.Known && start.Cmdline.Value != "true an argument" || start.Name.Known && start.Name.Value != "true" {
			t.Errorf("got %+v", start)
		}
	}
}

// sleeper starts a process that ends with the test.
func sleeper(t testing.TB, argv ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// inTable returns what the process table says of a process.
func inTable(t testing.TB, table *proctable.Table, pid int) *procmon.Process {
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
	t.Fatalf("pid %d is not in the table", pid)
	return nil
}

func TestIdentityIsThatOfTheTable(t *testing.T) {
	r := &reader{w: watch(t, events.Options{})}
	for range 20 {
		cmd := sleeper(t, "sleep", "1000")
		start := r.start(t, cmd.Process.Pid)
		p := inTable(t, openTable(t), cmd.Process.Pid)
		got := []any{start.ID(), start.Name, start.Exe, start.Cmdline, start.Username, start.PPID}
		want := []any{p.ID(), procmon.Some(p.Name), p.Exe, p.Cmdline, p.Username, p.PPID}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestEndOfAnOlderProcess ends a process that was there before the recording began.
func TestEndOfAnOlderProcess(t *testing.T) {
	cmd := sleeper(t, "sleep", "1000")
	p := inTable(t, openTable(t), cmd.Process.Pid)
	r := &reader{w: watch(t, events.Options{})}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	end := r.end(t, cmd.Process.Pid) // before its parent learns of it
	if end.ID() != p.ID() || end.Name != procmon.Some("sleep") || end.ExitCode != procmon.Some[int64](-9) || end.PPID != p.PPID || end.Username != p.Username {
		t.Errorf("got %+v of %+v", end, p)
	}
	for i := range r.had {
		if r.had[i].Kind == procmon.Started && r.had[i].PID == end.PID {
			t.Errorf("there is a start: %+v", r.had[i])
		}
	}
}

// TestForkWithoutExec has a shell make copies of itself: one that ends soon and one that stays.
func TestForkWithoutExec(t *testing.T) {
	r := &reader{w: watch(t, events.Options{})}
	cmd := exec.Command("bash", "-c", "(exit 7); (while :; do read -t 1000 <> <(:); done) & wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
	by := func(e *procmon.Event) bool { return e.PPID == procmon.Some(uint32(cmd.Process.Pid)) }
	end := r.await(t, "the end of the shell's copy", func(e *procmon.Event) bool {
		return by(e) && e.Kind == procmon.Ended && e.ExitCode == procmon.Some[int64](7)
	})
	r.await(t, "its start", func(e *procmon.Event) bool { return e.Kind == procmon.Started && e.ID() == end.ID() })
	stays := r.await(t, "the start of the copy that stays", func(e *procmon.Event) bool {
		return by(e) && e.Kind == procmon.Started && e.ID() != end.ID()
	})
	if p := inTable(t, openTable(t), int(stays.PID)); p.ID() != stays.ID() || stays.Cmdline != p.Cmdline || stays.Name.Value != p.Name {
		t.Errorf("got %+v of %+v", stays, p)
	}
}

// inTableAs waits until the process table shows a process under a name.
func inTableAs(t testing.TB, pid int, name string) {
	t.Helper()
	table := openTable(t)
	for deadline := time.Now().Add(20 * time.Second); inTable(t, table, pid).Name != name; {
		if time.Now().After(deadline) {
			t.Fatalf("%d did not become %s", pid, name)
		}
	}
}

// TestSecondExec has a process execute another program: its end tells of that one.
func TestSecondExec(t *testing.T) {
	r := &reader{w: watch(t, events.Options{})}
	child := sleeper(t, "sh", "-c", "exec env A=1 sleep 1000")
	inTableAs(t, child.Process.Pid, "sleep")
	r.catchUp(t)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	end := r.end(t, child.Process.Pid)
	if want := procmon.Some("sleep 1000"); end.Cmdline != want || end.Name != procmon.Some("sleep") {
		t.Errorf("got %+v", end)
	}
	starts := 0
	for i := range r.had {
		if r.had[i].Kind == procmon.Started && r.had[i].ID() == end.ID() {
			starts++
		}
	}
	if starts != 1 {
		t.Errorf("%d starts of one process", starts)
	}
}

// byThread is set in the environment of this test's own program when it shall execute another
// one from a thread that is not its first.
const byThread = "EVENTS_TEST_BY_THREAD"

// TestExecByAnotherThread: the first thread ends then, and the process does not.
func TestExecByAnotherThread(t *testing.T) {
	if os.Getenv(byThread) != "" {
		sleep, err := exec.LookPath("sleep")
		if err != nil {
			t.Fatal(err)
		}
		failed := make(chan error)
		for range 2 { // one of them at most has the first thread
			go func() {
				lockAndLeave()
				if unix.Gettid() != os.Getpid() {
					failed <- syscall.Exec(sleep, []string{"sleep", "1000"}, nil)
				}
			}()
		}
		t.Fatal(<-failed)
	}
	r := &reader{w: watch(t, events.Options{})}
	child := exec.Command(os.Args[0], "-test.run=^TestExecByAnotherThread$")
	child.Env = append(os.Environ(), byThread+"=1")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	pid := child.Process.Pid
	ends := func() (n int) {
		for i := range r.had {
			if r.had[i].Kind == procmon.Ended && r.had[i].PID == uint32(pid) {
				n++
			}
		}
		return n
	}
	start := r.start(t, pid)
	inTableAs(t, pid, "sleep")
	r.catchUp(t)
	if n := ends(); n != 0 {
		t.Errorf("a process that goes on ended %d times: %+v", n, r.had)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	end := r.end(t, pid)
	if end.Cmdline != procmon.Some("sleep 1000") || end.ExitCode != procmon.Some[int64](-9) || end.ID() != start.ID() {
		t.Errorf("got %+v and %+v", start, end)
	}
	r.catchUp(t)
	if n := ends(); n != 1 {
		t.Errorf("one process ended %d times", n)
	}
}

// TestManyThreadsEndTogether ends a program with threads by its own exit.
func TestManyThreadsEndTogether(t *testing.T) {
	r := &reader{w: watch(t, events.Options{})}
	for range 10 {
		child := exec.Command(os.Args[0], "-test.run=^$")
		if err := child.Run(); err != nil {
			t.Fatal(err)
		}
		if end := r.end(t, child.Process.Pid); end.ExitCode != procmon.Some[int64](0) || !end.StartTime.Known {
			t.Errorf("got %+v", end)
		}
	}
}

func TestCommandLinesAreRedacted(t *testing.T) {
	secret := func(line string) string { return strings.ReplaceAll(line, "hunter2", "***") }
	r := &reader{w: watch(t, events.Options{Redact: secret})}
	older := sleeper(t, "sleep", "1000")
	child, start, finish := r.waiting(t, "sh", "-c", "read line; exit 0", "hunter2")
	if err := finish(); err != nil {
		t.Fatal(err)
	}
	_ = older.Process.Kill()
	r.end(t, older.Process.Pid)
	end := r.end(t, child.Process.Pid)
	if want := procmon.Some("sh -c read line; exit 0 ***"); start.Cmdline != want || end.Cmdline != want {
		t.Errorf("got %q and %q", start.Cmdline.Value, end.Cmdline.Value)
	}
	for i := range r.had {
		if strings.Contains(fmt.Sprint(r.had[i]), "hunter2") {
			t.Errorf("the secret is in %+v", r.had[i])
		}
	}
}

func TestEveryReaderGetsAll(t *testing.T) {
	w := watch(t, events.Options{})
	first, second := &reader{w: w}, &reader{w: w}
	var pids []int
	for range 10 {
		child := exec.Command("true")
		if err := child.Run(); err != nil {
			t.Fatal(err)
		}
		pids = append(pids, child.Process.Pid)
		first.end(t, child.Process.Pid)
	}
	for name, r := range map[string]*reader{"first": first, "second": second} {
		for _, pid := range pids {
			r.end(t, pid)
			got := map[procmon.EventKind]int{}
			for i := range r.had {
				if r.had[i].PID == uint32(pid) {
					got[r.had[i].Kind]++
				}
			}
			if diff := cmp.Diff(map[procmon.EventKind]int{procmon.Started: 1, procmon.Ended: 1}, got); diff != "" {
				t.Errorf("the %s reader of %d: %s", name, pid, diff)
			}
		}
	}
}

func TestThreadsAreNotProcesses(t *testing.T) {
	w := watch(t, events.Options{})
	r := &reader{w: w}
	done := make(chan struct{})
	for range 20 { // locked goroutines that end take their threads with them
		go func() {
			unix.Gettid()
			lockAndLeave()
			done <- struct{}{}
		}()
	}
	for range 20 {
		<-done
	}
	child := exec.Command("true")
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	r.end(t, child.Process.Pid)
	for i := range r.had {
		if e := &r.had[i]; e.PPID == procmon.Some(uint32(os.Getpid())) && e.PID != uint32(child.Process.Pid) {
			t.Errorf("a thread shows as %+v", e)
		}
	}
	if s := w.Stats(); s.Starts == 0 || s.Ends == 0 || s.Errors != 0 {
		t.Errorf("got %+v", s)
	}
}

// inNamespaces is set in the environment of this test's own program when it shall open a
// Watcher where that is not allowed.
const inNamespaces = "EVENTS_TEST_IN_NAMESPACES"

// TestWithoutTheRights opens a Watcher in namespaces that the kernel does not tell of processes.
func TestWithoutTheRights(t *testing.T) {
	if os.Getenv(inNamespaces) != "" {
		w, err := events.Open(events.Options{BootTime: procmon.Some(time.Unix(1, 0))})
		if err == nil {
			w.Close()
		}
		fmt.Println("opened:", err)
		return
	}
	for _, test := range []struct {
		name  string
		flags uintptr
		want  string
	}{
		{"network", syscall.CLONE_NEWNET, "opened: open the proc connector: it answers in the host's network namespace alone"},
		{"pids", syscall.CLONE_NEWPID, "opened: open the proc connector: it does not answer: it does in the host's pid and user namespaces alone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			again := exec.Command(os.Args[0], "-test.run=^TestWithoutTheRights$", "-test.v")
			again.Env = append(os.Environ(), inNamespaces+"=1")
			again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: test.flags}
			out, err := again.CombinedOutput()
			if errors.Is(err, os.ErrPermission) {
				t.Skip("this machine does not let us make namespaces:", err)
			}
			if err != nil || !strings.Contains(string(out), test.want) {
				t.Errorf("got %v and %s", err, out)
			}
		})
	}
}

func TestBootTimeIsNeeded(t *testing.T) {
	if w, err := events.Open(events.Options{}); err == nil {
		w.Close()
		t.Error("a Watcher without the time of boot cannot date processes, and opened")
	}
}
