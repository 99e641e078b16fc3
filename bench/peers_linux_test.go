package bench_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/test/workload"
)

// A history keeps snapshots, and answers questions about them.
type history interface {
	// append keeps the snapshots of one instant; what is crash-safe is so when it returns.
	append(ctx context.Context, round []procmon.Record) error
	// minute does what a running store does by itself every minute.
	minute(ctx context.Context, now time.Time) error
	// show has questions see all that was appended.
	show(ctx context.Context) error
	// table reads all that is known of all processes of a host at an instant, or of the newest
	// one at the zero time, and returns how many they are.
	table(ctx context.Context, host string, at time.Time) (processes int, err error)
	// processCPU reads the CPU time of a process, and returns how many points that has.
	processCPU(ctx context.Context, host string, p *procmon.Process, from, to time.Time) (points int, err error)
	// top looks for the ten processes of a host that used most CPU time.
	top(ctx context.Context, host string, from, to time.Time) (rows int, err error)
	// disk returns what is allocated, in bytes, and how much of that is logs that a crash needs.
	disk() (all, logs int64, err error)
	// settle brings everything into the form in which it stays.
	settle(ctx context.Context) error
	close() error
	// pid returns the process that does the work.
	pid() int
}

// peers are those that are compared, procmon first. Each open makes an empty one in dir.
var peers = []struct {
	name string
	open func(b *testing.B, dir string) history
}{
	{"procmon", openProcmon},
	{"prometheus", openPrometheus},
	{"victoria-metrics", openVictoria},
	{"json-in-badger", openDocuments},
}

// BenchmarkPeers has procmon and others keep the same histories, and asks them the same
// questions. "keep" is six hours of four hosts with 250 processes; one op is all of it, from an
// empty directory to a closed store. "6h" asks a running store about them, "24h" one that has a
// day of one host; one op is one question. B/process-sample-running is before anything is brought
// to rest, logs included, and without what VictoriaMetrics has in memory alone. procmon/peer is procmon's figure in this run divided
// by the peer's.
func BenchmarkPeers(b *testing.B) {
	found := comparison{}
	base := time.Unix(workload.Base, 0)
	for _, peer := range peers {
		b.Run(peer.name, func(b *testing.B) {
			open := func(b *testing.B, hosts int) *run {
				return newRun(b, hosts, func(dir string) history { return peer.open(b, dir) })
			}
			b.Run("keep", func(b *testing.B) {
				for b.Loop() {
					found.keep(b, open(b, 4))
				}
			})
			b.Run("6h", func(b *testing.B) {
				r := open(b, 4)
				r.feed(b, workload.Ticks)
				must(b, r.show(b.Context()))
				host, busy := r.hosts[0].Name, &r.newest[0].Snapshot.Processes[9]
				table := func(at time.Time) error {
					n, err := r.table(b.Context(), host, at)
					return within(n, workload.Slots, workload.Slots+5, err)
				}
				found.ask(b, r, "latest", func(int) error { return table(time.Time{}) })
				found.ask(b, r, "past", func(i int) error {
					return table(base.Add(time.Minute + time.Duration(i*997%(workload.Ticks-8))*workload.Step*time.Second))
				})
				found.ask(b, r, "process-cpu", func(int) error {
					n, err := r.processCPU(b.Context(), host, busy, base, base.Add(6*time.Hour))
					return within(n, workload.Ticks-2, workload.Ticks, err)
				})
				r.end(b)
			})
			b.Run("24h", func(b *testing.B) {
				r := open(b, 1)
				r.feed(b, 4*workload.Ticks)
				must(b, r.show(b.Context()))
				found.ask(b, r, "top", func(int) error {
					n, err := r.top(b.Context(), r.hosts[0].Name, base, base.Add(24*time.Hour))
					return within(n, 10, 10, err)
				})
				r.end(b)
			})
		})
	}
}

// within is nil if n is what it must be and there was no error.
func within(n, least, most int, err error) error {
	if err == nil && (n < least || n > most) {
		err = fmt.Errorf("%d, not %d to %d", n, least, most)
	}
	return err
}

// comparison has the figures of procmon by their names.
type comparison map[string]float64

// set reports a figure, and procmon's divided by it if it is a peer's.
func (c comparison) set(b *testing.B, name, unit string, figure float64) {
	b.ReportMetric(figure, unit)
	key := name + " " + unit
	if strings.HasPrefix(b.Name(), "BenchmarkPeers/procmon/") {
		c[key] = figure
	} else if ours, ok := c[key]; ok {
		b.ReportMetric(ours/figure, "procmon/peer-"+unit)
	}
}

func (c comparison) keep(b *testing.B, r *run) {
	defer r.end(b)
	r.feed(b, workload.Ticks)
	must(b, r.show(b.Context()))
	all, _, err := r.disk()
	must(b, err)
	c.set(b, "keep", "B/process-sample-running", float64(all)/float64(r.processes))
	must(b, r.settle(b.Context()))
	used := r.used(b)
	must(b, r.close())
	if r.pid() == os.Getpid() {
		used = r.used(b) // with what closing takes
	}
	c.set(b, "keep", "cpu-ms/snapshot", millis(used)/float64(r.snapshots))
	all, logs, err := r.disk()
	must(b, err)
	c.set(b, "keep", "B/process-sample", float64(all-logs)/float64(r.processes))
}

// ask asks again and again, as long as -benchtime says.
func (c comparison) ask(b *testing.B, r *run, name string, question func(i int) error) {
	b.Run(name, func(b *testing.B) {
		runtime.GC()
		var walls []time.Duration
		before := cpuTime(b, r.pid())
		for i := 0; b.Loop(); i++ {
			began := time.Now()
			must(b, question(i))
			walls = append(walls, time.Since(began))
		}
		c.set(b, name, "cpu-ms/op", millis(cpuTime(b, r.pid())-before)/float64(len(walls)))
		slices.Sort(walls)
		c.set(b, name, "median-ms", millis(walls[len(walls)/2]))
	})
}

// A run is a store that is fed in simulated time.
type run struct {
	history
	directory string
	hosts     []*workload.Host
	newest    []procmon.Record
	every     int // of so many snapshots of the fleet one is kept
	tick      int // of the fleet

	snapshots, processes int
	began                time.Duration // CPU of its process when it was opened
	generated            time.Duration // CPU of this process for making snapshots
}

// newRun opens an empty store for so many hosts of the fleet. It is in memory if the system has
// a place for that: then a sync costs nothing, and what it costs depends on the disk alone.
func newRun(b *testing.B, hosts int, open func(dir string) history) *run {
	b.Helper()
	debug.FreeOSMemory()
	parent := ""
	if _, err := os.Stat("/dev/shm"); err == nil {
		parent = "/dev/shm"
	}
	dir, err := os.MkdirTemp(parent, "procmon-bench-")
	must(b, err)
	b.Cleanup(func() { os.RemoveAll(dir) })
	own := cpuTime(b, os.Getpid())
	r := &run{directory: dir, every: 1, history: open(filepath.Join(dir, "data"))}
	if r.pid() == os.Getpid() {
		r.began = own
	}
	for i := range hosts {
		h := workload.New(1, i)
		h.JitterMillis = 40
		r.hosts = append(r.hosts, h)
	}
	return r
}

// feed goes on for so many steps of the fleet, a multiple of every. Snapshots are made some steps
// ahead, so that the store does not wait for them.
func (r *run) feed(b *testing.B, steps int) {
	b.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const ahead = 40
	for ; steps > 0; steps -= ahead * r.every {
		before := threadTime(b)
		rounds := make([][]procmon.Record, min(steps/r.every, ahead))
		for i := range rounds {
			for _, h := range r.hosts {
				for range r.every - 1 {
					h.Next()
				}
				rounds[i] = append(rounds[i], h.Record())
			}
		}
		r.generated += threadTime(b) - before
		for _, round := range rounds {
			must(b, r.append(b.Context(), round))
			for _, record := range round {
				r.snapshots++
				r.processes += len(record.Snapshot.Processes)
			}
			if r.tick += r.every; r.tick%(60/workload.Step) == 0 {
				must(b, r.minute(b.Context(), time.Unix(workload.Base+int64(r.tick)*workload.Step, 0)))
			}
			r.newest = round
		}
	}
}

// used returns the CPU that the store used so far.
func (r *run) used(b *testing.B) time.Duration {
	b.Helper()
	used := cpuTime(b, r.pid()) - r.began
	if r.pid() == os.Getpid() {
		used -= r.generated
	}
	return used
}

// end closes the store and removes it.
func (r *run) end(b *testing.B) {
	b.Helper()
	must(b, r.close())
	must(b, os.RemoveAll(r.directory))
}

// allocated returns what the files in dir take of the disk, in bytes, but for those whose path
// from there begins with one of the names.
func allocated(dir string, but ...string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was removed meanwhile
		}
		if err != nil {
			return err
		}
		if name, _ := filepath.Rel(dir, path); d.IsDir() && slices.Contains(but, name) {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() {
			bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return nil
	})
	return bytes, err
}

// cpuTime returns what a process used so far: its CPU-time clock, as clock_getcpuclockid(3) has it.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	const ofAllThreads = 2 // CPUCLOCK_SCHED
	return clock(b, int32(^pid)<<3|ofAllThreads)
}

// threadTime returns what the thread that calls used so far.
func threadTime(b *testing.B) time.Duration {
	b.Helper()
	return clock(b, unix.CLOCK_THREAD_CPUTIME_ID)
}

func clock(b *testing.B, id int32) time.Duration {
	b.Helper()
	var t unix.Timespec
	must(b, unix.ClockGettime(id, &t))
	return time.Duration(t.Nano())
}

func millis(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
