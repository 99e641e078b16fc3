package storage_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
)

// history fills s with snapshots of large and small hosts and returns them. Those of the
// large ones stand in two slots each, and change by a few kilobytes from one to the next.
func history(t testing.TB, s *storage.Store) []procmon.Record {
	t.Helper()
	var all []procmon.Record
	for i := range 2 {
		h := workload.New(1, i)
		for range historySlot + 4 {
			all = append(all, noisy(h.Record(), 3000))
		}
	}
	for i := range 60 {
		all = append(all, record("small", time.Duration(i)*time.Minute))
	}
	appendTogether(t, s, all...)
	return all
}

// historySlot is how many snapshots of a large host are in its first slot.
const historySlot = 5 * 60 / workload.Step

// noisy gives r a command line of so many random bytes, in hex.
func noisy(r procmon.Record, bytes int) procmon.Record {
	r.Snapshot.Processes[0].Cmdline = procmon.Some(noise(procmon.SnapshotID(r.Host, r.Snapshot.Timestamp), bytes))
	return r
}

// noise returns so many random bytes in hex, the same for the same seed, of which at most the
// first 32 bytes count.
func noise(seed string, bytes int) string {
	var key [32]byte
	copy(key[:], seed)
	b := make([]byte, bytes)
	_, _ = rand.NewChaCha8(key).Read(b) // never fails
	return hex.EncodeToString(b)
}

// sound is a closed store with a history.
func sound(t *testing.T) (dir string, all []procmon.Record) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "sound")
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, dir)
		all = history(t, s)
		must(t, s.Close())
	})
	return dir, all
}

// cutShort is a store as a crash leaves it: everything is in a log.
func cutShort(t *testing.T) (dir string, all []procmon.Record) {
	t.Helper()
	live := filepath.Join(t.TempDir(), "live")
	dir = filepath.Join(t.TempDir(), "cut")
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, live)
		all = history(t, s)
		copyDir(t, live, dir)
	})
	return dir, all
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// only returns the one file in the database of dir that matches.
func only(t *testing.T, dir, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "db", pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("no %s in %s (%v)", pattern, dir, err)
	}
	largest := slices.MaxFunc(names, func(a, b string) int { return int(fileSize(t, a) - fileSize(t, b)) })
	return largest
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func flip(t *testing.T, path string, offset int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], offset); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := f.WriteAt(b[:], offset); err != nil {
		t.Fatal(err)
	}
}

// missing returns which of all cannot be read back; what can must be equal.
func missing(t *testing.T, s *storage.Store, all []procmon.Record) (ids []string) {
	t.Helper()
	for _, r := range all {
		v, err := s.At(t.Context(), r.Host, r.Snapshot.Timestamp)
		if err != nil && !errors.Is(err, procmon.ErrNotFound) {
			t.Fatal(err)
		}
		if err != nil || !v.Snapshot.Timestamp.Equal(r.Snapshot.Timestamp) {
			ids = append(ids, procmon.SnapshotID(r.Host, r.Snapshot.Timestamp))
			continue
		}
		if !reflect.DeepEqual(r, v.Record) { // much faster than cmp
			t.Fatalf("%s (-want +got):\n%s", procmon.SnapshotID(r.Host, r.Snapshot.Timestamp), cmp.Diff(r, v.Record))
		}
	}
	return ids
}

func objects(s *storage.Store) (names []string) {
	for _, d := range s.Damage() {
		names = append(names, d.Object)
	}
	return names
}

// TestFlippedByte flips bytes all over the files. One in a step costs what follows it in its
// segment, one in a block that block; it is named, and all others are served.
func TestFlippedByte(t *testing.T) {
	t.Parallel()
	for _, kind := range []struct {
		name    string
		make    func(*testing.T) (string, []procmon.Record)
		pattern string
	}{
		{"table", sound, "*.sst"},
		{"log", cutShort, "*.mem"},
		{"blocks", sealed, "*.sst"},
	} {
		dir, all := kind.make(t)
		data, err := os.ReadFile(only(t, dir, kind.pattern))
		must(t, err)
		const flips = 10
		size := int64(len(strings.TrimRight(string(data), "\x00")))
		var some atomic.Int32
		t.Run(kind.name, func(t *testing.T) {
			for i := range int64(flips) {
				offset := 20 + i*(size-21)/(flips-1)
				t.Run(fmt.Sprint(offset), func(t *testing.T) {
					t.Parallel()
					if flipped(t, dir, kind.pattern, offset, all) > 0 {
						some.Add(1)
					}
				})
			}
		})
		if some.Load() == 0 {
			t.Errorf("%s: no flip cost a snapshot; the test says nothing", kind.name)
		}
	}
}

// flipped flips a byte in a copy of dir and returns how many snapshots that costs.
func flipped(t *testing.T, dir, pattern string, offset int64, all []procmon.Record) int {
	t.Helper()
	damaged := filepath.Join(t.TempDir(), "data")
	copyDir(t, dir, damaged)
	flip(t, only(t, damaged, pattern), offset)
	s := openStore(t, damaged)
	lost := missing(t, s, all)
	if len(s.Damage()) == 0 {
		t.Error("damage was not noticed")
	}
	checkLost(t, s, lost)
	must(t, s.Seal(t.Context()))
	must(t, s.Close())

	s = openStore(t, damaged)
	if again := missing(t, s, all); !slices.Equal(again, lost) {
		t.Errorf("after opening again %v are lost, before %v", again, lost)
	}
	return len(lost)
}

// sealed is a closed store in which everything is in blocks.
func sealed(t *testing.T) (dir string, all []procmon.Record) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "sealed")
	synctest.Test(t, func(t *testing.T) {
		clock := &testClock{}
		clock.set(noon)
		s := openStore(t, dir, func(o *storage.Options) { o.Clock = clock.now })
		all = history(t, s)
		clock.set(noon.Add(24 * time.Hour))
		must(t, s.Seal(t.Context()))
		if n := storage.Singles(t, s); n > 0 {
			t.Fatalf("%d snapshots are in no block", n)
		}
		must(t, s.Close())
	})
	return dir, all
}

func hostOfID(id string) string {
	host, _, _ := strings.Cut(id, "@")
	return host
}

// checkLost makes sure that what is lost is of one host, and that its block is named.
func checkLost(t *testing.T, s *storage.Store, lost []string) {
	t.Helper()
	for _, id := range lost {
		if hostOfID(id) != hostOfID(lost[0]) {
			t.Errorf("%s is lost and so is %s, of another block", id, lost[0])
		}
	}
	named := func(object string) bool {
		return strings.HasPrefix(object, "the block of "+hostOfID(lost[0])+"@") || slices.Contains(lost, object)
	}
	if len(lost) > 0 && !slices.ContainsFunc(objects(s), named) {
		t.Errorf("%d snapshots of %s are lost; the damage is %v", len(lost), hostOfID(lost[0]), s.Damage())
	}
}

func TestDamagedFiles(t *testing.T) {
	truncate := func(pattern string, keep func(size int64) int64) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := only(t, dir, pattern)
			if err := os.Truncate(path, keep(fileSize(t, path))); err != nil {
				t.Fatal(err)
			}
		}
	}
	to := func(n int64) func(int64) int64 { return func(int64) int64 { return n } }
	half := func(size int64) int64 { return size / 2 }
	less := func(n int64) func(int64) int64 { return func(size int64) int64 { return size - n } }
	remove := func(pattern string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(only(t, dir, pattern)); err != nil {
				t.Fatal(err)
			}
		}
	}
	flipAt := func(pattern string, offset int64) func(*testing.T, string) {
		return func(t *testing.T, dir string) { flip(t, only(t, dir, pattern), offset) }
	}
	const everything = -1
	soundDir, soundAll := sound(t)
	cutDir, cutAll := cutShort(t)
	for _, test := range []struct {
		name    string
		cut     bool // take the store that was cut short
		damage  func(*testing.T, string)
		most    int // that may be lost
		silent  bool
		refused string
	}{
		{name: "table truncated to half", damage: truncate("*.sst", half), most: 108}, // all behind the first host
		{name: "table without its last byte", damage: truncate("*.sst", less(1)), most: 0},
		{name: "table empty", damage: truncate("*.sst", to(0)), most: everything},
		{name: "table missing", damage: remove("*.sst"), most: everything},
		{name: "manifest missing", damage: remove("MANIFEST")},
		{name: "manifest empty", damage: truncate("MANIFEST", to(0))},
		{name: "manifest with header only", damage: truncate("MANIFEST", to(8)), silent: true},
		{name: "manifest truncated", damage: truncate("MANIFEST", less(1))},
		{name: "manifest truncated early", damage: truncate("MANIFEST", to(20))},
		{name: "manifest magic flipped", damage: flipAt("MANIFEST", 1)},
		{name: "manifest version flipped", damage: flipAt("MANIFEST", 7)},
		{name: "manifest length flipped", damage: flipAt("MANIFEST", 10)},
		{name: "manifest change flipped", damage: flipAt("MANIFEST", 18)},
		{name: "key registry missing", damage: remove("KEYREGISTRY"), silent: true},
		{name: "key registry flipped", damage: flipAt("KEYREGISTRY", 20), silent: true},
		{name: "key registry truncated", damage: truncate("KEYREGISTRY", half), silent: true},
		{name: "discard statistics truncated", damage: truncate("DISCARD", to(10)), silent: true},
		{name: "discard statistics missing", damage: remove("DISCARD"), silent: true},
		{name: "value log flipped", damage: flipAt("*.vlog", 3), silent: true},
		{name: "value log empty", damage: truncate("*.vlog", to(0)), silent: true},
		{name: "value log missing", damage: remove("*.vlog"), silent: true},
		{name: "log truncated", cut: true, damage: truncate("*.mem", to(100_000)), most: everything},
		{name: "log empty", cut: true, damage: truncate("*.mem", to(0)), most: everything},
		{
			name: "log just made", cut: true, silent: true,
			damage: func(t *testing.T, dir string) {
				must(t, os.WriteFile(filepath.Join(dir, "db", "00099.mem"), nil, 0o600))
			},
		},
		{name: "log header flipped", cut: true, damage: flipAt("*.mem", 5)},
		{name: "manifest missing after a crash", cut: true, damage: remove("MANIFEST")},
		{
			name:    "database missing",
			damage:  func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, "db"))) },
			refused: "is gone: restore it, or remove",
		},
		{
			name: "database emptied but for trifles",
			damage: func(t *testing.T, dir string) {
				remove("*.sst")(t, dir)
				remove("MANIFEST")(t, dir)
			},
			refused: "has lost its files: restore a backup there, or remove",
		},
		{
			name:    "marker missing",
			damage:  func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "procmon-storage"))) },
			refused: `the directory is not empty ("db") and not a procmon storage`,
		},
		{
			name: "marker damaged",
			damage: func(t *testing.T, dir string) {
				must(t, os.WriteFile(filepath.Join(dir, "procmon-storage"), []byte("format x"), 0o600))
			},
			refused: `the file procmon-storage is damaged`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			from, all := soundDir, soundAll
			if test.cut {
				from, all = cutDir, cutAll
			}
			dir := filepath.Join(t.TempDir(), "data")
			copyDir(t, from, dir)
			test.damage(t, dir)
			s, err := tryOpen(t, dir)
			if test.refused != "" {
				if err == nil || !strings.Contains(err.Error(), test.refused) || strings.Contains(err.Error(), "\n") {
					t.Fatalf("got %v, want one line with %q", err, test.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			lost := missing(t, s, all)
			if test.most != everything && len(lost) > test.most {
				t.Errorf("lost %d of %d snapshots, want at most %d", len(lost), len(all), test.most)
			}
			if said := len(s.Damage()) > 0; said == test.silent {
				t.Errorf("damage is said: %v (%v); want %v", said, s.Damage(), !test.silent)
			}
			// The store works on.
			more := record("new", 0)
			appendAll(t, s, more)
			must(t, s.Close())
			s = openStore(t, dir)
			if again := missing(t, s, append(all[:len(all):len(all)], more)); !slices.Equal(again, lost) {
				t.Errorf("after opening again %v are lost, before %v", again, lost)
			}
			// What cannot be read is named as long as it is there.
			for _, object := range objects(s) {
				if len(lost) == 0 || !strings.HasPrefix(object, "the block of ") {
					t.Errorf("damage is still there: %v", s.Damage())
				}
			}
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestManyTablesWithoutManifest has more tables than the upper level takes.
func TestManyTablesWithoutManifest(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	var all []procmon.Record
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, dir)
		for i := range 8 {
			h := workload.New(1, i)
			for range 100 {
				all = append(all, noisy(h.Record(), 40_000))
			}
		}
		appendTogether(t, s, all...)
		must(t, s.Close())
	})
	tables, err := filepath.Glob(filepath.Join(dir, "db", "*.sst"))
	must(t, err)
	if len(tables) < 3 {
		t.Fatalf("%d tables; the test says nothing", len(tables))
	}
	must(t, os.Remove(filepath.Join(dir, "db", "MANIFEST")))
	s := openStore(t, dir)
	if lost := missing(t, s, all); len(lost) > 0 {
		t.Errorf("lost %d snapshots", len(lost))
	}
	if got := objects(s); !slices.Equal(got, []string{"MANIFEST"}) {
		t.Errorf("damage %v, want MANIFEST only", got)
	}
}

// TestDamageWhileOpen is noticed when the block is read; others are served.
func TestDamageWhileOpen(t *testing.T) {
	dir, all := sealed(t)
	later := noon.Add(72 * time.Hour) // of the last day the store reads by itself
	s := openStore(t, dir, func(o *storage.Options) { o.Clock = func() time.Time { return later } })
	table := only(t, dir, "*.sst") // mapped into memory, so that the change shows at once
	flip(t, table, fileSize(t, table)/3)
	lost := missing(t, s, all)
	if len(lost) == 0 || len(lost) == len(all) {
		t.Fatalf("%d of %d are lost; the test says nothing", len(lost), len(all))
	}
	checkLost(t, s, lost)
}

// TestLosses are told to who asks a question that passes over what is damaged, each time.
func TestLosses(t *testing.T) {
	dir, all := sealed(t)
	later := noon.Add(72 * time.Hour)
	open := func() *storage.Store {
		return openStore(t, dir, func(o *storage.Options) { o.Clock = func() time.Time { return later } })
	}
	s := open()
	from, to := all[0].Snapshot.Timestamp.Add(-time.Hour), later
	ask := func() map[string][]string {
		t.Helper()
		lost := map[string][]string{}
		for name, question := range map[string]func(context.Context) error{
			"search": func(ctx context.Context) error {
				_, err := s.Search(ctx, procmon.SearchQuery{From: from, To: to, Limit: 1000})
				return err
			},
			"top": func(ctx context.Context) error {
				_, err := s.Top(ctx, procmon.TopQuery{From: from, To: to, By: procmon.TopMemory, Per: procmon.PerHost, Limit: 10})
				return err
			},
			"series": func(ctx context.Context) error {
				hosts, err := s.Hosts(ctx)
				for _, h := range hosts {
					if _, failed := s.Series(ctx, procmon.SeriesQuery{Host: h.Host, From: from, To: to, Step: time.Hour}); failed != nil {
						err = failed
					}
				}
				return err
			},
		} {
			var l procmon.Losses
			must(t, question(procmon.NotingLosses(t.Context(), &l)))
			lost[name] = l.Hosts()
			if (l.Count() == 0) != (len(l.Hosts()) == 0) {
				t.Errorf("%s: %d of %v", name, l.Count(), l.Hosts())
			}
		}
		return lost
	}
	if diff := cmp.Diff(map[string][]string{"search": nil, "top": nil, "series": nil}, ask()); diff != "" {
		t.Fatalf("of a sound store (-want +got):\n%s", diff)
	}
	must(t, s.Close())
	s = open() // which has read nothing
	table := only(t, dir, "*.sst")
	flip(t, table, fileSize(t, table)/3)
	lost := missing(t, s, all)
	if len(lost) == 0 {
		t.Fatal("nothing is lost; the test says nothing")
	}
	want := []string{hostOfID(lost[0])}
	for range 2 {
		if diff := cmp.Diff(map[string][]string{"search": want, "top": want, "series": want}, ask()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
