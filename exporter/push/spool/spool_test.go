package spool_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/procmon/procmon/exporter/push/spool"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childSpool); path != "" {
		os.Exit(child(path))
	}
	goleak.VerifyTestMain(m)
}

// directory returns one that is removed file by file: Wine cannot do what t.TempDir does.
func directory(t testing.TB) string {
	t.Helper()
	parent, err := os.MkdirTemp("", "spool")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(parent, "a", "b")
	t.Cleanup(func() {
		for _, name := range list(t, path) {
			os.Remove(filepath.Join(path, name))
		}
		for _, dir := range []string{path, filepath.Dir(path), parent} {
			if err := os.Remove(dir); err != nil && !os.IsNotExist(err) {
				t.Error(err)
			}
		}
	})
	return path
}

func list(t testing.TB, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// files returns the files of snapshots, oldest first.
func files(t testing.TB, path string) (names []string) {
	t.Helper()
	for _, name := range list(t, path) {
		if strings.HasSuffix(name, ".spool") {
			names = append(names, filepath.Join(path, name))
		}
	}
	return names
}

func open(t testing.TB, o spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSpool(t, s) })
	return s
}

func closeSpool(t testing.TB, s *spool.Spool) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func put(t testing.TB, s *spool.Spool, snapshots ...string) {
	t.Helper()
	for _, text := range snapshots {
		if err := s.Put([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
}

// drain takes out all that is in s.
func drain(s *spool.Spool) (got []string) {
	for {
		e, ok := s.Oldest(nil)
		if !ok {
			return got
		}
		got = append(got, string(e.JSON))
		s.Done(e)
	}
}

// numbered returns snapshots s0, s1, …
func numbered(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf(`{"hostname":"win-07","n":%d}`, i))
	}
	return out
}

func TestOldestFirst(t *testing.T) {
	for _, test := range []struct {
		name string
		path bool
	}{{"on disk", true}, {"in memory", false}} {
		t.Run(test.name, func(t *testing.T) {
			o := spool.Options{}
			if test.path {
				o.Path = directory(t)
			}
			s := open(t, o)
			if _, ok := s.Oldest(nil); ok {
				t.Error("there is something in a new spool")
			}
			want := numbered(50)
			put(t, s, want[:30]...)
			select {
			case <-s.Filled():
			default:
				t.Error("nobody is told")
			}
			e, _ := s.Oldest([]byte("before:"))
			if got := string(e.JSON); got != "before:"+want[0] {
				t.Errorf("got %s", got)
			}
			s.Done(e)
			s.Done(e) // of what is done already
			put(t, s, want[30:]...)
			if got := s.Stats(); got.Waiting != 49 || got.Bytes == 0 || time.Since(got.Oldest) > time.Minute || got.Oldest.After(time.Now()) {
				t.Errorf("got %+v", got)
			}
			if diff := cmp.Diff(want[1:], drain(s)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(spool.Stats{}, s.Stats()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOutlivesTheProcess(t *testing.T) {
	o := spool.Options{Path: directory(t)}
	want := numbered(60)
	put, taken := 0, 0
	// Every number of put and taken ones, before and after the end of a file.
	for _, step := range []struct{ put, take int }{{1, 0}, {2, 1}, {16, 3}, {0, 13}, {20, 7}, {1, 9}, {5, 12}, {0, 0}} {
		s, err := spool.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Stats().Waiting; got != put-taken {
			t.Errorf("after %d put and %d taken ones %d wait", put, taken, got)
		}
		for range step.put {
			if err := s.Put([]byte(want[put])); err != nil {
				t.Fatal(err)
			}
			put++
		}
		for range step.take {
			e, ok := s.Oldest(nil)
			if !ok || string(e.JSON) != want[taken] {
				t.Fatalf("got %q, %v, want %q", e.JSON, ok, want[taken])
			}
			s.Done(e)
			taken++
		}
		closeSpool(t, s)
	}
	if diff := cmp.Diff([]string{"delivered", "lock"}, list(t, o.Path)); put == taken && diff != "" {
		t.Error(diff)
	}
	if put != taken {
		t.Errorf("%d were put and %d taken", put, taken)
	}
}

func TestOneProcessUsesIt(t *testing.T) {
	o := spool.Options{Path: directory(t)}
	first := open(t, o)
	_, err := spool.Open(o)
	if want := "open the spool " + o.Path + ": another process uses it; every procmon-exporter needs a directory of its own"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	closeSpool(t, first)
	open(t, o)
	if runtime.GOOS == "windows" {
		return
	}
	for name, want := range map[string]os.FileMode{o.Path: 0o700, filepath.Join(o.Path, "lock"): 0o600} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has %v (%v), want %v", name, info.Mode(), err, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	path := directory(t)
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(path, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		spool.Options
		want string
	}{
		{"size", spool.Options{MaxSize: 1000}, "the spool's largest size of 1000 bytes is too small; the smallest is 1MiB"},
		{"age", spool.Options{MaxAge: time.Second}, "the spool's longest age 1s is too short; the shortest is 1m"},
		{"file", spool.Options{Path: file}, "create the spool: mkdir " + file},
	} {
		t.Run(test.name, func(t *testing.T) {
			if s, err := spool.Open(test.Options); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v and %v, want %s", s, err, test.want)
			}
		})
	}
}

func TestPutRefuses(t *testing.T) {
	s := open(t, spool.Options{})
	for _, test := range []struct {
		name string
		json []byte
		want string
	}{
		{"empty", nil, "put into the spool: the snapshot is empty"},
		{"large", make([]byte, 64<<20+1), "put into the spool: the snapshot has 67108865 bytes; 67108864 are allowed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := s.Put(test.json); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// noise returns a snapshot that cannot be compressed.
func noise(n, size int) string {
	b := fmt.Appendf(nil, "%06d:", n)
	for x := uint64(n + 1); len(b) < size; {
		x = x*6364136223846793005 + 1442695040888963407
		b = append(b, byte(x>>56))
	}
	return string(b)
}

func TestBounds(t *testing.T) {
	for _, test := range []struct {
		name string
		path bool
		most int64 // bytes
	}{{"on disk", true, spool.MinMaxSize}, {"in memory", false, 4 << 20}} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			o := spool.Options{MaxSize: spool.MinMaxSize, Logger: slog.New(slog.NewTextHandler(&log, nil))}
			if test.path {
				o.Path = directory(t)
			}
			s := open(t, o)
			const n = 300
			for i := range n {
				put(t, s, noise(i, 30_000))
				if got := s.Stats().Bytes; got > test.most {
					t.Fatalf("after %d snapshots it has %d bytes", i+1, got)
				}
				var size int64
				for _, name := range files(t, o.Path) {
					info, err := os.Stat(name)
					if err != nil {
						t.Fatal(err)
					}
					size += info.Size()
				}
				if size > test.most {
					t.Fatalf("after %d snapshots the files have %d bytes", i+1, size)
				}
			}
			stats := s.Stats()
			if int(stats.Dropped)+stats.Waiting != n || stats.Bytes < test.most*3/4 {
				t.Errorf("got %+v", stats)
			}
			if got := strings.Count(log.String(), "drops the oldest"); got != 1 {
				t.Errorf("%d lines about it:\n%s", got, log.String())
			}
			for i, got := range drain(s) {
				if want := noise(i+int(stats.Dropped), 30_000); got != want {
					t.Fatalf("got %.7s, want %.7s", got, want)
				}
			}
		})
	}
}

func TestLargerThanTheSpool(t *testing.T) {
	s := open(t, spool.Options{Path: directory(t), MaxSize: spool.MinMaxSize})
	want := []string{noise(0, 1000), noise(1, 2<<20), noise(2, 1000)}
	put(t, s, want...)
	if diff := cmp.Diff(want, drain(s)); diff != "" {
		t.Error(diff)
	}
}
