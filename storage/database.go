package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// formatVersion is the version of keys and values that this code writes. Format 1 had no
// events and fewer facts of a process in its values, format 2 no steps and no blocks.
const formatVersion = 3

const (
	memTableSize = 8 << 20
	memTables    = 3 // one that is written to, and two that become files
	// databaseMemory is what Badger takes of Options.Memory, in bytes.
	databaseMemory = memTables * memTableSize
)

// maxPart is the largest value in bytes: values stay below Badger's threshold, so that the
// value log stays empty and space returns without its garbage collection.
const maxPart = 512 << 10

// badgerOptions has no compactors; see compactLoop.
func badgerOptions(dir string, log *slog.Logger) badger.Options {
	return badger.DefaultOptions(dir).
		WithLogger(badgerLogger{log}).
		WithSyncWrites(true).
		WithDetectConflicts(false). // there is one writer
		WithMetricsEnabled(false).
		WithMemTableSize(memTableSize).
		WithNumMemtables(memTables).
		WithNumLevelZeroTables(1).
		WithNumLevelZeroTablesStall(tablesStall).
		WithBaseLevelSize(256 << 20). // below it, new tables go to the lowest level at once
		WithNumCompactors(0).
		WithCompactL0OnClose(true).
		WithValueLogFileSize(1 << 20).
		WithCompression(options.None). // values are compressed already
		WithBlockCacheSize(0).
		WithIndexCacheSize(0).
		// With its checks on, Badger passes over damaged blocks in silence. Values have a
		// checksum of their own.
		WithChecksumVerificationMode(options.NoVerification)
}

func openDatabase(dir string, log *slog.Logger) (db *badger.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, errors.New(firstLine(r))
		}
		if err != nil {
			err = fmt.Errorf("the database in %s cannot be read: %s: "+
				"restore a backup there, or move the directory away to begin with an empty one", dir, firstLine(err))
		}
	}()
	return badger.Open(badgerOptions(dir, log))
}

// checkFormat refuses what a newer version wrote, and marks a new database.
func (s *Store) checkFormat() error {
	var version uint64
	err := s.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(formatKey())
		if err != nil {
			return err
		}
		return item.Value(func(v []byte) error {
			if len(v) != 8 {
				return errors.New("the format version is damaged")
			}
			version = binary.BigEndian.Uint64(v)
			return nil
		})
	})
	switch {
	case err != nil && !errors.Is(err, badger.ErrKeyNotFound):
		return err
	case version > formatVersion:
		return newerFormat(version)
	case version == formatVersion:
		return nil
	}
	// The first value of this format would stop an older procmon in the middle of its work.
	return s.db.Update(func(txn *badger.Txn) error {
		return txn.Set(formatKey(), binary.BigEndian.AppendUint64(nil, formatVersion))
	})
}

func newerFormat(version uint64) error {
	return fmt.Errorf("it was written by a newer procmon (format %d; this one reads up to %d): use that version, or another directory",
		version, formatVersion)
}

// firstLine shortens what Badger says, with stack traces and dumps, to one line.
func firstLine(v any) string {
	line, _, _ := strings.Cut(strings.TrimSpace(fmt.Sprint(v)), "\n")
	if len(line) > 300 {
		line = line[:300] + "…"
	}
	return line
}

// badgerLogger passes Badger's own messages on: its chatter is at debug.
type badgerLogger struct{ log *slog.Logger }

func (l badgerLogger) Errorf(format string, args ...any)   { l.to(slog.LevelError, format, args) }
func (l badgerLogger) Warningf(format string, args ...any) { l.to(slog.LevelWarn, format, args) }
func (l badgerLogger) Infof(format string, args ...any)    { l.to(slog.LevelDebug, format, args) }
func (l badgerLogger) Debugf(string, ...any)               {}

func (l badgerLogger) to(level slog.Level, format string, args []any) {
	l.log.Log(context.Background(), level, "badger: "+firstLine(fmt.Sprintf(format, args...)))
}
