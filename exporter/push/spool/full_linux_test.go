package spool_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/procmon/procmon/exporter/push/spool"
)

// smallDisk mounts a file system of 1 MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	path := t.TempDir()
	err := unix.Mount("tmpfs", path, "tmpfs", 0, "size=1m")
	if errors.Is(err, unix.EPERM) && (os.Geteuid() != 0 || os.Getenv("CI") != "true") {
		t.Skip("only root mounts a file system: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return path
}

// fill takes all room that is left and returns a function that gives it back.
func fill(t *testing.T, disk string) (free func()) {
	t.Helper()
	name := filepath.Join(disk, "ballast")
	err := os.WriteFile(name, make([]byte, 2<<20), 0o600)
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func snapshots(from, to int) (out []string) {
	for i := from; i < to; i++ {
		out = append(out, noise(i, 20_000))
	}
	return out
}

func TestDiskFull(t *testing.T) {
	disk := smallDisk(t)
	var log bytes.Buffer
	o := spool.Options{Path: filepath.Join(disk, "spool"), Logger: slog.New(slog.NewTextHandler(&log, nil))}
	s := open(t, o)
	put(t, s, snapshots(0, 5)...)
	free := fill(t, disk)
	put(t, s, snapshots(5, 25)...) // some end in the middle of a page
	if got := s.Stats(); got.Waiting != 25 || got.Dropped != 0 {
		t.Errorf("got %+v", got)
	}
	if got := strings.Count(log.String(), "cannot write to disk"); got != 1 || !strings.Contains(log.String(), "no space left on device") {
		t.Errorf("the log is %s", log.String())
	}
	// It is delivered from while it is full.
	for i := range 3 {
		e, ok := s.Oldest(nil)
		if want := noise(i, 20_000); !ok || string(e.JSON) != want {
			t.Fatalf("got %.7s, want %.7s", e.JSON, want)
		}
		s.Done(e)
	}
	// What is delivered just when it goes from memory to disk is not delivered again.
	free()
	put(t, s, snapshots(25, 30)...)
	if got := strings.Count(log.String(), "takes snapshots to disk again"); got != 1 {
		t.Errorf("the log is %s", log.String())
	}
	closeSpool(t, s)
	s = open(t, o)
	if diff := cmp.Diff(snapshots(3, 30), drain(s)); diff != "" {
		t.Error(diff)
	}
	if got := s.Stats(); got.Damaged != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestMovedToDiskWhileDelivered(t *testing.T) {
	disk := smallDisk(t)
	s := open(t, spool.Options{Path: filepath.Join(disk, "spool")})
	free := fill(t, disk)
	put(t, s, snapshots(0, 3)...)
	e, _ := s.Oldest(nil)
	free()
	put(t, s, snapshots(3, 4)...)
	s.Done(e)
	if diff := cmp.Diff(snapshots(1, 4), drain(s)); diff != "" {
		t.Error(diff)
	}
}

// TestDiskFullForLong says that the oldest give way when memory is full too.
func TestDiskFullForLong(t *testing.T) {
	disk := smallDisk(t)
	s := open(t, spool.Options{Path: filepath.Join(disk, "spool")})
	const n = 500
	put(t, s, snapshots(0, n)...)
	stats := s.Stats()
	if stats.Waiting < 200 || stats.Waiting+int(stats.Dropped) != n {
		t.Errorf("got %+v", stats)
	}
	if diff := cmp.Diff(snapshots(int(stats.Dropped), n), drain(s)); diff != "" {
		t.Error(diff)
	}
}

// TestOpenOnFullDisk begins without even a directory.
func TestOpenOnFullDisk(t *testing.T) {
	disk := smallDisk(t)
	entries := 0
	for ; ; entries++ { // a tmpfs is full for directories when it has no inodes left
		if err := os.Mkdir(filepath.Join(disk, "d"+strings.Repeat("x", entries%200)+string(rune('0'+entries/200%10))+string(rune('a'+entries/2000))), 0o700); err != nil {
			if !errors.Is(err, unix.ENOSPC) {
				t.Fatal(err)
			}
			break
		}
		if entries == 10_000 {
			t.Skip("the disk takes any number of directories")
		}
	}
	path := filepath.Join(disk, "spool")
	s := open(t, spool.Options{Path: path})
	put(t, s, "a", "b")
	if err := os.Remove(filepath.Join(disk, "d0a")); err != nil {
		t.Fatal(err)
	}
	put(t, s, "c")
	for _, name := range list(t, disk) {
		os.Remove(filepath.Join(disk, name))
	}
	put(t, s, "d")
	if len(files(t, path)) != 1 {
		t.Errorf("it has %v", list(t, path))
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d"}, drain(s)); diff != "" {
		t.Error(diff)
	}
}
