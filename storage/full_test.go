//go:build linux

package storage_test

import (
	"bufio"
	"errors"
	"fmt"
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

// fill writes to a file until its file system has no room but for some bytes, as dd does.
func fill(t *testing.T, path string, but int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	defer f.Close()
	for block := make([]byte, 1<<20); ; {
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
// writes. It lives on, and has all that it acknowledged.
func TestOthersFillTheDisk(t *testing.T) {
	disk := smallDisk(t, 300<<20)
	dir, others := filepath.Join(disk, "data"), filepath.Join(disk, "others")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fullDirEnv+"="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var mu sync.Mutex
	var all []crashSnapshot
	var now, refused int64
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var c crashSnapshot
			mu.Lock()
			if _, err := fmt.Sscanf(lines.Text(), "stored %d %d", &c.host, &c.nanos); err == nil {
				all = append(all, c)
			} else if _, err := fmt.Sscanf(lines.Text(), "now %d", &now); err != nil {
				refused++
			}
			mu.Unlock()
		}
	}()
	count := func(of func() int64) int64 { mu.Lock(); defer mu.Unlock(); return of() }
	stored := func() int64 { return int64(len(all)) }
	for range fewOr(t, 4, fullRoundsEnv) {
		before := count(stored)
		eventually(t, "snapshots are stored", func() error {
			select {
			case <-read:
				t.Fatal("the store has ended")
			default:
			}
			if count(stored) < before+20+rand.Int64N(100) {
				return errors.New("too few")
			}
			return nil
		})
		before = count(func() int64 { return refused })
		eventually(t, "snapshots are refused", func() error {
			fill(t, others, 0) // the store gives room back meanwhile
			select {
			case <-read:
				t.Fatal("the store has ended")
			default:
			}
			if count(func() int64 { return refused }) < before+50 {
				return errors.New("too few")
			}
			return nil
		})
		must(t, os.Remove(others))
	}
	must(t, stdin.Close())
	<-read
	must(t, cmd.Wait())
	s := openStore(t, dir, func(o *storage.Options) {
		o.Clock, o.Retention = func() time.Time { return time.Unix(0, now) }, 12*time.Hour
	})
	kept := 0
	for _, c := range all {
		if c.nanos < now-int64(12*time.Hour) {
			continue
		}
		kept++
		want := (&crashWork{noise: 10_000}).record(c)
		if v, err := s.At(t.Context(), c.hostName(), want.Snapshot.Timestamp); err != nil || !reflect.DeepEqual(want, v.Record) {
			t.Fatalf("%s at %s is lost: %v", c.hostName(), want.Snapshot.Timestamp, err)
		}
	}
	t.Logf("%d snapshots stored, %d of them kept, %d refused", len(all), kept, refused)
	if d := s.Damage(); len(d) > 0 {
		t.Errorf("damage: %v", d)
	}
}
