package proctable_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/shirou/gopsutil/v4/process"
	"golang.org/x/sys/unix"

	"github.com/procmon/procmon/exporter/proctable"
)

// spawnIdle starts sleeping processes that end with the test.
func spawnIdle(tb testing.TB, n int) []uint32 {
	tb.Helper()
	pids := make([]uint32, 0, n)
	for range n {
		cmd := exec.Command("sleep", "1000000")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		pids = append(pids, uint32(cmd.Process.Pid))
	}
	return pids
}

// cpuTime returns the CPU time, user and system, that this process has used.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// allPaths returns the NUL-terminated path of each process's stat.
func allPaths(tb testing.TB) [][]byte {
	tb.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		tb.Fatal(err)
	}
	var paths [][]byte
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err == nil {
			paths = append(paths, []byte("/proc/"+e.Name()+"/stat\x00"))
		}
	}
	return paths
}

// bareLoop opens, reads and closes each path and looks at nothing: what reading stat costs
// at least.
func bareLoop(paths [][]byte, buffer []byte) {
	for _, path := range paths {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(^uint(99)), uintptr(unsafe.Pointer(&path[0])), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
		if errno != 0 {
			continue
		}
		unix.Read(int(fd), buffer)
		unix.Close(int(fd))
	}
}

// gopsutilTable reads with gopsutil what a collection reads, with static facts cached: the
// caller keeps a *process.Process for each pid, and the name and start time it has cached.
func gopsutilTable(kept map[int32]*process.Process) error {
	pids, err := process.Pids()
	if err != nil {
		return err
	}
	for _, pid := range pids {
		p, ok := kept[pid]
		if !ok {
			if p, err = process.NewProcess(pid); err != nil {
				continue
			}
			p.Name()
			p.CreateTime()
			kept[pid] = p
		}
		p.Times()
		p.MemoryInfo()
		p.NumThreads()
	}
	return nil
}

// BenchmarkRead reads a table of at least 1,000 idle processes. One op is one reading of
// all of them. cpu-ms/op is the CPU time of the op; the same run measures the bare loop
// over the same processes (floor-ms/op) and gopsutil with cached static facts
// (gopsutil-ms/op), alternating with the op so that all three see the same machine.
func BenchmarkRead(b *testing.B) {
	spawnIdle(b, 1000)
	table, err := proctable.Open()
	if err != nil {
		b.Fatal(err)
	}
	defer table.Close()
	var rows proctable.Rows
	paths, buffer := allPaths(b), make([]byte, 4096)
	kept := map[int32]*process.Process{}
	var floor, ours, peer time.Duration
	measure := func(sum *time.Duration, f func()) {
		start := cpuTime(b)
		f()
		*sum += cpuTime(b) - start
	}
	read := func() {
		if err := table.Read(&rows); err != nil {
			b.Fatal(err)
		}
	}
	read()
	gopsutilTable(kept)
	time.Sleep(2 * time.Second) // not a wait: only processes older than this are settled
	read()

	b.ReportAllocs()
	for b.Loop() {
		measure(&ours, read)
		b.StopTimer()
		measure(&floor, func() { bareLoop(paths, buffer) })
		measure(&peer, func() { gopsutilTable(kept) })
		b.StartTimer()
	}
	perOp := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(b.N) }
	b.ReportMetric(perOp(ours), "cpu-ms/op")
	b.ReportMetric(perOp(floor), "floor-ms/op")
	b.ReportMetric(perOp(peer), "gopsutil-ms/op")
	b.ReportMetric(float64(ours)/float64(floor), "x-floor")
	b.ReportMetric(float64(ours)/float64(peer), "x-gopsutil")
	b.ReportMetric(float64(len(rows.Processes)), "processes")
	if len(rows.Processes) < 1000 {
		b.Error(fmt.Sprint("only ", len(rows.Processes), " processes"))
	}
}
