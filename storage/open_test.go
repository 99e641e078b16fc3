package storage_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o700))
	must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
}

// closed leaves a storage in dir that is not open.
func closed(t *testing.T, dir string) {
	t.Helper()
	must(t, openStore(t, dir).Close())
}

func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(t *testing.T, dir string)
		want string
	}{
		{
			"somebody else's directory",
			func(t *testing.T, dir string) { write(t, dir, "thesis.doc", "all of it") },
			`the directory is not empty ("thesis.doc") and not a procmon storage: choose an empty one`,
		},
		{
			"a file",
			func(t *testing.T, dir string) { write(t, filepath.Dir(dir), filepath.Base(dir), "") },
			"not a directory: choose a directory that this user may write to",
		},
		{
			"open already",
			func(t *testing.T, dir string) { openStore(t, dir) },
			"another process has it open: stop that one, or choose another directory",
		},
		{
			"newer marker",
			func(t *testing.T, dir string) {
				closed(t, dir)
				write(t, dir, "procmon-storage", "format 4\n")
			},
			"it was written by a newer procmon (format 4; this one reads up to 3): use that version, or another directory",
		},
		{
			"newer database",
			func(t *testing.T, dir string) {
				closed(t, dir)
				db, err := badger.Open(badger.DefaultOptions(filepath.Join(dir, "db")).WithLogger(nil).WithCompression(options.None))
				must(t, err)
				must(t, db.Update(func(txn *badger.Txn) error {
					return txn.Set([]byte("f"), binary.BigEndian.AppendUint64(nil, 7))
				}))
				must(t, db.Close())
			},
			"it was written by a newer procmon (format 7; this one reads up to 3): use that version, or another directory",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			test.make(t, dir)
			_, err := tryOpen(t, dir)
			if err == nil || !strings.HasSuffix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q in one line", err, test.want)
			}
		})
	}
}

func TestOpenMakesAPrivateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data")
	openStore(t, dir)
	info, err := os.Stat(dir)
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("mode %o, want 700", info.Mode().Perm())
	}
}

func TestOpenUnwritableDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	parent := t.TempDir()
	must(t, os.Chmod(parent, 0o500))
	_, err := tryOpen(t, filepath.Join(parent, "data"))
	if err == nil || !strings.HasSuffix(err.Error(), "permission denied: choose a directory that this user may write to") {
		t.Errorf("got %v", err)
	}
}

// TestOpenAfterAFirstStartThatWasCutShort begins anew: nothing was stored yet.
func TestOpenAfterAFirstStartThatWasCutShort(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	must(t, os.MkdirAll(filepath.Join(dir, "db"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "procmon-storage"), []byte("new\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "db", "MANIFEST"), []byte("Bd"), 0o600))
	s := openStore(t, dir)
	appendAll(t, s, record("a", 0))
	if d := s.Damage(); len(d) > 0 {
		t.Errorf("damage: %v", d)
	}
}

// TestOlderFormat is opened as it is, and is of this format from then on: an older procmon
// would not understand what is stored now.
func TestOlderFormat(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	closed(t, dir)
	database := func(fn func(*badger.Txn) error) {
		t.Helper()
		db, err := badger.Open(badger.DefaultOptions(filepath.Join(dir, "db")).WithLogger(nil).WithCompression(options.None))
		must(t, err)
		must(t, db.Update(fn))
		must(t, db.Close())
	}
	database(func(txn *badger.Txn) error { return txn.Set([]byte("f"), binary.BigEndian.AppendUint64(nil, 1)) })
	write(t, dir, "procmon-storage", "format 1\n")
	closed(t, dir)
	database(func(txn *badger.Txn) error {
		item, err := txn.Get([]byte("f"))
		must(t, err)
		return item.Value(func(v []byte) error {
			if got := binary.BigEndian.Uint64(v); got != 3 {
				t.Errorf("the database is of format %d", got)
			}
			return nil
		})
	})
	if marker, err := os.ReadFile(filepath.Join(dir, "procmon-storage")); err != nil || string(marker) != "format 3\n" {
		t.Errorf("the marker is %q, %v", marker, err)
	}
}
