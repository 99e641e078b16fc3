package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A data directory holds a marker file that says whose it is and in which format, the
// database, and the lock file. The marker says "new" until the database was made; while it
// does, nothing was stored. Its second line, if there is one, says which log of the database is
// written to, so that one that was cut off is told from those that a crash left empty.
const (
	markerName   = "procmon-storage"
	databaseName = "db"
	lockName     = "lock"

	markerNew       = "new"
	markerRestoring = "restoring" // a backup
	markerReady     = "format "
	markerLog       = "log " // begins the second line
)

// ErrNoStore is why a directory without a store is refused.
var ErrNoStore = errors.New("there is no procmon storage")

func databaseDir(dir string) string { return filepath.Join(dir, databaseName) }

// prepareDir makes and locks dir, and makes sure that it is ours. With existing it must be so
// already.
func prepareDir(dir string, existing bool) (*dirLock, error) {
	if existing {
		if state, err := readMarker(dir); err != nil || state == "" {
			return nil, errors.Join(err, ErrNoStore)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: choose a directory that this user may write to", err)
	}
	state, err := readMarker(dir)
	if err != nil {
		return nil, err
	}
	if state == "" {
		if err := checkEmpty(dir); err != nil {
			return nil, err
		}
	}
	lock, err := lockDir(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	if err := settleDir(dir, state); err != nil {
		return nil, errors.Join(err, lock.release())
	}
	return lock, nil
}

func settleDir(dir, state string) error {
	if state == markerRestoring {
		return errors.New("a backup was being restored here, and that did not end: restore it again, or empty the directory")
	}
	version, ready := strings.CutPrefix(state, markerReady)
	if !ready {
		// What a first start left that was cut short holds no snapshot.
		if err := os.RemoveAll(databaseDir(dir)); err != nil {
			return err
		}
		return writeMarker(dir, markerNew)
	}
	v, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		return fmt.Errorf("the file %s is damaged: it says %q; write %q into it", markerName, state, markerReady+strconv.Itoa(formatVersion))
	}
	if v > formatVersion {
		return newerFormat(v)
	}
	entries, err := os.ReadDir(databaseDir(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) == 0 {
		return fmt.Errorf("the database that was in %s is gone: restore it, or remove %s to begin with an empty one",
			databaseDir(dir), filepath.Join(dir, markerName))
	}
	return nil
}

// checkEmpty refuses a directory that somebody else uses.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("%w: choose a directory that this user may read", err)
	}
	for _, e := range entries {
		if e.Name() != lockName && e.Name() != markerName+".tmp" {
			return fmt.Errorf("the directory is not empty (%s) and not a procmon storage: choose an empty one", strconv.Quote(e.Name()))
		}
	}
	return nil
}

func readMarker(dir string) (state string, err error) {
	state, _, err = readMarkerLines(dir)
	return state, err
}

// writtenLog returns the number of the log that is known to be written to, or 0: any other can be
// just being made, or removed after a table was made of it. Badger empties it before.
func writtenLog(dir string) (uint64, error) {
	_, second, err := readMarkerLines(dir)
	number, ok := strings.CutPrefix(second, markerLog)
	if err != nil || !ok {
		return 0, err
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the file %s is damaged: its second line is %q; remove that", markerName, second)
	}
	if uint64(newestLog(databaseDir(dir))) > n {
		return 0, nil
	}
	return n, nil
}

// noteLog makes written what writtenLog returns, unless it is that already.
func noteLog(dir string, written uint64) error {
	state, second, err := readMarkerLines(dir)
	want := ""
	if written > 0 {
		want = markerLog + strconv.FormatUint(written, 10)
	}
	if err != nil || second == want {
		return err
	}
	return writeMarker(dir, strings.TrimSpace(state+"\n"+want))
}

func readMarkerLines(dir string) (first, second string, err error) {
	b, err := os.ReadFile(filepath.Join(dir, markerName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	first, second, _ = strings.Cut(strings.TrimSpace(string(b)), "\n")
	return strings.TrimSpace(first), strings.TrimSpace(second), nil
}

// writeMarker replaces the marker so that a crash leaves the old one or the new one.
func writeMarker(dir, state string) error {
	tmp := filepath.Join(dir, markerName+".tmp")
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%w: choose a directory that this user may write to", err)
	}
	_, err = f.WriteString(state + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, filepath.Join(dir, markerName))
	}
	return errors.Join(err, syncDir(dir))
}

func markReady(dir string) error {
	want := markerReady + strconv.Itoa(formatVersion)
	if state, err := readMarker(dir); err != nil || state == want {
		return err
	}
	return writeMarker(dir, want)
}
