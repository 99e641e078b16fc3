package storage_test

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon/storage"
)

func TestRewrittenAreThoseWhoseKeysOverlap(t *testing.T) {
	table := func(level int, left, right string, size uint32) badger.TableInfo {
		return badger.TableInfo{Level: level, Left: []byte(left), Right: []byte(right), OnDiskSize: size}
	}
	below := []badger.TableInfo{
		table(5, "a", "c", 1000), table(5, "d", "e", 2000), table(5, "f", "h", 4000), table(5, "k", "l", 8000), table(6, "a", "z", 16000),
	}
	for _, test := range []struct {
		name string
		top  []badger.TableInfo
		want int64
	}{
		{"none", nil, 0},
		{"beside all", []badger.TableInfo{table(0, "m", "n", 1)}, 1},
		{"within one", []badger.TableInfo{table(0, "f1", "g", 1)}, 4001},
		{"two that touch what is between them", []badger.TableInfo{table(0, "f", "f", 1), table(0, "b", "b", 2)}, 7003},
		{"at the ends of two", []badger.TableInfo{table(0, "e", "f", 1)}, 6001},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := storage.Rewritten(append(test.top, below...), 5); got != test.want {
				t.Errorf("%d bytes, want %d", got, test.want)
			}
		})
	}
}

// TestNothingIsStoredWhileNewTablesWaitForRoom: Badger would stop without a word, sooner or later.
func TestNothingIsStoredWhileNewTablesWaitForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, filepath.Join(t.TempDir(), "data"))
		appendAll(t, s, record("a", time.Minute))
		time.Sleep(2500 * time.Millisecond) // of the bubble: between two looks of the store
		storage.Behind(s, true)
		if err := s.Append(t.Context(), record("a", 0)); !errors.Is(err, storage.ErrFull) {
			t.Errorf("got %v", err)
		}
		// The store finds out by itself that nothing waits any more.
		time.Sleep(2 * time.Second)
		appendAll(t, s, record("a", 0))
	})
}
