package storage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon/storage/internal/block"
)

// An open segment becomes a block when its partition is over for a while, when it is full, or
// when memory runs short. The block and the removal of the segment's steps are one
// transaction. Where a host then has more than one block in a partition, they are noted to
// become one; see merge.go.

const (
	// closeAfter is how long a partition is over, and how long nothing was added to a segment,
	// before it is closed: what is late by less than that, as after a short outage, needs no
	// second block.
	closeAfter = 10 * time.Minute
	// sealEvery is how often the store looks for what has become so old.
	sealEvery = time.Minute
	// minSteps is how many snapshots a segment has at least before it is closed because memory
	// runs short.
	minSteps = 20
)

// sealLoop makes blocks until ctx ends.
func (s *Store) sealLoop(ctx context.Context) {
	s.learnWords(ctx)
	every(ctx, sealEvery, func() {
		if err := s.Seal(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ErrFull) {
			s.log.Error("snapshots could not be made blocks", "err", err)
		}
	})
}

// Seal makes blocks of the snapshots whose time has come, as the store does by itself every
// minute, and returns when that is durable.
func (s *Store) Seal(ctx context.Context) error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	now := s.now().UnixNano()
	for _, g := range s.heads.all() {
		if g.partition.end() > now-int64(closeAfter) {
			continue
		}
		err := s.do(ctx, &request{op: runTask, task: func(w *writer) error {
			// A late one gets as much time.
			if g.touched > now-int64(closeAfter) && g.touched-g.partition.end() > int64(closeAfter) {
				return nil
			}
			return w.close(g)
		}})
		if err != nil {
			return fmt.Errorf("make a block of %q: %w", g.host, err)
		}
	}
	if err := s.mergeAll(ctx); err != nil {
		return fmt.Errorf("make one block of several: %w", err)
	}
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("make blocks of an older format: %w", err)
	}
	return nil
}

// close makes a block of g, unless that has happened.
func (w *writer) close(g *segment) error {
	s := w.store
	if err := w.flush(); err != nil {
		return err
	}
	if !slices.Contains(s.heads.of(g.host), g) {
		return nil
	}
	if err := s.space.check(); err != nil {
		return err
	}
	others, err := w.others(g)
	if err != nil {
		return err
	}
	b, err := w.stage(g.host, madeBlock{g.first, g.builder.Encode(s.compressor)}, s.now().UnixNano())
	if err == nil {
		err = w.set(b.key, b.value)
	}
	if err != nil {
		return err
	}
	if others {
		if err := w.set(mergeKey(g.host, g.partition), nil); err != nil {
			return err
		}
	}
	if err := w.removeSteps(g); err != nil {
		w.abandon(err)
		return err
	}
	if err := w.flush(); err != nil {
		return err
	}
	s.sketches.forget(g.host, g.partition)
	if !others {
		s.sketches.add(g.host, g.partition, sketch{g.first, g.builder.Last(), g.builder.Words()}, s.sketches.now())
	}
	s.heads.remove(g)
	s.counts.blocks.Inc()
	return nil
}

// others reports whether the host of g has something else in the partition of g.
func (w *writer) others(g *segment) (bool, error) {
	if len(w.store.heads.in(g.host, g.partition)) > 1 {
		return true, nil
	}
	w.begin()
	it := w.txn.NewIterator(badger.IteratorOptions{Prefix: blockPrefix(g.host, g.partition)})
	defer it.Close()
	it.Rewind()
	return it.Valid(), nil
}

// removeSteps removes the steps of g, all in this transaction. What stands behind a damaged
// one stays, and is named whenever the store is opened, until it expires.
func (w *writer) removeSteps(g *segment) error {
	prefix := appendTime(stepsPrefix(g.host, g.partition), g.first)
	var keys [][]byte
	it := w.txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	for it.Rewind(); it.Valid(); it.Next() {
		if _, _, nanos, _, err := parseStepKey(it.Item().Key()); err != nil || nanos > g.builder.Last() {
			continue
		}
		keys = append(keys, it.Item().KeyCopy(nil))
	}
	it.Close()
	for _, key := range keys {
		if err := w.delete(key); err != nil {
			return err
		}
	}
	return nil
}

// relieve closes segments that are full, and the largest ones while all take too much memory.
// It does little at a time, since others wait for the committer.
func (w *writer) relieve() {
	s := w.store
	const atOnce = 4
	var due []*segment
	for g := range w.grown {
		open := s.heads.of(g.host)
		if !slices.Contains(open, g) {
			continue
		}
		if g.full() {
			due = append(due, g)
		}
		if len(open) > maxOpen {
			due = append(due, slices.MinFunc(open, func(a, b *segment) int { return int(min(1, max(-1, a.touched-b.touched))) }))
		}
	}
	if over := s.heads.size.Load() - s.memory; over > 0 {
		all := s.heads.all()
		slices.SortFunc(all, func(a, b *segment) int { return cmp.Compare(b.size, a.size) })
		for _, g := range all {
			if over <= 0 || len(due) >= atOnce {
				break
			}
			if g.builder.Len() >= minSteps || over > s.memory/2 {
				due, over = append(due, g), over-int64(g.size)
			}
		}
	}
	for _, g := range due {
		if err := w.close(g); err != nil {
			s.log.Error("snapshots could not be made a block", "host", g.host, "err", err)
			return
		}
	}
}

// madeBlock is a block that is not stored yet.
type madeBlock struct {
	first int64 // time of its first snapshot
	value []byte
}

// storedAs is a block that is ready to be set.
type storedAs struct{ key, value []byte }

// stage returns what to set for a block that was made at an instant. The parts of a large one
// are on the disk then.
func (w *writer) stage(host string, b madeBlock, made int64) (storedAs, error) {
	key := blockKey(host, b.first, made)
	value, err := w.cut(b.value, func(number uint32) []byte { return appendNumber(key, number) })
	return storedAs{key, value}, err
}

// removeBlock removes a block with its parts.
func (w *writer) removeBlock(key []byte) error {
	w.begin()
	var keys [][]byte
	it := w.txn.NewIterator(badger.IteratorOptions{Prefix: key})
	for it.Rewind(); it.Valid(); it.Next() {
		keys = append(keys, it.Item().KeyCopy(nil))
	}
	it.Close()
	for _, k := range keys {
		if err := w.delete(k); err != nil {
			return err
		}
	}
	return nil
}

// builders makes blocks of snapshots that come in their order.
type builders struct {
	z    *block.Compressor
	b    *block.Builder
	made []madeBlock
}

func (bs *builders) finish() {
	if bs.b != nil && bs.b.Len() > 0 {
		bs.made = append(bs.made, madeBlock{bs.b.Times()[0], bs.b.Encode(bs.z)})
	}
	bs.b = nil
}

// behind returns the keys that begin with prefix and have so many bytes more at most, as
// where an iterator goes on after them.
func behind(prefix []byte, bytesMore int) []byte {
	return append(slices.Clip(prefix), bytes.Repeat([]byte{0xFF}, bytesMore)...)
}
