//go:build linux

package storage_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
)

// smallDisk returns the directory of a file system of so many bytes.
func smallDisk(t *testing.T, size int64) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a small file system")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("this system does not let root mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// fill writes to a file until its file system has no room but for some bytes, 250 MB a second.
func fill(t *testing.T, path string, but int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	defer f.Close()
	pace := time.NewTicker(4 * time.Millisecond)
	defer pace.Stop()
	for block := make([]byte, 1<<20); ; <-pace.C {
		var s unix.Statfs_t
		must(t, unix.Statfs(path, &s))
		n := min(int64(len(block)), int64(s.Bavail)*s.Bsize-but)
		if n <= 0 {
			return
		}
		if _, err := f.Write(block[:n]); errors.Is(err, unix.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// fullSnapshot is the number-th of a host, with some noise.
func fullSnapshot(host, number int) procmon.Record {
	r := record(fmt.Sprintf("host-%d", host), -time.Duration(number)*15*time.Second)
	r.Snapshot.Processes[0].Cmdline = procmon.Some(noise(fmt.Sprint(host, number), 10_000))
	return r
}

// TestDiskFull fills the disk: what comes is refused, what is there is served, and when there is
// room again it goes on.
func TestDiskFull(t *testing.T) {
	disk := smallDisk(t, 200<<20)
	clock := &testClock{}
	clock.set(noon)
	dir := filepath.Join(disk, "data")
	s := openStore(t, dir, func(o *storage.Options) { o.Clock = clock.now })
	var all []procmon.Record
	for i := range 40 {
		all = append(all, fullSnapshot(0, i))
	}
	appendAll(t, s, all...)
	for round := range 3 {
		fill(t, filepath.Join(disk, "others"), []int64{30 << 20, 1 << 20, 0}[round])
		refused := 0
		for i := range 20 { // the room is looked at now and then
			r := fullSnapshot(1+round, i)
			switch err := s.Append(t.Context(), r); {
			case errors.Is(err, storage.ErrFull):
				if refused++; !strings.Contains(err.Error(), "MiB must be: make room, or set a smaller retention") || strings.Contains(err.Error(), "\n") {
					t.Errorf("the error is %q", err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				all = append(all, r)
			}
		}
		if refused == 0 {
			t.Error("nothing is refused on a full disk")
		}
		if lost := missing(t, s, all); len(lost) > 0 {
			t.Errorf("on a full disk %d of %d snapshots cannot be read", len(lost), len(all))
		}
		// What the store does by itself must not hurt either.
		clock.set(clock.now().Add(24 * time.Hour))
		if err := s.Seal(t.Context()); err != nil && !errors.Is(err, storage.ErrFull) {
			t.Errorf("making blocks on a full disk: %v", err)
		}
		if err := s.Expire(t.Context()); err != nil && !errors.Is(err, storage.ErrFull) {
			t.Errorf("expiry on a full disk: %v", err)
		}
		must(t, os.Remove(filepath.Join(disk, "others")))
		r := fullSnapshot(9, round)
		eventually(t, "a snapshot is stored again", func() error { return s.Append(t.Context(), r) })
		all = append(all, r)
		must(t, s.Seal(t.Context()))
	}
	must(t, s.Close())
	s = openStore(t, dir)
	if lost := missing(t, s, all); len(lost) > 0 || len(s.Damage()) > 0 {
		t.Errorf("%d of %d snapshots are lost; the damage is %v", len(lost), len(all), s.Damage())
	}
}

// eventually calls fn until it returns nil.
func eventually(t *testing.T, what string, fn func() error) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; <-tick.C {
		err := fn()
		if err == nil {
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// TestOthersFillTheDisk has another program take all the room at random instants while a store
// writes as much as it can: it refuses what comes, goes on when there is room, and has all that it
// acknowledged. Badger ends the process if it writes a table at the very moment when the last
// room goes; that is as a kill, and the next start finds everything.
func TestOthersFillTheDisk(t *testing.T) {
	disk := smallDisk(t, 200<<20)
	w := &fullWorker{dir: filepath.Join(disk, "data"), began: time.Now()}
	others := filepath.Join(disk, "others")
	ends := 0
	for range fewOr(t, 4, fullRoundsEnv) {
		if w.ended() {
			w.start(t)
		}
		stored, refused := w.counts()
		least := stored + 20 + rand.IntN(100)
		eventually(t, "snapshots are stored", func() error {
			if stored, _ := w.counts(); stored < least && !w.ended() {
				return errors.New("too few")
			}
			return nil
		})
		eventually(t, "snapshots are refused", func() error {
			fill(t, others, 0) // the store gives room back meanwhile
			if _, now := w.counts(); now < refused+50 && !w.ended() {
				return errors.New("too few")
			}
			return nil
		})
		if w.ended() {
			ends++
			if s, err := tryOpen(t, w.dir); err == nil {
				must(t, s.Close())
			} else if !errors.Is(err, storage.ErrFull) || strings.Contains(err.Error(), "\n") {
				t.Errorf("opened on a full disk: %v", err)
			}
		}
		must(t, os.Remove(others))
	}
	if !w.ended() {
		must(t, w.stdin.Close())
		<-w.read
		if w.cmd.Wait() != nil {
			ends++ // in the last moment
		}
	}
	now := w.clock()
	s := openStore(t, w.dir, func(o *storage.Options) {
		o.Clock, o.Retention = func() time.Time { return now }, fullAge
	})
	kept := 0
	for _, c := range w.all {
		if c.nanos < now.Add(-fullAge).UnixNano() {
			continue
		}
		kept++
		want := (&crashWork{noise: 10_000}).record(c)
		if v, err := s.At(t.Context(), c.hostName(), want.Snapshot.Timestamp); err != nil || !reflect.DeepEqual(want, v.Record) {
			t.Fatalf("%s at %s is lost: %v", c.hostName(), want.Snapshot.Timestamp, err)
		}
	}
	t.Logf("%d snapshots stored, %d of them kept, %d refused; the process ended %d times", len(w.all), kept, w.refused, ends)
	if d := s.Damage(); len(d) > 0 {
		t.Errorf("damage: %v", d)
	}
}

// fullWorker is a process that does workOnFullDisk.
type fullWorker struct {
	dir   string
	began time.Time
	cmd   *exec.Cmd
	stdin io.WriteCloser
	read  chan struct{} // closed when the process has ended

	mu      sync.Mutex
	all     []crashSnapshot // acknowledged
	refused int
}

// clock is not before that of the process.
func (w *fullWorker) clock() time.Time { return noon.Add(crashSpeed * time.Since(w.began)) }

func (w *fullWorker) start(t *testing.T) {
	t.Helper()
	w.cmd = exec.CommandContext(t.Context(), os.Args[0])
	w.cmd.Env = append(os.Environ(), fullDirEnv+"="+w.dir, fmt.Sprintf("%s=%d", crashWorkEnv, w.clock().UnixNano()))
	var err error
	w.stdin, err = w.cmd.StdinPipe()
	must(t, err)
	stdout, err := w.cmd.StdoutPipe()
	must(t, err)
	must(t, w.cmd.Start())
	w.read = make(chan struct{})
	go func() {
		defer close(w.read)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var c crashSnapshot
			_, err := fmt.Sscanf(lines.Text(), "stored %d %d", &c.host, &c.nanos)
			w.mu.Lock()
			if err == nil {
				w.all = append(w.all, c)
			} else {
				w.refused++
			}
			w.mu.Unlock()
		}
	}()
}

func (w *fullWorker) ended() bool {
	if w.cmd == nil {
		return true
	}
	select {
	case <-w.read:
		_ = w.cmd.Wait() // its end is counted
		return true
	default:
		return false
	}
}

func (w *fullWorker) counts() (stored, refused int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.all), w.refused
}
