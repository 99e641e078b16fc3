package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
	"github.com/procmon/procmon/storage/internal/codec"
	"github.com/procmon/procmon/storage/internal/salvage"
)

const (
	// quarantineName holds damaged files until what is intact in them was put back; then
	// it gets the name damagedName with the time.
	quarantineName = "quarantine"
	damagedName    = "damaged-"

	// verifyAtOpen is how much of the tables is checked block by block, newest first, in
	// bytes: a second or two. Of the others damage is found when they are read.
	verifyAtOpen = 1 << 30
)

func (s *Store) quarantine() string { return filepath.Join(s.dir, quarantineName) }

// isolateDamage takes damaged files out of the database before that is opened.
func (s *Store) isolateDamage() error {
	written, err := writtenLog(s.dir)
	if err != nil {
		return err
	}
	findings, err := salvage.Prepare(databaseDir(s.dir), s.quarantine(), verifyAtOpen, written)
	if errors.Is(err, salvage.ErrNothingLeft) {
		return fmt.Errorf("the database in %s has lost its files: restore a backup there, or remove %s to begin with an empty one",
			databaseDir(s.dir), filepath.Join(s.dir, markerName))
	}
	s.noteFindings(findings)
	if err != nil {
		return err
	}
	return noteLog(s.dir, 0) // Badger takes the logs over, and removes them
}

// restoreIntact puts back what is intact in the files that were taken out.
func (s *Store) restoreIntact() error {
	if _, err := os.Stat(s.quarantine()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	w := writer{store: s}
	restored := 0
	findings, err := salvage.Restore(s.quarantine(), func(e salvage.Entry) (bool, error) {
		if !s.worthKeeping(e) {
			return e.Checked || !ofTime(e.Key[0]), nil
		}
		there, err := w.has(e.Key)
		if there || err != nil {
			return true, err
		}
		restored++
		return true, w.set(e.Key, e.Value)
	})
	s.noteFindings(findings)
	if err = errors.Join(err, w.flush()); err != nil {
		return err
	}
	if err := s.noteSeries(); err != nil {
		return err
	}
	damaged := filepath.Join(s.dir, damagedName+time.Now().UTC().Format("20060102T150405.000000000Z"))
	if err := os.Rename(s.quarantine(), damaged); err != nil {
		return err
	}
	s.log.Warn("damaged files were put aside, and what is intact in them was saved; they can be deleted",
		"files", damaged, "saved", restored)
	return syncDir(s.dir)
}

func (s *Store) noteFindings(findings []salvage.Finding) {
	for _, f := range findings {
		s.damage.add(s.log, objectOf(f), f.File+": "+f.Problem)
	}
}

// worthKeeping reports whether e is one of our entries and looks right. Which host has keys
// in which partition follows from the snapshots; see noteSeries.
func (s *Store) worthKeeping(e salvage.Entry) bool {
	switch {
	case len(e.Key) == 0 || !ofTime(e.Key[0]):
		return bytes.Equal(e.Key, formatKey()) && e.Checked
	case e.Key[0] == prefixMerge:
		_, _, ok := parseMergeKey(e.Key)
		return ok && len(e.Value) == 0
	case e.Key[0] != prefixSnapshot:
		return s.worthKeepingBlock(e)
	}
	host, nanos, kind, err := parseSnapshotKey(e.Key)
	if err != nil {
		return false
	}
	if e.Checked || kind == kindPart {
		return true // what is wrong in a part shows when it is put together
	}
	if kind == kindStale {
		return len(e.Value) == 0
	}
	if len(e.Value) == partsSize && e.Value[0] == valueInParts {
		return true
	}
	if _, ok := codec.BaseTime(e.Value); ok {
		// Whether it has its base shows when it is read.
		return s.codec.CheckChanges(e.Value) == nil
	}
	r, err := s.codec.Decode(e.Value)
	return err == nil && isOf(r, host, nanos)
}

func ofTime(prefix byte) bool { return bytes.IndexByte(prefixesOfTime[:], prefix) >= 0 }

// worthKeepingBlock is worthKeeping for blocks, steps and markers.
func (s *Store) worthKeepingBlock(e salvage.Entry) bool {
	host, nanos, rest, err := parseTimeKey(e.Key)
	switch {
	case err != nil:
		return false
	case e.Checked || len(rest) == 12:
		return true // what is wrong in a part shows when it is put together
	case e.Key[0] == prefixMarker:
		return len(e.Value) == 0
	case len(e.Value) == partsSize && e.Value[0] == valueInParts:
		return true
	case e.Key[0] == prefixStep:
		_, err := openStep(e.Key, e.Value, s.compressor)
		return err == nil
	}
	first, err := block.Check(e.Value, s.compressor)
	if err == nil && !isOf(first, host, nanos) {
		s.damage.add(s.log, blockName(procmon.HostKey(first.Host), first.Snapshot.Timestamp.UnixNano()), "its key is damaged")
		return false
	}
	return err == nil
}

// noteSeries writes the note of a host's partition wherever it is missing.
func (s *Store) noteSeries() error {
	w := writer{store: s}
	err := s.db.View(func(txn *badger.Txn) error {
		for _, prefix := range prefixesOfTime {
			if err := w.noteKeys(txn, prefix); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, w.flush())
}

func (w *writer) noteKeys(txn *badger.Txn, prefix byte) error {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefix}})
	defer it.Close()
	for it.Rewind(); it.Valid(); {
		host, p, next, ok := placeOf(it.Item().Key())
		if !ok {
			it.Next()
			continue
		}
		if err := w.series(host, p.start()); err != nil {
			return err
		}
		it.Seek(behind(next, 22)) // every time and what follows it
	}
	return nil
}

// placeOf returns of which host and partition a key with one of prefixesOfTime is, and what
// the keys of that place begin with.
func placeOf(key []byte) (host string, p partition, prefix []byte, ok bool) {
	if key[0] == prefixSnapshot {
		host, nanos, _, err := parseSnapshotKey(key)
		return host, partitionOf(nanos), seriesPrefix(host, partitionOf(nanos), slotOf(nanos)), err == nil
	}
	if key[0] == prefixMerge {
		host, p, ok := parseMergeKey(key)
		return host, p, mergeKey(host, p), ok
	}
	host, nanos, _, err := parseTimeKey(key)
	p = partitionOf(nanos)
	return host, p, appendHost(timePrefix(key[0], p), host), err == nil
}
