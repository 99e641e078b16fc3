// Package crowd fills a host with idle processes, for tests and benchmarks that need many
// real ones.
package crowd

import (
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Spawn starts n sleeping processes, which end with the test, and returns their pids.
func Spawn(tb testing.TB, n int) []uint32 {
	tb.Helper()
	pids := make([]uint32, 0, n)
	for range n {
		cmd := exec.Command("sleep", "1000000")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		pids = append(pids, uint32(cmd.Process.Pid))
	}
	return pids
}

// CPUTime returns the CPU time, user and system, that this process has used.
func CPUTime(tb testing.TB) time.Duration {
	tb.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
