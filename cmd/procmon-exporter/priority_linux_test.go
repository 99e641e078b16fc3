package main_test

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestOthersGoFirst looks at every thread: on Linux each has a priority of its own.
func TestOthersGoFirst(t *testing.T) {
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
	for deadline := time.Now().Add(time.Minute); ; {
		response, err := http.Get("http://" + address + "/metrics")
		if err == nil {
			response.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		<-time.After(10 * time.Millisecond)
	}
	threads, err := os.ReadDir("/proc/" + strconv.Itoa(exporter.Process.Pid) + "/task")
	if err != nil || len(threads) < 2 {
		t.Fatalf("%d threads, %v", len(threads), err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		const wanted = 20 - 5 // getpriority counts down from 20
		if got, err := syscall.Getpriority(syscall.PRIO_PROCESS, id); err != nil && !errors.Is(err, syscall.ESRCH) || got > wanted {
			t.Errorf("thread %d: got %d, %v; want at most %d", id, got, err, wanted)
		}
	}
}
