package salvage_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/storage/internal/salvage"
)

// files writes some entries with Badger and returns a log and a table that hold them.
func files(t testing.TB) (log, table []byte, entries map[string]string) {
	t.Helper()
	dir := t.TempDir()
	db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil).WithCompression(options.None).
		WithMemTableSize(64 << 10).WithValueThreshold(4 << 10).WithSyncWrites(true))
	if err != nil {
		t.Fatal(err)
	}
	entries = make(map[string]string)
	for i := range 40 {
		key, value := fmt.Sprintf("key-%03d", i), fmt.Sprintf("value of %03d %0*d", i, i%7*50, i)
		entries[key] = value
		if err := db.Update(func(txn *badger.Txn) error { return txn.Set([]byte(key), []byte(value)) }); err != nil {
			t.Fatal(err)
		}
	}
	read := func(pattern string) []byte {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(names) != 1 {
			t.Fatalf("%s: %v, %v", pattern, names, err)
		}
		data, err := os.ReadFile(names[0])
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	log = read("*.mem")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return log, read("*.sst"), entries
}

type reader func([]byte, func(salvage.Entry) (bool, error)) ([]salvage.Finding, error)

// collect returns what a reader finds that is covered by a checksum.
func collect(t testing.TB, read reader, data []byte) (entries map[string]string, findings []salvage.Finding) {
	t.Helper()
	entries = make(map[string]string)
	findings, err := read(data, func(e salvage.Entry) (bool, error) {
		if e.Checked {
			entries[string(e.Key)] = string(e.Value)
		}
		return e.Checked, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries, findings
}

func TestReadWhatBadgerWrote(t *testing.T) {
	log, table, want := files(t)
	for name, file := range map[string]struct {
		read reader
		data []byte
	}{"log": {salvage.ReadLog, log}, "table": {salvage.ReadTable, table}} {
		got, findings := collect(t, file.read, file.data)
		if diff := cmp.Diff(want, got); diff != "" || len(findings) > 0 {
			t.Errorf("%s: %v (-want +got):\n%s", name, findings, diff)
		}
	}
	if problem := salvage.CheckLog(log); problem != "" {
		t.Errorf("a sound log: %s", problem)
	}
}

func TestTableWithoutIndex(t *testing.T) {
	_, table, want := files(t)
	got, findings := collect(t, salvage.ReadTable, table[:len(table)-3])
	if diff := cmp.Diff(want, got); diff != "" || len(findings) == 0 {
		t.Errorf("%v (-want +got):\n%s", findings, diff)
	}
	// With a damaged block in front, the rest is found too.
	broken := slices.Clone(table[:len(table)-3])
	broken[10] ^= 1
	got, _ = collect(t, salvage.ReadTable, broken)
	if len(got) == 0 || len(got) >= len(want) {
		t.Errorf("%d of %d entries are left", len(got), len(want))
	}
	for key := range maps.Keys(got) {
		if got[key] != want[key] {
			t.Errorf("%s: got %q, want %q", key, got[key], want[key])
		}
	}
}

// FuzzReaders changes real files at some place; no reader may panic, and whatever a
// checksum covers was written.
func FuzzReaders(f *testing.F) {
	log, table, want := files(f)
	log = log[:8<<10] // the rest is empty
	f.Add(uint32(30), []byte{0xFF}, uint32(0))
	f.Add(uint32(len(table)-10), []byte{0, 0, 0, 0, 0, 0, 0xFF}, uint32(5))
	f.Add(uint32(25), []byte{0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3}, uint32(100))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, cut uint32) {
		for _, file := range []struct {
			read reader
			data []byte
		}{{salvage.ReadLog, log}, {salvage.ReadTable, table}} {
			data := slices.Clone(file.data)
			copy(data[int(at)%len(data):], patch)
			data = data[:len(data)-int(cut)%len(data)]
			salvage.CheckLog(data)
			got, _ := collect(t, file.read, data)
			for key, value := range got {
				if want[key] != value {
					t.Fatalf("%q: got %q, which was not written", key, value)
				}
			}
		}
	})
}
