//go:build linux

package wine_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/procmon/procmon"
)

// TestExporterPackages runs the exporter's own tests as Windows programs.
func TestExporterPackages(t *testing.T) {
	w := open(t)
	// Large fleets are simulated on Linux.
	test := exec.Command("go", "test", "-exec", w.program, "-p", "1", "-short",
		"github.com/procmon/procmon/exporter/...")
	test.Env = append(w.environment(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := test.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// TestExporterServes runs the exporter beside a child with a command line that we know.
func TestExporterServes(t *testing.T) {
	w := open(t)
	program := build(t, "procmon-exporter")
	address, other := freeAddress(t), freeAddress(t)
	w.start(t, program, "--web.listen-address", address)
	const mark = `größer als 𝄞.txt`
	token := filepath.Join(t.TempDir(), mark)
	if err := os.WriteFile(token, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The second exporter is the child: cmd.exe starts it and waits for it.
	began := time.Now()
	w.start(t, "cmd.exe", "/c", program, "--web.listen-address", other, "--web.token-file", "Z:"+token, "--log.level", "error")
	get(t, "http://"+other+"/-/ready", func(string) error { return nil })
	var s *procmon.Snapshot
	get(t, "http://"+address+"/snapshot", func(body string) (err error) {
		if s, err = procmon.Decode([]byte(body)); err != nil {
			return err
		}
		if child(s, other) == nil {
			return fmt.Errorf("no child among %d processes", len(s.Processes))
		}
		return nil
	})
	c := child(s, other)
	t.Cleanup(func() { w.run(t, "taskkill", "/f", "/pid", strconv.FormatUint(uint64(c.PID), 10)) }) // an interrupt ends only cmd.exe
	if !strings.Contains(c.Cmdline.Value, mark) {
		t.Errorf("the child's command line is %q", c.Cmdline.Value)
	}
	if c.Name != "procmon-exporter.exe" || !strings.HasSuffix(c.Exe.Value, `\procmon-exporter.exe`) || !c.Username.Known {
		t.Errorf("the child is %+v", c)
	}
	parent := byPID(s, c.PPID)
	if parent == nil || parent.Name != "cmd.exe" || !strings.Contains(parent.Cmdline.Value, other) {
		t.Errorf("the child's parent is %+v", parent)
	}
	if !c.StartTime.Known || c.StartTime.Value.Before(began.Add(-time.Minute)) || c.StartTime.Value.After(time.Now().Add(time.Minute)) {
		t.Errorf("the child started at %v, it is %v", c.StartTime, time.Now())
	}
	withCmdline := 0
	for i := range s.Processes {
		p := &s.Processes[i]
		if p.Name == "" || !p.PPID.Known || !p.StartTime.Known || p.Memory.Value <= 0 || p.WorkingSetBytes.Value == 0 || p.Threads.Value == 0 || !p.CPUSeconds.Known {
			t.Errorf("a process with too little: %+v", p)
		}
		if p.Cmdline.Known {
			withCmdline++
		}
	}
	if withCmdline < len(s.Processes)/2 {
		t.Errorf("only %d of %d processes have a command line", withCmdline, len(s.Processes))
	}
	if names := names(s); !strings.Contains(names, "services.exe") {
		t.Errorf("Wine's own processes are missing among %s", names)
	}
	if !strings.Contains(s.System.OS.Value, "Windows") || !s.System.RAMGB.Known || s.Hostname == "" || !s.System.BootTime.Known {
		t.Errorf("the host is %q with %+v", s.Hostname, s.System)
	}

	get(t, "http://"+address+"/metrics", func(body string) error {
		for _, want := range []string{`procmon_group_processes{group="procmon-exporter.exe"} 2`, "procmon_group_working_set_bytes{group=\"cmd.exe\"}", `goos="windows"`} {
			if !strings.Contains(body, want) {
				return fmt.Errorf("%s is missing in %s", want, body)
			}
		}
		return nil
	})
}

// TestSnapshotCommand holds identities from two processes against each other.
func TestSnapshotCommand(t *testing.T) {
	w := open(t)
	program := build(t, "procmon-exporter")
	take := func() *procmon.Snapshot {
		s, err := procmon.Decode([]byte(w.run(t, program, "--cpu-sample-delay", "0.05", "snapshot")))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	find := func(s *procmon.Snapshot, name string) *procmon.Process {
		for i := range s.Processes {
			if s.Processes[i].Name == name {
				return &s.Processes[i]
			}
		}
		t.Fatalf("%s is not among %s", name, names(s))
		return nil
	}
	a, b := take(), take()
	if x, y := find(a, "services.exe"), find(b, "services.exe"); x.ID() != y.ID() {
		t.Errorf("the same process is %v and %v", x.ID(), y.ID())
	}
	if own := find(a, "procmon-exporter.exe"); !strings.HasSuffix(own.Cmdline.Value, " --cpu-sample-delay 0.05 snapshot") {
		t.Errorf("its own command line is %q", own.Cmdline.Value)
	}
}

// TestExporterRefuses holds the messages that differ from system to system.
func TestExporterRefuses(t *testing.T) {
	w := open(t)
	program := build(t, "procmon-exporter")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	out, err := w.command(w.program, program, "--web.listen-address", l.Addr().String()).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is in use by another program; stop it or choose another address") {
		t.Errorf("got %v and %s", err, out)
	}
}

// child returns the process that serves on that address itself.
func child(s *procmon.Snapshot, address string) *procmon.Process {
	for i := range s.Processes {
		if p := &s.Processes[i]; p.Name == "procmon-exporter.exe" && strings.Contains(p.Cmdline.Value, "--web.listen-address "+address) {
			return p
		}
	}
	return nil
}

func byPID(s *procmon.Snapshot, pid procmon.Opt[uint32]) *procmon.Process {
	for i := range s.Processes {
		if pid == procmon.Some(s.Processes[i].PID) {
			return &s.Processes[i]
		}
	}
	return nil
}

func names(s *procmon.Snapshot) string {
	var all []string
	for i := range s.Processes {
		all = append(all, s.Processes[i].Name)
	}
	return strings.Join(all, " ")
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// get asks until the answer is 200 and good, for at most a minute.
func get(t *testing.T, url string, good func(body string) error) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tries := time.NewTicker(50 * time.Millisecond) // Wine takes seconds to start
	defer tries.Stop()
	for ; ; <-tries.C {
		err := func() error {
			response, err := http.Get(url)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				return err
			}
			if response.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: %s", response.Status, body)
			}
			return good(string(body))
		}()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", url, err)
		}
	}
}
