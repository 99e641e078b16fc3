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

const crashHosts = 20

// crashRecord is the same in both processes. Its size and its order in time vary, and some
// snapshots are too large for one value.
func crashRecord(host, round int) procmon.Record {
	rnd := rand.New(rand.NewPCG(uint64(host), uint64(round)))
	r := record(fmt.Sprintf("host-%02d", host), -time.Duration(round)*time.Second+time.Duration(rnd.IntN(3600))*time.Second)
	n := 1 + rnd.IntN(60)
	size := 100
	if rnd.IntN(200) == 0 {
		size = 40_000
	}
	r.Snapshot.Processes = make([]procmon.Process, n)
	for i := range r.Snapshot.Processes {
		noise := make([]byte, size/2)
		for j := range noise {
			noise[j] = byte(rnd.Uint32())
		}
		r.Snapshot.Processes[i] = procmon.Process{
			PID: uint32(i * 4), Name: fmt.Sprintf("p%d.exe", i), Cmdline: procmon.Some(fmt.Sprintf("%x", noise)),
		}
	}
	// One instant of a host is one snapshot: what differs must have another time.
	r.Snapshot.Timestamp = r.Snapshot.Timestamp.Add(time.Duration(round))
	return r
}

func appendUntilKilled(dir string) {
	s, err := storage.Open(dir, storage.Options{Clock: func() time.Time { return noon }})
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
	for host := range crashHosts {
		appenders.Go(func() {
			for round := from; ; round++ {
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
	for kill := range kills {
		from := kill * 1_000_000
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), crashDirEnv+"="+dir, fmt.Sprintf("%s_FROM=%d", crashDirEnv, from))
		cmd.Stderr = os.Stderr
		stdout, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewReader(stdout)
		var fresh []id
		wait := 1 + rand.IntN(600) // acknowledgements
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
				must(t, cmd.Process.Kill())
			}
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
			s, err := storage.Open(dir, storage.Options{Clock: func() time.Time { return noon }})
			must(t, err)
			defer func() { must(t, s.Close()) }()
			if d := s.Damage(); len(d) > 0 {
				t.Errorf("a crash is taken for damage: %v", d)
			}
			for _, a := range acknowledged {
				want := crashRecord(a.host, a.round)
				v, err := s.At(t.Context(), want.Host, want.Snapshot.Timestamp)
				if err != nil {
					t.Fatalf("after kill %d: %v", kill, err)
				}
				if !reflect.DeepEqual(want, v.Record) {
					t.Fatalf("after kill %d (-want +got):\n%s", kill, cmp.Diff(want, v.Record))
				}
			}
		}()
	}
	t.Logf("%d kills, %d snapshots acknowledged", kills, len(acknowledged))
}
