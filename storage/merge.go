package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
)

// errDamaged keeps blocks, or snapshots, where they are.
var errDamaged = errors.New("some of its snapshots are damaged")

// mergeAll makes one block of several wherever that is noted and the host has nothing open
// in the partition.
func (s *Store) mergeAll(ctx context.Context) error {
	type note struct {
		host string
		p    partition
	}
	var notes []note
	over := s.now().Add(-closeAfter).UnixNano()
	err := s.view(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixMerge}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			host, p, ok := parseMergeKey(it.Item().Key())
			if ok && p.end() <= over && len(s.heads.in(host, p)) == 0 {
				notes = append(notes, note{host, p})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, n := range notes {
		if err := s.merge(ctx, n.host, n.p); err != nil {
			return err
		}
	}
	return nil
}

// merge puts all blocks of a host in a partition into one, or as few as hold them. Damaged
// ones stay as they are, and so do the others then.
func (s *Store) merge(ctx context.Context, host string, p partition) error {
	var made []madeBlock
	var old [][]byte
	err := s.view(func(txn *badger.Txn) error {
		f := finder{store: s, ctx: ctx, host: host, cutoff: minNanos}
		blocks, err := f.blocks(txn, p)
		if err != nil {
			return err
		}
		for _, b := range blocks {
			old = append(old, b.key)
		}
		entries, err := f.others(txn, p, p.end()-1, nil)
		if err != nil {
			return err
		}
		made, err = f.build(entries)
		return err
	})
	damaged := errors.Is(err, errDamaged)
	if err != nil && !damaged {
		return err
	}
	return s.do(ctx, &request{op: runTask, task: func(w *writer) error {
		if len(s.heads.in(host, p)) > 0 {
			return nil // something late has come; when that is a block
		}
		there, err := w.all(old) // or they have expired meanwhile
		if err != nil {
			return err
		}
		if !damaged && there && len(made) < len(old) {
			if err := w.replaceBlocks(host, made, old); err != nil {
				w.abandon(err)
				return err
			}
		}
		w.begin()
		if err := w.delete(mergeKey(host, p)); err != nil {
			return err
		}
		err = w.flush()
		s.sketches.forget(host, p)
		return err
	}})
}

// all reports whether all keys are there.
func (w *writer) all(keys [][]byte) (bool, error) {
	for _, key := range keys {
		if there, err := w.has(key); !there || err != nil {
			return false, err
		}
	}
	return true, nil
}

// replaceBlocks puts blocks in the place of others. Should it take more than one transaction,
// there is too much after the first, and never too little.
func (w *writer) replaceBlocks(host string, made []madeBlock, old [][]byte) error {
	at := w.store.now().UnixNano()
	for _, key := range old {
		if _, _, rest, err := parseTimeKey(key); err == nil {
			at = max(at, int64(binary.BigEndian.Uint64(rest)^1<<63)+1)
		}
	}
	staged := make([]storedAs, len(made))
	for i, b := range made {
		var err error
		if staged[i], err = w.stage(host, b, at); err != nil {
			return err
		}
	}
	for _, b := range staged {
		if err := w.set(b.key, b.value); err != nil {
			return err
		}
	}
	for _, key := range old {
		if err := w.removeBlock(key); err != nil {
			return err
		}
	}
	return nil
}

// build makes blocks of entries, which go back in time; markers are left out.
func (f *finder) build(entries []entry) ([]madeBlock, error) {
	bs := builders{z: f.store.compressor}
	err := f.gather(entries, func(r procmon.Record) error {
		if bs.b != nil && (bs.b.Size() > maxSegment || bs.b.Len() >= maxSteps || bs.b.Full(r)) {
			bs.finish()
		}
		if bs.b == nil {
			bs.b = block.NewBuilder()
		}
		_, err := bs.b.Add(nil, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	bs.finish()
	return bs.made, nil
}

// gather reads entries, which go back in time, in the order of time, each time once.
func (f *finder) gather(entries []entry, fn func(procmon.Record) error) error {
	last := int64(minNanos)
	for _, e := range slices.Backward(entries) {
		if e.marker || e.nanos == last {
			continue
		}
		if err := f.ctx.Err(); err != nil {
			return err
		}
		last = e.nanos
		r, err := e.read()
		if err != nil {
			f.store.damage.add(f.store.log, procmon.SnapshotID(f.host, nanoTime(e.nanos)), err.Error())
			return errDamaged
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}
