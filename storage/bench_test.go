//go:build unix

package storage_test

import (
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
)

// A simulation is a store, and hosts that append to it in simulated time: at every step all of
// them at once, and every minute it does what a running store does by itself.
type simulation struct {
	b     *testing.B
	dir   string
	store *storage.Store
	clock testClock
	hosts []*workload.Host
	tick  int

	appended  int           // snapshots
	processes int           // in them
	used      time.Duration // CPU of the store
	began     time.Duration // CPU of the process when the store was opened
	generated time.Duration // CPU of making snapshots
}

// simulate opens a store for hosts of a shape, of the fleet that seed names. It is in memory if
// the system has a place for that: the CPU and the time of syncs depend on the disk alone.
func simulate(b *testing.B, seed uint64, hosts int, shape workload.Shape, options ...testOption) *simulation {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "procmon-bench-")
	if err != nil {
		dir = b.TempDir()
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return simulateIn(b, dir, seed, hosts, shape, options...)
}

// simulateIn is simulate on the file system of parent.
func simulateIn(b *testing.B, parent string, seed uint64, hosts int, shape workload.Shape, options ...testOption) *simulation {
	b.Helper()
	s := &simulation{b: b, dir: filepath.Join(parent, "data")}
	for i := range hosts {
		h := workload.NewShaped(seed, i, shape)
		h.JitterMillis = 40
		s.hosts = append(s.hosts, h)
	}
	s.clock.set(time.Unix(workload.Base, 0))
	s.open(options...)
	return s
}

func (s *simulation) open(options ...testOption) {
	s.b.Helper()
	o := storage.Options{Clock: s.clock.now}
	for _, option := range options {
		option(&o)
	}
	var err error
	s.began = cpuTime(s.b)
	if s.store, err = storage.Open(s.dir, o); err != nil {
		s.b.Fatal(err)
	}
}

// run goes on for so many steps, and calls each, which may be nil, after every one. Snapshots
// are made some steps ahead, so that the store does not wait for them as for slow senders.
func (s *simulation) run(ticks int, each func()) {
	s.b.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const ahead = 40
	for ; ticks > 0; ticks -= ahead {
		before := threadTime(s.b)
		rounds := make([][]procmon.Record, min(ticks, ahead))
		for i := range rounds {
			for _, h := range s.hosts {
				rounds[i] = append(rounds[i], h.Record())
			}
		}
		s.generated += threadTime(s.b) - before
		for _, records := range rounds {
			s.step(records)
			if each != nil {
				each()
			}
		}
	}
}

func (s *simulation) step(records []procmon.Record) {
	s.b.Helper()
	s.clock.set(time.Unix(workload.Base+int64(s.tick)*workload.Step, 0).Add(100 * time.Millisecond))
	s.append(records)
	if s.tick++; s.tick%(60/workload.Step) == 0 {
		s.settle()
	}
}

// append appends records at once.
func (s *simulation) append(records []procmon.Record) {
	s.b.Helper()
	var wg sync.WaitGroup
	for _, r := range records {
		s.appended++
		s.processes += len(r.Snapshot.Processes)
		wg.Go(func() {
			if err := s.store.Append(s.b.Context(), r); err != nil {
				s.b.Error(err)
			}
		})
	}
	wg.Wait()
}

func (s *simulation) settle() {
	s.b.Helper()
	must(s.b, s.store.Expire(s.b.Context()))
	must(s.b, s.store.Seal(s.b.Context()))
}

// rest lets hours pass in which nothing is appended.
func (s *simulation) rest() {
	s.b.Helper()
	s.clock.set(s.clock.now().Add(3 * time.Hour))
	s.settle()
}

func (s *simulation) close() {
	s.b.Helper()
	must(s.b, s.store.Close())
	s.used += cpuTime(s.b) - s.began - s.generated
	s.generated = 0
}

// cpuTime returns what the process used so far.
func cpuTime(b *testing.B) time.Duration { return usage(b, syscall.RUSAGE_SELF) }

// threadTime returns what the thread that calls used so far.
func threadTime(b *testing.B) time.Duration {
	const thisThread = 1 // RUSAGE_THREAD, https://man7.org/linux/man-pages/man2/getrusage.2.html
	if runtime.GOOS != "linux" {
		return 0
	}
	return usage(b, thisThread)
}

func usage(b *testing.B, who int) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
