package crowd

import (
	"os"
	"strconv"
	"testing"
	"unsafe"

	"github.com/shirou/gopsutil/v4/process"
	"golang.org/x/sys/unix"
)

// Floor is what reading the process table costs at least: it opens, reads and closes each
// /proc/PID/stat and looks at nothing.
type Floor struct {
	paths  [][]byte // NUL-terminated, of the processes that there were
	buffer []byte
}

// NewFloor looks for the processes that there are.
func NewFloor(tb testing.TB) *Floor {
	tb.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		tb.Fatal(err)
	}
	f := &Floor{buffer: make([]byte, 4096)}
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err == nil {
			f.paths = append(f.paths, []byte("/proc/"+e.Name()+"/stat\x00"))
		}
	}
	return f
}

// Read reads them all once, with no more system calls than it takes.
func (f *Floor) Read() {
	const cwd = ^uintptr(99) // AT_FDCWD
	for _, path := range f.paths {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, cwd, uintptr(unsafe.Pointer(&path[0])), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
		if errno != 0 {
			continue
		}
		_, _ = unix.Read(int(fd), f.buffer)
		unix.Close(int(fd))
	}
}

// Peer reads with gopsutil what a collection reads, with what it lets its callers cache: a
// *process.Process for each pid, and in it name and start time.
type Peer map[int32]*process.Process

// Read reads every process's changing figures once.
func (kept Peer) Read(tb testing.TB) {
	pids, err := process.Pids()
	if err != nil {
		tb.Fatal(err)
	}
	for _, pid := range pids {
		p, ok := kept[pid]
		if !ok {
			if p, err = process.NewProcess(pid); err != nil {
				continue
			}
			_, _ = p.Name()
			_, _ = p.CreateTime()
			kept[pid] = p
		}
		_, _ = p.Times()
		_, _ = p.MemoryInfo()
		_, _ = p.NumThreads()
	}
}
