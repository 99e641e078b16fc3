package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
)

// Restore makes a store in dir, which must be empty or not exist, of a backup. If it fails, dir
// is empty; if it is killed, what it leaves is not taken for a store, and Restore can begin
// anew. log may be nil.
func Restore(ctx context.Context, dir string, r io.Reader, log *slog.Logger) (Backup, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	lock, err := prepareRestore(dir)
	if err != nil {
		return Backup{}, fmt.Errorf("restore into %s: %w", dir, err)
	}
	b, err := fillDatabase(ctx, dir, r, log)
	if err == nil {
		err = errors.Join(syncFiles(databaseDir(dir)), syncDir(databaseDir(dir)))
	}
	if err == nil {
		err = writeMarker(dir, markerReady+fmt.Sprint(formatVersion))
	} else {
		err = errors.Join(err, os.RemoveAll(databaseDir(dir)), os.Remove(filepath.Join(dir, markerName)))
	}
	if err = errors.Join(err, lock.release()); err != nil {
		return Backup{}, fmt.Errorf("restore into %s: %w", dir, err)
	}
	return b, nil
}

// prepareRestore locks dir and marks it as one that is not a store yet.
func prepareRestore(dir string) (*dirLock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: choose a directory that this user may write to", err)
	}
	state, err := readMarker(dir)
	switch {
	case err != nil:
		return nil, err
	case state == "":
		if err := checkEmpty(dir); err != nil {
			return nil, err
		}
	case state != markerRestoring:
		return nil, errors.New("it holds a storage already: choose an empty directory, or move that one away")
	}
	lock, err := lockDir(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	err = writeMarker(dir, markerRestoring)
	if err == nil {
		err = os.RemoveAll(databaseDir(dir))
	}
	if err != nil {
		return nil, errors.Join(err, lock.release())
	}
	return lock, nil
}

// fillDatabase makes a database of a backup. It need not be durable before it is whole.
func fillDatabase(ctx context.Context, dir string, r io.Reader, log *slog.Logger) (b Backup, err error) {
	db, err := badger.Open(badgerOptions(databaseDir(dir), log).WithSyncWrites(false).WithNumCompactors(2))
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	room := space{dir: dir, log: log, tables: func() int64 {
		tables, _ := db.Size()
		return tables
	}}
	batch := db.NewWriteBatch()
	defer batch.Cancel()
	b, err = readBackup(r, func(key, value []byte) error {
		if err := errors.Join(ctx.Err(), room.check()); err != nil {
			return err
		}
		return batch.Set(bytes.Clone(key), bytes.Clone(value))
	})
	if err != nil {
		return b, err
	}
	return b, room.explain(batch.Flush())
}

// syncFiles makes the files in dir durable.
func syncFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		f, err := os.OpenFile(filepath.Join(dir, e.Name()), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
