package main_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestResidentMemory lets the released program serve a host with many processes, each with a
// command line of its own, to a server and to Prometheus.
func TestResidentMemory(t *testing.T) {
	for _, test := range []struct {
		processes, pulls int
		most             int // bytes, at any time
	}{{1000, 30, 25_000_000}, {10_000, 10, 40_000_000}} {
		t.Run(strconv.Itoa(test.processes), func(t *testing.T) {
			if testing.Short() && test.processes > 1000 {
				t.Skip("many processes")
			}
			testResidentMemory(t, test.processes, test.pulls, test.most)
		})
	}
}

// crowded makes a command that starts so many processes that do nothing, and then becomes a
// program. They are alone in a pid namespace with a /proc of its own, so that what else goes
// on on this machine counts for nothing, and end with it. Where the machine does not let us
// make namespaces, the program sees all others too.
func crowded(t *testing.T, processes int, program string, args ...string) *exec.Cmd {
	t.Helper()
	const (
		own = `mount --make-rprivate / && mount -t proc proc /proc || exit; `
		// sleep sleeps for the sum of its arguments.
		start = `i=0; while [ $i -lt $0 ]; do sleep 1000000 $i & i=$((i+1)); done; exec "$@"`
	)
	command := func(script string) *exec.Cmd {
		cmd := exec.Command("sh", append([]string{"-c", script, strconv.Itoa(processes), program}, args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
		if os.Getuid() != 0 {
			cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
		}
		cmd.Stderr = os.Stderr
		return cmd
	}
	if try := command(own); try.Run() == nil {
		return command(own + start)
	}
	t.Log("this machine does not let us make namespaces: its other processes count too")
	shared := command(start)
	shared.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return shared
}

func testResidentMemory(t *testing.T, processes, pulls, most int) {
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	exporter := crowded(t, processes, program, "--web.listen-address", address, "--log.level", "warn")
	if err := exporter.Start(); err != nil {
		t.Fatal(err)
	}
	defer exporter.Wait()
	defer exporter.Process.Kill()
	if exporter.SysProcAttr.Setpgid {
		defer syscall.Kill(-exporter.Process.Pid, syscall.SIGKILL)
	}

	shown := 0
	pull := func(path, encoding string) error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			return err
		}
		request.Header.Set("Accept-Encoding", encoding)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if _, rest, found := strings.Cut(string(body), "\nprocmon_host_processes "); found {
			number, _, _ := strings.Cut(rest, "\n")
			shown, err = strconv.Atoi(number)
		}
		return err
	}
	next := time.NewTicker(200 * time.Millisecond) // some pulls share a collection, most do not
	defer next.Stop()
	for done, deadline := 0, time.Now().Add(5*time.Minute); done < pulls; <-next.C {
		if err := pull("/snapshot", "zstd"); err != nil {
			if done > 0 || time.Now().After(deadline) {
				t.Fatal(err)
			}
			continue // it is starting
		}
		for _, encoding := range []string{"gzip", "identity"} {
			if err := pull("/snapshot", encoding); err != nil {
				t.Fatal(err)
			}
			if err := pull("/metrics", encoding); err != nil {
				t.Fatal(err)
			}
		}
		done++
	}
	now, peak := status(t, exporter.Process.Pid, "VmRSS:"), status(t, exporter.Process.Pid, "VmHWM:")
	t.Logf("resident: %.1f MB now, %.1f MB at most, with %d processes", float64(now)/1e6, float64(peak)/1e6, shown)
	if shown < processes {
		t.Errorf("%d processes are shown, %d run", shown, processes)
	}
	if peak > most {
		t.Errorf("resident: %d bytes at most, %d are allowed", peak, most)
	}
}

// status returns a size in /proc/PID/status in bytes.
func status(t *testing.T, pid int, key string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), key)
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		t.Fatalf("no %s in %s", key, text)
	}
	kib, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
