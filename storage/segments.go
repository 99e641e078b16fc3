package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
)

// segments calls f with what is stored of a host between two instants, Unix nanoseconds, both
// included: oldest first, no two of which overlap. A segment may reach beyond the range. f
// must not keep it. What pass is true of is left out; see query.Source.
func (s *Store) segments(ctx context.Context, key string, from, to int64, pass func(block.Words, int64) bool, f func(block.Segment) error) error {
	h, cutoff := s.kept(key)
	if h == nil {
		return nil
	}
	from = max(from, cutoff)
	if to < from {
		return nil
	}
	if from == to && from == h.newest {
		if g, _, _ := s.newestOpen(key, h, cutoff); g != nil {
			return s.view(func(*badger.Txn) error { return g.read(f) })
		}
	}
	r := finder{store: s, ctx: ctx, host: key, cutoff: minNanos}
	return r.forward(from, to, func(txn *badger.Txn, p partition, open []*segment) error {
		if pass != nil && r.passed(p, open, from, to, pass) {
			return nil
		}
		all, err := r.inOrder(txn, p, open)
		if err != nil {
			return err
		}
		for _, g := range all {
			if err := ctx.Err(); err != nil {
				return err
			}
			times := g.times()
			if times[0] > to || times[len(times)-1] < from {
				continue
			}
			if err := g.read(f); err != nil {
				return err
			}
		}
		return nil
	})
}

// passed reports whether a partition has one block, and that lies beside a range or pass is
// true of it.
func (f *finder) passed(p partition, open []*segment, from, to int64, pass func(block.Words, int64) bool) bool {
	if f.store.legacy.there() || slices.ContainsFunc(open, func(g *segment) bool { return g.partition == p }) {
		return false
	}
	k, known := f.store.sketches.get(f.host, p)
	return known && (k.first > to || k.last < from || pass(k.words, k.last))
}

// Snapshots calls fn with every snapshot of a host between two instants, both included, the
// oldest first. One that is damaged is passed over and noted in Damage.
func (s *Store) Snapshots(ctx context.Context, name string, from, to time.Time, fn func(procmon.Record) error) error {
	key := procmon.HostKey(name)
	h, cutoff := s.kept(key)
	if h == nil {
		return unknownHost(name)
	}
	f := finder{store: s, ctx: ctx, host: key, cutoff: max(cutoff, clampNanos(from))}
	until := clampNanos(to)
	err := f.forward(f.cutoff, until, func(txn *badger.Txn, p partition, open []*segment) error {
		entries, err := f.others(txn, p, until, open)
		if err != nil {
			return err
		}
		for _, e := range slices.Backward(entries) {
			if e.marker {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			r, err := e.read()
			if err != nil {
				f.lost(e.nanos, procmon.SnapshotID(key, nanoTime(e.nanos)), err)
				continue
			}
			if err := fn(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read snapshots of %q: %w", name, err)
	}
	return nil
}

// clampNanos returns t in Unix nanoseconds, or the nearest that there is.
func clampNanos(t time.Time) int64 {
	if t.Before(nanoTime(minNanos)) {
		return minNanos
	}
	if t.After(nanoTime(maxNanos)) {
		return maxNanos
	}
	return t.UnixNano()
}

// forward calls fn with the partitions of a range in which the host has something, ascending.
// Each is read at one instant, and what is written meanwhile may be seen in later ones.
func (f *finder) forward(from, to int64, fn func(*badger.Txn, partition, []*segment) error) error {
	next := partitionOf(from)
	for {
		found := false
		open := f.store.heads.of(f.host) // before the transaction; see walk
		f.since = f.store.sketches.now()
		err := f.store.view(func(txn *badger.Txn) error {
			it := txn.NewIterator(badger.IteratorOptions{Prefix: hostPrefix(f.host)})
			it.Seek(hostKey(f.host, next))
			var p partition
			if it.Valid() {
				_, p, found = parseHostKey(it.Item().Key())
			}
			it.Close()
			if found = found && p <= partitionOf(to); !found {
				return nil
			}
			next = p + 1
			return fn(txn, p, open)
		})
		f.done()
		if err != nil || !found {
			return err
		}
	}
}

// readable is a segment that can be read for as long as a transaction.
type readable struct {
	times func() []int64
	read  func(func(block.Segment) error) error
}

// inOrder returns the segments of a partition, oldest first. Those that overlap are made one.
func (f *finder) inOrder(txn *badger.Txn, p partition, open []*segment) ([]readable, error) {
	var all []readable
	for _, g := range open {
		if g.partition == p {
			all = append(all, readable{g.times, g.read})
		}
	}
	blocks, err := f.blocks(txn, p)
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		all = append(all, readable{b.Times, func(fn func(block.Segment) error) error { return fn(b.Block) }})
	}
	slices.SortFunc(all, func(a, b readable) int { return int(min(1, max(-1, a.times()[0]-b.times()[0]))) })
	overlap := false
	if f.store.legacy.there() {
		singles, err := f.singles(nil, txn, p, maxNanos)
		if err != nil {
			return nil, err
		}
		overlap = len(singles) > 0
	}
	for i := 1; i < len(all) && !overlap; i++ {
		before := all[i-1].times()
		overlap = all[i].times()[0] <= before[len(before)-1]
	}
	if len(blocks) == 1 && len(all) == 1 && !f.store.legacy.there() {
		if words, err := blocks[0].Words(); err == nil {
			times := blocks[0].Times()
			f.store.sketches.add(f.host, p, sketch{times[0], times[len(times)-1], words}, f.since)
		}
	}
	if !overlap {
		return all, nil
	}
	return f.unite(txn, p, open)
}

// unite takes in one by one what does not stand apart, and makes segments of it in memory.
func (f *finder) unite(txn *badger.Txn, p partition, open []*segment) (all []readable, err error) {
	entries, err := f.others(txn, p, maxNanos, open)
	if err != nil {
		return nil, err
	}
	var b *block.Builder
	finish := func() {
		if made := b; made != nil {
			all = append(all, readable{made.Times, func(fn func(block.Segment) error) error { return fn(made) }})
		}
		b = nil
	}
	// What is damaged is passed over here.
	entries = slices.DeleteFunc(entries, func(e entry) bool { return e.marker })
	for _, e := range slices.Backward(entries) {
		if err := f.ctx.Err(); err != nil {
			return nil, err
		}
		r, err := e.read()
		if err != nil {
			f.lost(e.nanos, procmon.SnapshotID(f.host, nanoTime(e.nanos)), err)
			continue
		}
		if b != nil && (b.Len() >= maxSteps || b.Full(r)) {
			finish()
		}
		if b == nil {
			b = block.NewBuilder()
		}
		if _, err := b.Add(nil, r); err != nil {
			return nil, err
		}
	}
	finish()
	return all, nil
}

// newestAt returns the time of the newest snapshot of a host at or before an instant.
func (s *Store) newestAt(ctx context.Context, key string, until int64) (nanos int64, ok bool, err error) {
	h, cutoff := s.kept(key)
	if h == nil {
		return 0, false, nil
	}
	if until >= h.newest {
		return h.newest, true, nil
	}
	f := finder{store: s, ctx: ctx, host: key, cutoff: cutoff}
	err = f.walk(until, func(e entry) error {
		if e.marker {
			return nil
		}
		nanos, ok = e.nanos, true
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return nanos, ok, err
}
