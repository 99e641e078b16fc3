package storage_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
)

// crashDirEnv makes the test binary a process that works on the store in that directory
// until it is killed. crashWorkEnv says what work and from which instant on.
const (
	crashDirEnv  = "PROCMON_STORAGE_CRASH_DIR"
	crashWorkEnv = "PROCMON_STORAGE_CRASH_WORK"
	// crashKillsEnv is how often the test kills; make crash sets it.
	crashKillsEnv = "PROCMON_STORAGE_CRASH_KILLS"
	fewKills      = 12
)

const (
	crashHosts = 6
	// crashSpeed is how much faster than ours the clock of a killed store runs: two hours, which
	// become blocks and expire together, pass in two seconds.
	crashSpeed = 3600
	crashAge   = 8 * time.Hour // retention; half of it for the host with number 1
	crashLate  = 3 * time.Hour // how late a snapshot is at most
)

// crashWork is what a store is killed at.
type crashWork struct {
	name      string
	late      bool                                                // some snapshots come hours late
	size      int64                                               // Options.RetentionSize
	noise     int                                                 // random bytes in each snapshot
	prepare   func(*testing.T, string, time.Time) []crashSnapshot // what is in it before the first kill
	perMember int                                                 // kills of one store, before the next one is begun
	share     int                                                 // of all kills
}

var crashWorks = []crashWork{
	{name: "blocks", late: true, perMember: 40, share: 6},
	{name: "size", size: 4 << 20, noise: 8000, perMember: 10, share: 2},
	{name: "migration", late: true, prepare: olderStore, perMember: 4, share: 4},
}

// crashSnapshot names a snapshot: what is in it follows from that.
type crashSnapshot struct {
	host  int
	nanos int64
}

func (c crashSnapshot) hostName() string { return fmt.Sprintf("Host-%02d", c.host) }

// record is the same in both processes. Most of it is as in the snapshots around it; some
// are too large for one value.
func (w *crashWork) record(c crashSnapshot) procmon.Record {
	rnd := rand.New(rand.NewPCG(uint64(c.host), uint64(c.nanos)))
	at := time.Unix(0, c.nanos).UTC()
	r := record(c.hostName(), 0)
	r.Snapshot.Timestamp = at
	r.Snapshot.Processes = nil
	for i := range 40 {
		h := fnv.New64a()
		fmt.Fprint(h, c.host, i, at.Unix()/600)
		if h.Sum64()%5 == 0 {
			continue // for ten minutes
		}
		r.Snapshot.Processes = append(r.Snapshot.Processes, procmon.Process{
			PID: uint32(4 + i*4), Name: fmt.Sprintf("p%d.exe", i%7), StartTime: procmon.Some(noon.Add(-time.Duration(i) * time.Hour)),
			Cmdline: procmon.Some(fmt.Sprintf("p --of %d", i)), CPUSeconds: procmon.Some(float64(at.Unix()/int64(i+1)) / 100),
			WorkingSetBytes: procmon.Some(uint64(1<<20 + i<<12 + rnd.IntN(3)<<12)), ReadBytes: procmon.Some(uint64(at.Unix() * int64(i%3))),
		})
	}
	switch rnd.IntN(300) {
	case 0:
		r.Snapshot.Processes[0].Cmdline = procmon.Some(noise(fmt.Sprint(c), 400_000))
	default:
		if w.noise > 0 {
			r.Snapshot.Processes[0].Cmdline = procmon.Some(noise(fmt.Sprint(c), w.noise))
		}
	}
	return r
}

func crashOptions(work *crashWork, clock func() time.Time) storage.Options {
	o := storage.Options{Clock: clock, RetentionSize: work.size}
	if work.size == 0 {
		o.Retention = crashAge
		o.RetentionOf = func(labels map[string]string) time.Duration {
			if labels["instance"] == (crashSnapshot{host: 1}).hostName()+":9910" {
				return crashAge / 2
			}
			return 0
		}
	}
	return o
}

// workUntilKilled says on its standard output, line by line, what it begins and what has ended.
func workUntilKilled(dir string) {
	name, from, _ := strings.Cut(os.Getenv(crashWorkEnv), " ")
	work := &crashWorks[slices.IndexFunc(crashWorks, func(w crashWork) bool { return w.name == name })]
	nanos, err := strconv.ParseInt(from, 10, 64)
	if err != nil {
		panic(err)
	}
	began := time.Now()
	clock := func() time.Time { return time.Unix(0, nanos).Add(crashSpeed * time.Since(began)) }
	var out sync.Mutex
	say := func(format string, args ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	s, err := storage.Open(dir, crashOptions(work, clock))
	if err != nil {
		say("error: %v", err)
		os.Exit(1)
	}
	ctx := context.Background()
	var workers sync.WaitGroup
	often := func(name string, every time.Duration, fn func() error) {
		workers.Go(func() {
			for range time.Tick(every) {
				say("begin %s", name)
				if err := fn(); err != nil {
					panic(err)
				}
				say("end %s", name)
			}
		})
	}
	often("seal", 30*time.Millisecond, func() error { return s.Seal(ctx) })
	often("expire", 100*time.Millisecond, func() error { return s.Expire(ctx) })
	if work.size == 0 { // by size, what is there at an instant cannot be told from outside
		often("backup", 50*time.Millisecond, func() error { return backUp(ctx, s, dir) })
	}
	var number atomic.Int64
	for host := range crashHosts {
		for appender := range 2 {
			workers.Go(func() {
				rnd := rand.New(rand.NewPCG(uint64(nanos), uint64(host*2+appender)))
				for {
					at := clock()
					if work.late && rnd.IntN(6) == 0 {
						at = at.Add(-time.Duration(rnd.Int64N(int64(crashLate))))
					}
					// Two snapshots of one instant would be the same one.
					c := crashSnapshot{host, at.Truncate(time.Second).UnixNano() + number.Add(1)}
					say("send %d %d", c.host, c.nanos)
					var err error
					for range 1 + rnd.IntN(8)/7 { // now and then twice
						if err = s.Append(ctx, work.record(c)); err != nil {
							break
						}
					}
					if expired, ok := errors.AsType[*procmon.FieldError](err); ok && expired.Field == "timestamp" {
						continue // hours have passed since then where a machine is slow
					}
					if err != nil {
						panic(err)
					}
					say("stored %d %d", c.host, c.nanos)
				}
			})
		}
	}
	workers.Wait()
}

// backupOf is the newest whole backup of a store.
func backupOf(dir string) string { return dir + ".backup" }

func backUp(ctx context.Context, s *storage.Store, dir string) error {
	f, err := os.Create(dir + ".part")
	if err != nil {
		return err
	}
	_, err = s.Backup(ctx, f)
	return errors.Join(err, f.Sync(), f.Close(), os.Rename(f.Name(), backupOf(dir)))
}

// TestKilledAtRandomInstants kills a store while it takes in snapshots, makes blocks, merges
// late ones into them, lets the oldest expire, is backed up, and takes over an older format.
// Then all that was acknowledged and has not expired is there, once, as it was sent, and nothing
// else. The newest whole backup has all that was acknowledged before it was begun.
func TestKilledAtRandomInstants(t *testing.T) {
	t.Parallel()
	kills := fewOr(t, fewKills, crashKillsEnv)
	shares := 0
	for _, w := range crashWorks {
		shares += w.share
	}
	for _, w := range crashWorks {
		t.Run(w.name, func(t *testing.T) {
			left := max(kills*w.share/shares, 1)
			for left > 0 {
				n := min(left, w.perMember)
				killed(t, &w, n)
				left -= n
			}
		})
	}
}

// fewOr returns few, or what a variable of the environment says.
func fewOr(t *testing.T, few int, variable string) int {
	t.Helper()
	if many := os.Getenv(variable); many != "" {
		n, err := strconv.Atoi(many)
		must(t, err)
		return n
	}
	return few
}

// killed kills one store so often.
func killed(t *testing.T, work *crashWork, kills int) {
	v := &victim{work: work, dir: filepath.Join(t.TempDir(), "data"), now: noon, acknowledged: map[crashSnapshot]bool{}, sent: map[crashSnapshot]bool{}, during: map[string]int{}}
	if work.prepare != nil {
		for _, c := range work.prepare(t, v.dir, v.now) {
			v.sent[c], v.acknowledged[c] = true, true
		}
	}
	total := 0
	for kill := range kills {
		total += v.run(t)
		if kill%3 == 1 && kill < kills-1 {
			continue // so that what two crashes left is put in order at once
		}
		v.check(t, fmt.Sprintf("after kill %d", kill+1), kill == kills-1)
	}
	t.Logf("%d kills, %d of them during %v; %d snapshots acknowledged, of which %d are kept", kills, v.busy, v.during, total, v.kept)
	if total < kills {
		t.Errorf("only %d snapshots were acknowledged", total)
	}
}

// victim is a store that is killed.
type victim struct {
	work         *crashWork
	dir          string
	now          time.Time // its clock is not later
	sent         map[crashSnapshot]bool
	acknowledged map[crashSnapshot]bool
	saved        map[crashSnapshot]bool // acknowledged when the newest whole backup was begun
	during       map[string]int         // what had begun when it was killed, and not ended
	busy, kept   int
}

// run starts a process, kills it and returns how much it acknowledged.
func (v *victim) run(t *testing.T) (acknowledged int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashDirEnv+"="+v.dir, fmt.Sprintf("%s=%s %d", crashWorkEnv, v.work.name, v.now.UnixNano()))
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	began := time.Now()
	must(t, cmd.Start())
	lines := bufio.NewReader(stdout)
	doing := map[string]bool{}
	var saving map[crashSnapshot]bool
	// It is killed some time after so many acknowledgements: they come at the ends of commits,
	// and it should die anywhere in one, and between two.
	wait := 1 + rand.IntN(150)
	var killer *time.Timer
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		var what string
		var c crashSnapshot
		switch verb, rest, _ := strings.Cut(strings.TrimSpace(line), " "); verb {
		case "begin":
			if doing[rest] = true; rest == "backup" {
				saving = maps.Clone(v.acknowledged)
			}
		case "end":
			if delete(doing, rest); rest == "backup" {
				v.saved = saving
			}
		case "send", "stored":
			if _, err := fmt.Sscan(line, &what, &c.host, &c.nanos); err != nil {
				t.Fatalf("the process said %q", line)
			}
			v.sent[c] = true
			if what == "send" {
				break
			}
			v.acknowledged[c] = true
			if acknowledged++; acknowledged == wait {
				killer = time.AfterFunc(time.Duration(rand.IntN(300))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			}
		default:
			t.Fatalf("the process said %q", line)
		}
	}
	if killer != nil {
		killer.Stop()
	}
	_ = cmd.Wait() // it was killed
	v.now = v.now.Add(crashSpeed * time.Since(began))
	if acknowledged < wait {
		t.Fatalf("the process ended by itself after %d snapshots", acknowledged)
	}
	for what := range doing {
		v.during[what]++
	}
	v.busy += min(len(doing), 1)
	return acknowledged
}

// check opens the store and holds all that is in it against what was sent.
func (v *victim) check(t *testing.T, when string, last bool) {
	t.Helper()
	v.compare(t, when, v.dir, v.acknowledged, last)
	if v.saved == nil || !last && rand.IntN(4) > 0 {
		return
	}
	f, err := os.Open(backupOf(v.dir))
	must(t, err)
	defer f.Close()
	restored := filepath.Join(t.TempDir(), "restored")
	_, err = storage.Restore(t.Context(), restored, f, nil)
	must(t, err)
	v.compare(t, when+", from the backup", restored, v.saved, false)
}

// compare holds the store in dir against what was acknowledged. After the last kill everything
// is made blocks before.
func (v *victim) compare(t *testing.T, when, dir string, acknowledged map[crashSnapshot]bool, last bool) {
	t.Helper()
	clock := &testClock{}
	clock.set(v.now)
	s, err := storage.Open(dir, crashOptions(v.work, clock.now))
	must(t, err)
	defer func() { must(t, s.Close()) }()
	if last {
		clock.set(clock.now().Add(time.Hour))
		for range 2 { // late ones are merged by the second
			clock.set(clock.now().Add(20 * time.Minute))
			must(t, s.Seal(t.Context()))
		}
		if v.work.prepare != nil && storage.Legacy(t, s) > 0 {
			t.Errorf("%s: %d snapshots of an older format are left", when, storage.Legacy(t, s))
		}
	}
	if d := s.Damage(); len(d) > 0 {
		t.Errorf("%s: a crash is taken for damage: %v", when, d)
	}
	v.kept = 0
	for host := range crashHosts {
		name := crashSnapshot{host: host}.hostName()
		there := map[crashSnapshot]bool{}
		before := int64(0)
		err := s.Snapshots(t.Context(), name, time.Time{}, noon.Add(1e6*time.Hour), func(r procmon.Record) error {
			c := crashSnapshot{host, r.Snapshot.Timestamp.UnixNano()}
			if !v.sent[c] {
				t.Fatalf("%s: %s at %s was never sent", when, name, r.Snapshot.Timestamp)
			}
			if c.nanos <= before {
				t.Fatalf("%s: %s at %s is there twice, or in the wrong place", when, name, r.Snapshot.Timestamp)
			}
			if want := v.work.record(c); !reflect.DeepEqual(want, r) {
				t.Fatalf("%s (-want +got):\n%s", when, cmp.Diff(want, r))
			}
			before, there[c] = c.nanos, true
			return nil
		})
		if err != nil && !errors.Is(err, procmon.ErrNotFound) {
			t.Fatal(err)
		}
		v.kept += len(there)
		cutoff := v.cutoff(clock.now(), host, there)
		for c := range acknowledged {
			switch {
			case c.host != host:
			case c.nanos < cutoff && there[c]:
				t.Errorf("%s: %s at %s has expired and is there", when, name, time.Unix(0, c.nanos).UTC())
			case c.nanos >= cutoff && !there[c]:
				t.Fatalf("%s: %s at %s was acknowledged and is lost", when, name, time.Unix(0, c.nanos).UTC())
			case c.nanos < cutoff:
				delete(acknowledged, c)
			}
		}
	}
}

// cutoff is before what nothing is kept of a host. By size, whole periods of two hours go, of
// which then nothing is there: where there is something, all must be.
func (v *victim) cutoff(clock time.Time, host int, there map[crashSnapshot]bool) int64 {
	switch {
	case v.work.size == 0 && host == 1:
		return clock.Add(-crashAge / 2).UnixNano()
	case v.work.size == 0:
		return clock.Add(-crashAge).UnixNano()
	case len(there) == 0:
		return clock.UnixNano()
	}
	oldest := slices.MinFunc(slices.Collect(maps.Keys(there)), func(a, b crashSnapshot) int { return int(min(1, max(-1, a.nanos-b.nanos))) })
	return time.Unix(0, oldest.nanos).Truncate(2 * time.Hour).UnixNano()
}

// olderStore makes a store as format 2 left it.
func olderStore(t *testing.T, dir string, now time.Time) (all []crashSnapshot) {
	t.Helper()
	for host := range crashHosts {
		for at := now.Add(-crashAge/2 + 90*time.Minute); at.Before(now); at = at.Add(40 * time.Second) {
			all = append(all, crashSnapshot{host, at.UnixNano()})
		}
	}
	records := make([]procmon.Record, len(all))
	for i, c := range all {
		records[i] = (&crashWork{}).record(c)
	}
	storage.WriteFormat2(t, dir, records)
	return all
}
