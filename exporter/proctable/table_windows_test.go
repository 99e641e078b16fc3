package proctable_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shirou/gopsutil/v4/process"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/proctable"
)

const childMark = "-this-is-a-child"

// TestMain makes this program its own child: one that says that it runs, and then waits for
// the end of its input.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childMark {
		fmt.Println("runs")
		bufio.NewReader(os.Stdin).ReadByte()
		return
	}
	os.Exit(m.Run())
}

// startChild starts this program with arguments that it does not look at.
func startChild(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, append([]string{childMark}, args...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func readTable(t testing.TB, table *proctable.Table) map[uint32]procmon.Process {
	t.Helper()
	var rows proctable.Rows
	if err := table.Read(&rows); err != nil {
		t.Fatal(err)
	}
	all := map[uint32]procmon.Process{}
	for _, p := range rows.Processes {
		all[p.PID] = p
	}
	if len(all) != len(rows.Processes) {
		t.Errorf("%d pids in %d rows", len(all), len(rows.Processes))
	}
	return all
}

func openTable(t testing.TB) *proctable.Table {
	t.Helper()
	table, err := proctable.Open(proctable.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

func TestChild(t *testing.T) {
	child := startChild(t, "two words", `quotes "and" \`, "größer 𝄞", "<img src=x>")
	began := time.Now()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	p := readTable(t, openTable(t))[uint32(child.Process.Pid)]
	got := procmon.Process{PPID: p.PPID, Name: p.Name, Cmdline: p.Cmdline, Username: p.Username}
	want := procmon.Process{
		PPID: procmon.Some(uint32(os.Getpid())), Name: "proctable.test.exe", Username: procmon.Some(me.Username),
		Cmdline: procmon.Some(program + " " + childMark + ` "two words" "quotes \"and\" \\" "größer 𝄞" "<img src=x>"`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.HasSuffix(p.Exe.Value, `\proctable.test.exe`) {
		t.Errorf("exe is %v", p.Exe)
	}
	if !p.StartTime.Known || began.Sub(p.StartTime.Value).Abs() > 30*time.Second {
		t.Errorf("started %v, it was %v", p.StartTime, began)
	}
	if p.WorkingSetBytes.Value < 1<<20 || p.Memory.Value*(1<<20) != float64(p.WorkingSetBytes.Value) || p.Threads.Value == 0 || !p.CPUSeconds.Known || !p.SessionID.Known {
		t.Errorf("got %+v", p)
	}
}

func TestStaticFactsStay(t *testing.T) {
	child := startChild(t)
	table := openTable(t)
	first := readTable(t, table)[uint32(child.Process.Pid)]
	second := readTable(t, table)[uint32(child.Process.Pid)]
	static := func(p procmon.Process) procmon.Process {
		return procmon.Process{PID: p.PID, PPID: p.PPID, Name: p.Name, Cmdline: p.Cmdline, Username: p.Username, Exe: p.Exe, StartTime: p.StartTime, SessionID: p.SessionID}
	}
	if diff := cmp.Diff(static(first), static(second)); diff != "" {
		t.Error(diff)
	}
}

// TestAgainstGopsutil holds every process against another implementation.
func TestAgainstGopsutil(t *testing.T) {
	startChild(t, "x")
	compared := 0
	for pid, p := range readTable(t, openTable(t)) {
		peer, err := process.NewProcess(int32(pid))
		if err != nil {
			continue // it has ended
		}
		compare := func(fact string, ours procmon.Opt[string], ask func() (string, error)) {
			if theirs, err := ask(); err == nil && theirs != ours.Value {
				t.Errorf("pid %d: %s is %q, gopsutil says %q", pid, fact, ours.Value, theirs)
			}
		}
		compare("name", procmon.Some(p.Name), peer.Name)
		compare("cmdline", p.Cmdline, peer.Cmdline)
		compare("username", p.Username, peer.Username)
		if p.Exe.Known {
			compare("exe", p.Exe, peer.Exe)
		}
		if ppid, err := peer.Ppid(); err == nil && uint32(ppid) != p.PPID.Value {
			t.Errorf("pid %d: ppid is %d, gopsutil says %d", pid, p.PPID.Value, ppid)
		}
		if started, err := peer.CreateTime(); err == nil && started > 0 && p.StartTime.Value.Sub(time.UnixMilli(started)).Abs() > time.Millisecond {
			t.Errorf("pid %d: started %v, gopsutil says %v", pid, p.StartTime.Value, time.UnixMilli(started))
		}
		compared++
	}
	if compared < 3 {
		t.Errorf("compared only %d processes", compared)
	}
}

// TestLooker holds what is told of one process against the table, and tells a process from
// another one that has its pid.
func TestLooker(t *testing.T) {
	child := startChild(t, "größer als", `"quoted"`)
	pid := uint32(child.Process.Pid)
	row := readTable(t, openTable(t))[pid]
	looker := proctable.NewLooker()
	got := looker.Look(pid, row.StartTime.Value)
	want := proctable.Static{Exe: row.Exe, Cmdline: row.Cmdline, Username: row.Username}
	if diff := cmp.Diff(want, got); diff != "" || !got.Cmdline.Known {
		t.Errorf("the child is known as %+v (-table +looker):\n%s", got, diff)
	}
	if got := looker.Look(pid, row.StartTime.Value.Add(-time.Second)); got != (proctable.Static{}) {
		t.Errorf("another process that had its pid is known as %+v", got)
	}
}
