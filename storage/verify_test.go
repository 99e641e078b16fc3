package storage_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/procmon/procmon/storage"
)

// problems returns what Verify finds, one a line.
func problems(t testing.TB, s *storage.Store) (storage.Verified, string) {
	t.Helper()
	var lines []string
	v, err := s.Verify(t.Context(), func(d storage.Damage) { lines = append(lines, d.Object+": "+d.Problem) })
	must(t, err)
	if int(v.Problems) != len(lines) {
		t.Errorf("%d problems, of which %d were named", v.Problems, len(lines))
	}
	return v, strings.Join(lines, "\n")
}

func TestVerifyReadsEverything(t *testing.T) {
	t.Parallel()
	records := fleetRecords(2, 3)
	s := filled(t, filepath.Join(t.TempDir(), "data"), records...)
	v, found := problems(t, s)
	if found != "" || v.Leftovers != 0 {
		t.Errorf("a sound store: %s; %d leftovers", found, v.Leftovers)
	}
	samples := int64(0)
	for _, list := range content(t, s) {
		for _, r := range list {
			samples += int64(len(r.Snapshot.Processes))
		}
	}
	if v.Snapshots != int64(len(records)+1) || v.ProcessSamples != samples || v.Blocks == 0 || v.Steps == 0 {
		t.Errorf("read %+v; there are %d snapshots with %d processes", v, len(records)+1, samples)
	}
}

// TestVerifyNames changes values as no crash would, behind the back of all checksums of files.
func TestVerifyNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	must(t, filled(t, dir, fleetRecords(2, 3)...).Close())
	last := func(prefix byte) func(*badger.Txn) []byte {
		return func(txn *badger.Txn) (key []byte) {
			it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefix}})
			defer it.Close()
			for it.Rewind(); it.Valid(); it.Next() {
				if k := it.Item().KeyCopy(nil); strings.Contains(string(k), "win-host-000") {
					key = k
				}
			}
			return key
		}
	}
	for _, test := range []struct {
		name   string
		change func(txn *badger.Txn) error
		want   []string
	}{
		{"a block", func(txn *badger.Txn) error { return flipValue(txn, last('b')(txn)) },
			[]string{"the block of win-host-000@2026-11-22T00:00", "damaged"}},
		{"a step", func(txn *badger.Txn) error { return flipValue(txn, last('t')(txn)) },
			[]string{"the snapshot of win-host-000@2026-11-22T02:59", "the checksum of the step is wrong"}},
		{"a note that is missing", func(txn *badger.Txn) error {
			it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte("hwin-host-000")})
			defer it.Close()
			it.Rewind()
			return txn.Delete(it.Item().KeyCopy(nil))
		}, []string{`what "win-host-000" has from 2026-11-22T00:00Z on: it is not noted`}},
		{"a key of somebody else", func(txn *badger.Txn) error { return txn.Set([]byte("zebra"), nil) },
			[]string{`the key "zebra": it is none of ours`}},
		{"a part that is missing", func(txn *badger.Txn) error {
			it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{'t'}})
			defer it.Close()
			for it.Rewind(); it.Valid(); it.Next() {
				if it.Item().ValueSize() == 512<<10 {
					return txn.Delete(it.Item().KeyCopy(nil))
				}
			}
			t.Fatal("there is no part")
			return nil
		}, []string{"big@", "part 1 of"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			damaged := filepath.Join(t.TempDir(), "data")
			must(t, os.CopyFS(damaged, os.DirFS(dir)))
			db, err := badger.Open(badger.DefaultOptions(filepath.Join(damaged, "db")).WithLogger(nil).WithCompression(options.None))
			must(t, err)
			must(t, db.Update(test.change))
			must(t, db.Close())
			_, found := problems(t, openStore(t, damaged))
			for _, want := range test.want {
				if !strings.Contains(found, want) {
					t.Errorf("got %q, want %q", found, want)
				}
			}
			if n := strings.Count(found, "\n"); n > 0 {
				t.Errorf("more than one problem:\n%s", found)
			}
		})
	}
}

// flipValue changes a bit in the middle of a value.
func flipValue(txn *badger.Txn, key []byte) error {
	item, err := txn.Get(key)
	if err != nil {
		return err
	}
	value, err := item.ValueCopy(nil)
	if err != nil {
		return err
	}
	value[len(value)/2] ^= 1
	return txn.Set(key, value)
}

func TestVerifyFilesNamesAndChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	must(t, filled(t, dir, fleetRecords(1, 3)...).Close())
	verify := func() (storage.Verified, string) {
		t.Helper()
		var lines []string
		before := files(t, dir)
		v, err := storage.VerifyFiles(dir, func(d storage.Damage) { lines = append(lines, d.Object+": "+d.Problem) })
		must(t, err)
		if !maps.Equal(before, files(t, dir)) {
			t.Error("verify changed files")
		}
		return v, strings.Join(lines, "\n")
	}
	v, found := verify()
	if found != "" || v.Tables == 0 || v.FileBytes == 0 {
		t.Errorf("sound files: %+v %s", v, found)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "db", "*.sst"))
	must(t, err)
	data, err := os.ReadFile(tables[0])
	must(t, err)
	for _, at := range []int{len(data) / 3, len(data) - 40} {
		bad := []byte(string(data))
		bad[at] ^= 4
		must(t, os.WriteFile(tables[0], bad, 0o600))
		v, found := verify()
		if v.Problems == 0 || !strings.Contains(found, filepath.Base(tables[0])) {
			t.Errorf("byte %d: found %q", at, found)
		}
		t.Log(found)
	}
	must(t, os.Remove(tables[0]))
	if _, found := verify(); !strings.Contains(found, filepath.Base(tables[0])+": it is missing") {
		t.Errorf("a table that is missing: %q", found)
	}
}

// files returns the content of all files in the database of dir.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	entries, err := os.ReadDir(filepath.Join(dir, "db"))
	must(t, err)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, "db", e.Name()))
		must(t, err)
		all[e.Name()] = string(data)
	}
	return all
}
