package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
	"github.com/procmon/procmon/storage/internal/codec"
	"github.com/procmon/procmon/storage/internal/salvage"
)

// Verified says what was read and checked.
type Verified struct {
	Tables         int   `json:"tables"`
	FileBytes      int64 `json:"file_bytes"`
	Keys           int64 `json:"keys"`
	Blocks         int64 `json:"blocks"`
	Steps          int64 `json:"steps"` // snapshots that are in no block yet
	Snapshots      int64 `json:"snapshots"`
	ProcessSamples int64 `json:"process_samples"`
	Events         int64 `json:"events"`
	// Leftovers are what a crash left that nothing refers to. They are harmless.
	Leftovers int64 `json:"leftovers"`
	Problems  int64 `json:"problems"`
}

// VerifyFiles checks every file of the store in dir, which nobody may have open, and changes
// nothing. It calls found with all that is wrong, and returns an error only if it could not go on.
func VerifyFiles(dir string, found func(Damage)) (v Verified, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("verify storage %s: %w", dir, err)
		}
	}()
	lock, err := prepareDir(dir, true)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	s := &Store{dir: dir, log: slog.New(slog.DiscardHandler)}
	if s.codec, err = codec.New(); err != nil {
		return v, err
	}
	defer s.codec.Close()
	if s.compressor, err = block.NewCompressor(runtime.GOMAXPROCS(0)); err != nil {
		return v, err
	}
	defer s.compressor.Close()
	var c salvage.Check
	if c.Written, err = writtenLog(dir); err != nil {
		return v, err
	}
	err = c.Files(databaseDir(dir), s.keepable)
	v.files(&c, found)
	return v, err
}

// keepable reports whether an entry of a damaged file can be read.
func (s *Store) keepable(e salvage.Entry) (bool, error) {
	return e.Checked || len(e.Key) > 0 && !ofTime(e.Key[0]) || s.worthKeeping(e), nil
}

func (v *Verified) files(c *salvage.Check, found func(Damage)) {
	v.Tables += c.Tables
	v.FileBytes += c.Bytes
	for _, f := range c.Findings {
		v.Problems++
		d := Damage{objectOf(f), f.Problem}
		if d.Object != f.File {
			d.Problem = f.File + ": " + d.Problem
		}
		found(d)
	}
}

// Verify reads and checks all that is stored at this instant: every table, every key, every
// snapshot of every block, every step, and that each is noted where reads look for it. It calls
// found with all that is wrong, and returns an error only if it could not go on. The store goes on
// meanwhile.
func (s *Store) Verify(ctx context.Context, found func(Damage)) (Verified, error) {
	v := verification{
		store: s, ctx: ctx, found: found,
		noted: make(map[place]bool), seen: make(map[place]bool), old: make(map[place]bool),
	}
	err := s.verifyTables(&v)
	if err == nil {
		err = s.view(v.contents)
	}
	if err != nil {
		err = fmt.Errorf("verify storage %s: %w", s.dir, err)
	}
	return v.Verified, err
}

func (s *Store) verifyTables(v *verification) error {
	for _, t := range s.db.Tables() {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		var c salvage.Check
		if err := c.Table(databaseDir(s.dir), t.ID, s.keepable); err != nil {
			return err
		}
		if len(c.Findings) > 0 && !s.hasTable(t.ID) {
			continue // it was being removed
		}
		v.files(&c, v.found)
	}
	return nil
}

func (s *Store) hasTable(id uint64) bool {
	for _, t := range s.db.Tables() {
		if t.ID == id {
			return true
		}
	}
	return false
}

func (p place) String() string {
	return fmt.Sprintf("what %q has from %s on", p.host, nanoTime(p.p.start()).Format("2006-01-02T15:04Z07:00"))
}

type verification struct {
	Verified
	store *Store
	ctx   context.Context
	found func(Damage)
	txn   *badger.Txn

	noted, seen, old map[place]bool // by notes; with something else; with something of an older format
	segment          *segment       // whose steps are being read
	broken           bool           // one of them was damaged
	head             []byte         // the last key with a value in parts
	parts            uint32         // of it
}

func (v *verification) problem(object string, err error) {
	v.Problems++
	v.found(Damage{object, err.Error()})
}

func (v *verification) contents(txn *badger.Txn) error {
	v.txn = txn
	it := txn.NewIterator(badger.IteratorOptions{})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		v.Keys++
		key := it.Item().KeyCopy(nil)
		if err := v.key(it.Item(), key); err != nil {
			v.problem(fmt.Sprintf("the key %q", key), err)
		}
	}
	v.endSegment()
	for pl := range v.old {
		if err := v.oldPlace(pl); err != nil {
			return err
		}
	}
	for pl := range v.seen {
		if !v.noted[pl] {
			v.problem(pl.String(), errors.New("it is not noted, so that nothing finds it"))
		}
	}
	for pl := range v.noted {
		if !v.seen[pl] {
			v.Leftovers++
		}
	}
	return nil
}

// key checks one key with its value. The error says what is wrong with the key.
func (v *verification) key(item *badger.Item, key []byte) error {
	if key[0] != prefixStep {
		v.endSegment()
	}
	switch key[0] {
	case prefixFormat:
		if value, err := item.ValueCopy(nil); len(key) != 1 || err != nil || len(value) != 8 || binary.BigEndian.Uint64(value) != formatVersion {
			return errors.New("the format is damaged")
		}
		return nil
	case prefixHost:
		host, p, ok := parseHostKey(key)
		if !ok || item.ValueSize() != 0 {
			return errors.New("it is no note of a host's partition")
		}
		v.noted[place{host, p}] = true
		return nil
	case prefixRemoval:
		if _, ok := parseRemovalKey(key); !ok || item.ValueSize() != 0 {
			return errors.New("it is no note of what is being removed")
		}
		v.Leftovers++
		return nil
	case prefixMerge:
		host, p, ok := parseMergeKey(key)
		if !ok || item.ValueSize() != 0 {
			return errors.New("it is no note of blocks that shall become one")
		}
		if !v.noted[place{host, p}] {
			v.Leftovers++
		}
		return nil
	case prefixSnapshot:
		host, nanos, _, err := parseSnapshotKey(key)
		if err == nil {
			v.old[place{host, partitionOf(nanos)}], v.seen[place{host, partitionOf(nanos)}] = true, true
		}
		return err
	case prefixMarker, prefixBlock, prefixStep:
		host, nanos, rest, err := parseTimeKey(key)
		if err != nil {
			return err
		}
		v.seen[place{host, partitionOf(nanos)}] = true
		return v.ofTime(item, key, host, nanos, rest)
	}
	return errors.New("it is none of ours")
}

func (v *verification) ofTime(item *badger.Item, key []byte, host string, nanos int64, rest []byte) error {
	if key[0] == prefixMarker {
		if item.ValueSize() != 0 {
			return errors.New("it is no stale marker")
		}
		return nil
	}
	if len(rest) == 12 { // a part, which was read with its head
		number := binary.BigEndian.Uint32(rest[8:])
		if string(v.head) != string(key[:len(key)-4]) || number >= v.parts {
			v.Leftovers++
		}
		return nil
	}
	value, err := item.ValueCopy(nil)
	if err == nil && len(value) == partsSize && value[0] == valueInParts {
		v.head, v.parts = key, binary.BigEndian.Uint32(value[1:])
		value, err = joined(v.txn, item, key)
	}
	if key[0] == prefixBlock {
		v.Blocks++
		if err == nil {
			err = v.block(value, host, nanos)
		}
		if err != nil {
			v.problem(blockName(host, nanos), err)
		}
		return nil
	}
	v.Steps++
	v.step(key, value, err, host, nanos)
	return nil
}

// block decodes every snapshot of a block.
func (v *verification) block(value []byte, host string, first int64) error {
	b, err := block.Open(value, v.store.compressor)
	if err != nil {
		return err
	}
	if b.Times()[0] != first {
		return errors.New("it is in the place of another one")
	}
	return v.snapshots(b, host)
}

func (v *verification) snapshots(g block.Segment, host string) error {
	for step, nanos := range g.Times() {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		r, err := g.Snapshot(step)
		if err == nil && !isOf(r, host, nanos) {
			err = errors.New("it is another one's")
		}
		if err != nil {
			return fmt.Errorf("the snapshot of %s: %w", procmon.SnapshotID(host, nanoTime(nanos)), err)
		}
		v.Snapshots++
		v.ProcessSamples += int64(len(r.Snapshot.Processes))
		v.Events += int64(len(r.Snapshot.Events))
	}
	return nil
}

// step takes one step into its segment.
func (v *verification) step(key, value []byte, err error, host string, first int64) {
	if g := v.segment; g == nil || g.host != host || g.first != first {
		v.endSegment()
		v.segment, v.broken = newSegment(host, first), false
	}
	if v.broken {
		return // it does not follow from what is missing
	}
	_, _, nanos, _, perr := parseStepKey(key)
	if err = errors.Join(err, perr); err == nil {
		err = v.segment.replay(key, value, nanos, v.store.compressor)
	}
	if err != nil {
		v.broken = true
		if !v.store.superseded(host, first) {
			v.problem("the snapshot of "+procmon.SnapshotID(host, nanoTime(nanos))+" and what follows it", err)
		}
	}
}

// endSegment decodes the snapshots whose steps were read.
func (v *verification) endSegment() {
	g := v.segment
	v.segment = nil
	if g == nil || v.broken || g.builder.Len() == 0 {
		return
	}
	if err := v.snapshots(g.builder, g.host); err != nil {
		v.problem(blockName(g.host, g.first), err)
	}
}

// oldPlace reads the snapshots of an older format.
func (v *verification) oldPlace(pl place) error {
	f := finder{store: v.store, ctx: v.ctx, host: pl.host, cutoff: minNanos}
	singles, err := f.singles(nil, v.txn, pl.p, maxNanos)
	if err != nil {
		return err
	}
	for _, e := range singles {
		if e.marker {
			continue
		}
		r, err := e.read()
		if err != nil {
			v.problem(procmon.SnapshotID(pl.host, nanoTime(e.nanos)), err)
			continue
		}
		v.Snapshots++
		v.ProcessSamples += int64(len(r.Snapshot.Processes))
	}
	return nil
}

// objectOf returns what a finding is about: the snapshot or block if it is known, else the file.
func objectOf(f salvage.Finding) string {
	if host, nanos, kind, err := parseSnapshotKey(f.Key); err == nil && kind != kindStale {
		return procmon.SnapshotID(host, nanoTime(nanos))
	}
	if host, first, nanos, _, err := parseStepKey(f.Key); err == nil && first <= nanos {
		return procmon.SnapshotID(host, nanoTime(nanos))
	}
	if host, nanos, _, err := parseTimeKey(f.Key); err == nil && f.Key[0] != prefixMarker {
		return blockName(host, nanos)
	}
	return f.File
}
