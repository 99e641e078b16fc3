package storage_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
)

// crashDirEnv makes the test binary a process that appends to the store in that directory
// until it is killed.
const crashDirEnv = "PROCMON_STORAGE_CRASH_DIR"

const (
	crashHosts     = 20
	crashAppenders = 3         // for each host
	crashRounds    = 1_000_000 // more than there are between two kills
)

// crashRecord is the same in both processes. Its size and its order in time vary, many stand
// in one slot, and some are too large for one value. For a while they are of one partition, and
// then of another.
func crashRecord(host, round int) procmon.Record {
	rnd := rand.New(rand.NewPCG(uint64(host), uint64(round)))
	kill, round := round/crashRounds, round%crashRounds
	seconds := 120*kill + 3*round - rnd.IntN(60) - 7200*(round/50%3)
	r := record(fmt.Sprintf("host-%02d", host), -time.Duration(seconds)*time.Second)
	n := 1 + rnd.IntN(60)
	size := 100
	if rnd.IntN(200) == 0 {
		size = 40_000
	}
	r.Snapshot.Processes = make([]procmon.Process, n)
	for i := range r.Snapshot.Processes {
		r.Snapshot.Processes[i] = procmon.Process{
			PID: uint32(i * 4), Name: fmt.Sprintf("p%d.exe", i), Cmdline: procmon.Some(noise(fmt.Sprint(host, kill, round, i), size/2)),
		}
	}
	// One instant of a host is one snapshot: what differs must have another time.
	r.Snapshot.Timestamp = r.Snapshot.Timestamp.Add(time.Duration(kill*crashRounds + round))
	return r
}

// crashClock is late enough for blocks of everything.
func crashClock() time.Time { return noon.Add(24 * time.Hour) }

func appendUntilKilled(dir string) {
	s, err := storage.Open(dir, storage.Options{Clock: crashClock})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	var from int
	if _, err := fmt.Sscan(os.Getenv(crashDirEnv+"_FROM"), &from); err != nil {
		panic(err)
	}
	var out sync.Mutex
	var appenders sync.WaitGroup
	appenders.Go(func() {
		for {
			if err := s.Seal(context.Background()); err != nil {
				panic(err)
			}
		}
	})
	for i := range crashHosts * crashAppenders {
		host, first := i/crashAppenders, i%crashAppenders
		appenders.Go(func() {
			for round := from + first; ; round += crashAppenders {
				if err := s.Append(context.Background(), crashRecord(host, round)); err != nil {
					panic(err)
				}
				out.Lock()
				fmt.Printf("%d %d\n", host, round)
				out.Unlock()
			}
		})
	}
	appenders.Wait()
}

func TestKilledAtRandomInstantsLosesNothingAcknowledged(t *testing.T) {
	const kills = 24
	dir := filepath.Join(t.TempDir(), "data")
	type id struct{ host, round int }
	var acknowledged []id
	checked := 0
	for kill := range kills {
		from := kill * crashRounds
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), crashDirEnv+"="+dir, fmt.Sprintf("%s_FROM=%d", crashDirEnv, from))
		cmd.Stderr = os.Stderr
		stdout, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewReader(stdout)
		var fresh []id
		// It is killed some time after so many acknowledgements: they come at the ends of
		// commits, and it should die anywhere in one, and between two.
		wait := 1 + rand.IntN(600)
		var killer *time.Timer
		for {
			line, err := lines.ReadString('\n')
			if err == io.EOF {
				break
			}
			must(t, err)
			var a id
			if _, err := fmt.Sscan(line, &a.host, &a.round); err != nil {
				t.Fatalf("the appending process said %q", line)
			}
			fresh = append(fresh, a)
			if len(fresh) == wait {
				killer = time.AfterFunc(time.Duration(rand.IntN(60))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			}
		}
		if killer != nil {
			killer.Stop()
		}
		_ = cmd.Wait() // it was killed
		if len(fresh) < wait {
			t.Fatalf("the appending process ended by itself after %d snapshots", len(fresh))
		}
		acknowledged = append(acknowledged, fresh...)

		if kill%2 == 0 && kill < kills-1 {
			continue // so that logs of several crashes are replayed
		}
		func() {
			s, err := storage.Open(dir, storage.Options{Clock: crashClock})
			must(t, err)
			defer func() { must(t, s.Close()) }()
			if d := s.Damage(); len(d) > 0 {
				t.Errorf("a crash is taken for damage: %v", d)
			}
			if kill == kills-1 {
				checked = 0 // all of them, once more
				must(t, s.Seal(t.Context()))
			}
			for _, a := range acknowledged[checked:] {
				want := crashRecord(a.host, a.round)
				v, err := s.At(t.Context(), want.Host, want.Snapshot.Timestamp)
				if err != nil {
					t.Fatalf("after kill %d: %v", kill, err)
				}
				if !reflect.DeepEqual(want, v.Record) {
					t.Fatalf("after kill %d (-want +got):\n%s", kill, cmp.Diff(want, v.Record))
				}
			}
			checked = len(acknowledged)
		}()
	}
	t.Logf("%d kills, %d snapshots acknowledged", kills, len(acknowledged))
}
