package spool_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/exporter/push/spool"
)

// small are so small that every byte of a file can be tried.
func small(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf(`{"hostname":"win-07","processes":[{"pid":4,"name":"System","cpu_seconds":%d.25}]}`, i*i))
	}
	return out
}

// twoFiles makes a spool of a file with 16 snapshots and one with 4, and returns them.
func twoFiles(t *testing.T, o spool.Options) (snapshots []string, first, second string) {
	t.Helper()
	s, err := spool.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	snapshots = small(20)
	put(t, s, snapshots...)
	closeSpool(t, s)
	names := files(t, o.Path)
	if len(names) != 2 {
		t.Fatalf("it has the files %v", names)
	}
	return snapshots, names[0], names[1]
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// within reports whether part is want without some of it, in order.
func within(part, want []string) bool {
	for _, p := range part {
		i := slices.Index(want, p)
		if i < 0 {
			return false
		}
		want = want[i+1:]
	}
	return true
}

// TestEveryByteDamaged flips each byte of a file in turn, and cuts it there.
func TestEveryByteDamaged(t *testing.T) {
	path := directory(t)
	want, first, second := twoFiles(t, spool.Options{Path: path})
	whole, other := read(t, first), read(t, second)
	step := 1
	if testing.Short() {
		step = 17
	}
	for at := 0; at < len(whole); at += step {
		for name, damaged := range map[string][]byte{
			"flipped": append(append(slices.Clone(whole[:at]), whole[at]^0x10), whole[at+1:]...),
			"cut":     whole[:at],
		} {
			os.Remove(filepath.Join(path, "delivered"))
			write(t, first, damaged)
			write(t, second, other)
			var log bytes.Buffer
			s, err := spool.Open(spool.Options{Path: path, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatalf("%s at %d: %v", name, at, err)
			}
			got := drain(s)
			stats := s.Stats()
			closeSpool(t, s)
			if !within(got, want) || len(got) < 4 || cmp.Diff(want[16:], got[len(got)-4:]) != "" {
				t.Fatalf("%s at %d: got %q", name, at, got)
			}
			// A cut between two snapshots cannot be seen.
			if lost := len(got) < len(want); lost && stats.Damaged != 1 && name == "flipped" {
				t.Errorf("%s at %d: %d of %d are lost, and the stats are %+v", name, at, len(want)-len(got), len(want), stats)
			}
			if n := strings.Count(log.String(), "a file of the spool is damaged"); n != int(stats.Damaged) || n > 1 || n == 1 && !strings.Contains(log.String(), filepath.Base(first)) {
				t.Errorf("%s at %d: %d damaged files, and the log is %s", name, at, stats.Damaged, log.String())
			}
			if left := list(t, path); len(left) != 2 {
				t.Fatalf("%s at %d: %v are left", name, at, left)
			}
		}
	}
}

// TestDamageCostsItself says how much each kind of damage may cost.
func TestDamageCostsItself(t *testing.T) {
	const header, record = 16, 24
	for _, test := range []struct {
		name   string
		damage func(file []byte, records []int) []byte
		lost   []int // of the first 16
	}{
		{"nothing", func(b []byte, _ []int) []byte { return b }, nil},
		{"a byte of the sixth", func(b []byte, at []int) []byte { b[at[5]+record+8] ^= 1; return b }, []int{5}},
		{"a byte of the last", func(b []byte, at []int) []byte { b[at[15]+record+8] ^= 1; return b }, []int{15}},
		{"a byte of the first", func(b []byte, at []int) []byte { b[at[0]+record+8] ^= 1; return b }, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
		{"the length of the thirteenth", func(b []byte, at []int) []byte { b[at[12]] ^= 1; return b }, []int{12, 13, 14, 15}},
		{"the end", func(b []byte, _ []int) []byte { return b[:len(b)-1] }, []int{15}},
		{"zeros behind it", func(b []byte, _ []int) []byte { return append(b, make([]byte, 4096)...) }, nil},
		{"two snapshots", func(b []byte, at []int) []byte { b[at[5]+record+8] ^= 1; b[at[9]+record+8] ^= 1; return b }, []int{5, 9}},
		{"everything", func([]byte, []int) []byte { return []byte("not one of ours, but as long as one") }, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			o := spool.Options{Path: directory(t), Logger: slog.New(slog.NewTextHandler(&log, nil))}
			want, first, _ := twoFiles(t, o)
			b := read(t, first)
			var records []int
			for at := header; at < len(b); at += record + int(binary.LittleEndian.Uint32(b[at:])) {
				records = append(records, at)
			}
			write(t, first, test.damage(b, records))
			for _, i := range slices.Backward(test.lost) {
				want = slices.Delete(want, i, i+1)
			}
			// The first time it is only opened: what is found then is not found again.
			s, err := spool.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			damaged := s.Stats().Damaged
			closeSpool(t, s)
			s = open(t, o)
			if diff := cmp.Diff(want, drain(s)); diff != "" {
				t.Error(diff)
			}
			damaged += s.Stats().Damaged
			if wanted := uint64(1); damaged != wanted && test.name != "nothing" {
				t.Errorf("%d files are damaged, want %d", damaged, wanted)
			}
			if n := strings.Count(log.String(), "a file of the spool is damaged"); n != int(damaged) {
				t.Errorf("%d lines about %d damaged files:\n%s", n, damaged, log.String())
			}
		})
	}
}

func TestNewerFormatIsLeftAlone(t *testing.T) {
	var log bytes.Buffer
	o := spool.Options{Path: directory(t), Logger: slog.New(slog.NewTextHandler(&log, nil))}
	want, first, _ := twoFiles(t, o)
	newer := read(t, first)
	newer[7] = 2
	binary.LittleEndian.PutUint32(newer[12:], crc32.Checksum(newer[:12], crc32.MakeTable(crc32.Castagnoli)))
	write(t, first, newer)
	s := open(t, o)
	put(t, s, "{}")
	if diff := cmp.Diff(append(want[16:], "{}"), drain(s)); diff != "" {
		t.Error(diff)
	}
	if got := s.Stats(); got.Damaged != 0 || got.Dropped != 0 {
		t.Errorf("got %+v", got)
	}
	closeSpool(t, s)
	if diff := cmp.Diff(newer, read(t, first)); diff != "" {
		t.Error(diff)
	}
	if got := log.String(); !strings.Contains(got, "is left alone") || !strings.Contains(got, filepath.Base(first)) ||
		!strings.Contains(got, "it has format 2, written by a newer version; this one reads up to format 1") {
		t.Errorf("the log is %s", got)
	}
}

// TestFilesVanish takes the files away under an open spool.
func TestFilesVanish(t *testing.T) {
	path := directory(t)
	s := open(t, spool.Options{Path: path})
	want := small(40)
	put(t, s, want[:20]...)
	for _, name := range files(t, path) {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, want[20:]...)
	if diff := cmp.Diff(want[20:], drain(s)); diff != "" {
		t.Error(diff)
	}
	if got := s.Stats(); got.Damaged != 2 || got.Waiting != 0 {
		t.Errorf("got %+v", got)
	}
}

func FuzzFile(f *testing.F) {
	path := directory(f)
	s, err := spool.Open(spool.Options{Path: path})
	if err != nil {
		f.Fatal(err)
	}
	put(f, s, small(3)...)
	closeSpool(f, s)
	name := files(f, path)[0]
	whole, err := os.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add([]byte("pmspool\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		os.Remove(filepath.Join(path, "delivered"))
		write(t, name, b)
		s, err := spool.Open(spool.Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, "{}")
		if got := drain(s); len(got) == 0 || got[len(got)-1] != "{}" {
			t.Errorf("got %q", got)
		}
		closeSpool(t, s)
		for _, left := range files(t, path) {
			os.Remove(left)
		}
	})
}

func FuzzDecode(f *testing.F) {
	encode, decode := spool.Coder()
	base := []byte(strings.Repeat(small(1)[0], 4000))
	payload, err := encode(base, base[100:])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(base, payload, len(base)-100)
	f.Add([]byte(nil), payload, 10)
	f.Fuzz(func(t *testing.T, base, payload []byte, size int) {
		if size < 0 || size > 1<<20 {
			return
		}
		if got, err := decode(base, payload, size); err == nil && len(got) != size {
			t.Errorf("got %d bytes, want %d", len(got), size)
		}
	})
}

func FuzzCoder(f *testing.F) {
	encode, decode := spool.Coder()
	f.Add([]byte(`{"pid":4}`), []byte(`{"pid":5}`), uint16(100))
	f.Add([]byte(nil), []byte(`{}`), uint16(60000))
	f.Add([]byte(strings.Repeat("ab", 200)), []byte("x"), uint16(1))
	f.Fuzz(func(t *testing.T, base, json []byte, times uint16) {
		if len(json)*int(times) == 0 || len(json)*int(times) > 1<<20 || len(base)*int(times) > 1<<20 {
			return
		}
		json = bytes.Repeat(json, int(times))
		base = bytes.Repeat(base, int(times)/2)
		if len(base) == 0 {
			base = nil
		}
		payload, err := encode(base, json)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(base, payload, len(json))
		if err != nil || !bytes.Equal(got, json) {
			t.Errorf("got %d bytes (%v), want %d", len(got), err, len(json))
		}
	})
}
