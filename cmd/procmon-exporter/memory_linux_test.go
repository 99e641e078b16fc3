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
			sleepers(t, test.processes)
			testResidentMemory(t, test.pulls, test.most)
		})
	}
}

// sleepers starts so many processes that do nothing until the test ends.
func sleepers(t *testing.T, n int) {
	t.Helper()
	// sleep sleeps for the sum of its arguments.
	shell := exec.Command("sh", "-c", `i=0; while [ $i -lt $0 ]; do sleep 1000000 $i & i=$((i+1)); done; echo; wait`, strconv.Itoa(n))
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	shell.Stderr = os.Stderr
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)
		shell.Wait()
	})
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatalf("start %d processes: %v", n, err)
	}
}

func testResidentMemory(t *testing.T, pulls, most int) {
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	exporter := exec.Command(program, "--web.listen-address", address, "--log.level", "warn")
	exporter.Stderr = os.Stderr
	if err := exporter.Start(); err != nil {
		t.Fatal(err)
	}
	defer exporter.Wait()
	defer exporter.Process.Kill()

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
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	next := time.NewTicker(200 * time.Millisecond) // some pulls share a collection, most do not
	defer next.Stop()
	for done, deadline := 0, time.Now().Add(time.Minute); done < pulls; <-next.C {
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
	t.Logf("resident: %.1f MB now, %.1f MB at most", float64(now)/1e6, float64(peak)/1e6)
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
