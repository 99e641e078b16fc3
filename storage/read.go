package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/codec"
)

// Hosts returns what is known of every host, by host key. It reads no history. Labels and
// Busiest are shared and must not be changed.
func (s *Store) Hosts(context.Context) ([]procmon.HostSummary, error) {
	return s.summaries(), nil
}

// Host returns what is known of one host, or procmon.ErrNotFound.
func (s *Store) Host(_ context.Context, name string) (procmon.HostSummary, error) {
	h, cutoff := s.kept(procmon.HostKey(name))
	if h == nil {
		return procmon.HostSummary{}, unknownHost(name)
	}
	return h.visible(cutoff), nil
}

// Latest returns the newest snapshot of any host, or procmon.ErrNotFound.
func (s *Store) Latest(ctx context.Context) (procmon.View, error) {
	newest := s.fleet.latest()
	if newest == "" {
		return procmon.View{}, fmt.Errorf("latest snapshot: %w: none is stored yet", procmon.ErrNotFound)
	}
	return s.At(ctx, newest, time.Time{})
}

// At returns the newest snapshot of a host that was made at the given instant or before;
// the zero time asks for the latest. A snapshot that is damaged is passed over and noted in
// Damage. The error is procmon.ErrNotFound if the host is not known, or has nothing that early.
func (s *Store) At(ctx context.Context, name string, at time.Time) (procmon.View, error) {
	key := procmon.HostKey(name)
	h, cutoff := s.kept(key)
	if h == nil {
		return procmon.View{}, unknownHost(name)
	}
	now, until := s.now().UnixNano(), int64(maxNanos)
	if !at.IsZero() {
		until = at.UnixNano()
		now = min(now, until)
	}
	if until >= max(h.newest, h.stale) {
		v, ok, err := s.latest(key, h, cutoff)
		if ok || err != nil {
			v.Stale = h.stale != minNanos || now-h.newest > int64(s.staleAfter)
			return v, err
		}
	}
	f := finder{store: s, ctx: ctx, host: key, cutoff: cutoff}
	if err := f.newest(until, 2); err != nil {
		return procmon.View{}, fmt.Errorf("read snapshot of %q: %w", name, err)
	}
	if len(f.found) == 0 {
		return procmon.View{}, fmt.Errorf("snapshot of %q at %s: %w: its oldest is of %s",
			name, at.UTC().Format(time.RFC3339Nano), procmon.ErrNotFound, h.visible(cutoff).FirstSeen.Format(time.RFC3339Nano))
	}
	v := procmon.View{Record: f.found[0]}
	v.Stale = f.marker || now-v.Snapshot.Timestamp.UnixNano() > int64(s.staleAfter)
	if len(f.found) > 1 {
		v.Previous = f.found[1].Snapshot
	}
	return v, nil
}

// latest returns the newest snapshot of h and the one before it if both are in memory.
func (s *Store) latest(key string, h *host, cutoff int64) (v procmon.View, ok bool, err error) {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.closed {
		return v, false, ErrClosed
	}
	g, step, near := s.newestOpen(key, h, cutoff)
	if g == nil {
		return v, false, nil
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	if v.Record, err = g.builder.Snapshot(step); err != nil || !near {
		return v, err == nil, nil
	}
	before, err := g.builder.Snapshot(step - 1)
	v.Previous = before.Snapshot
	return v, err == nil, nil
}

// newestOpen returns the open segment that holds the newest snapshot of h, which step that is, and
// whether the step before is the snapshot before it, to derive rates from. It returns nil if these
// are not both in one open segment.
func (s *Store) newestOpen(key string, h *host, cutoff int64) (g *segment, step int, near bool) {
	g, step = s.heads.find(key, h.newest)
	near = h.before > minNanos && h.before >= cutoff && h.newest-h.before <= int64(farthest)
	if g == nil || near && (step == 0 || g.times()[step-1] != h.before) {
		return nil, 0, false
	}
	return g, step, near
}

// finder goes back in the history of a host.
type finder struct {
	store  *Store
	ctx    context.Context
	host   string // key
	cutoff int64

	found  []procmon.Record // newest first
	marker bool             // a stale marker stands after the newest
	stale  int64            // where that stands
	base   *codec.Base      // of formats 1 and 2, that was read last
	used   []storedBlock    // blocks that are not given back yet
	since  int              // of sketches, from before the transaction
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// entry is something that is stored of a host at an instant.
type entry struct {
	nanos  int64
	marker bool                           // it says that the host is stale; there is nothing to read
	read   func() (procmon.Record, error) // valid as long as the transaction
}

// newest finds the newest intact snapshots at or before until, at most so many, and none
// that is farther than farthest from the one after it.
func (f *finder) newest(until int64, most int) error {
	err := f.walk(until, func(e entry) error {
		if len(f.found) > 0 && f.found[len(f.found)-1].Snapshot.Timestamp.UnixNano()-e.nanos > int64(farthest) {
			return errEnough
		}
		if e.marker {
			if len(f.found) == 0 && !f.marker {
				f.marker, f.stale = true, e.nanos
			}
			return nil
		}
		r, err := e.read()
		if err != nil {
			f.lost(e.nanos, procmon.SnapshotID(f.host, nanoTime(e.nanos)), err)
			return nil
		}
		f.found = append(f.found, r)
		if len(f.found) == most {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// walk calls fn for what is stored of the host, from until back to the cutoff, each instant
// once.
func (f *finder) walk(until int64, fn func(entry) error) error {
	// Taken first: what becomes a block meanwhile is in both, and not in none.
	open := f.store.heads.of(f.host)
	defer f.done()
	return f.store.view(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Reverse: true, Prefix: hostPrefix(f.host)})
		defer it.Close()
		for it.Seek(hostKey(f.host, partitionOf(until))); it.Valid(); it.Next() {
			_, p, ok := parseHostKey(it.Item().Key())
			if !ok || p.end() <= f.cutoff {
				return nil
			}
			entries, err := f.others(txn, p, until, open)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if err := f.ctx.Err(); err != nil {
					return err
				}
				if err := fn(e); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// others returns what there is in a partition, of open segments those that are given, from
// until back to the cutoff, each instant once, and a marker after a snapshot of its instant.
func (f *finder) others(txn *badger.Txn, p partition, until int64, open []*segment) ([]entry, error) {
	var all []entry
	add := func(times []int64, read func(step int) (procmon.Record, error)) {
		from, _ := slices.BinarySearch(times, f.cutoff)
		for step := from; step < len(times) && times[step] <= until; step++ {
			nanos := times[step]
			all = append(all, entry{nanos: nanos, read: func() (procmon.Record, error) {
				r, err := read(step)
				return r, f.check(r, nanos, err)
			}})
		}
	}
	for _, g := range open {
		if g.partition == p {
			add(g.times(), g.snapshot)
		}
	}
	blocks, err := f.blocks(txn, p)
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		add(b.Times(), b.Snapshot)
	}
	if f.store.legacy.there() {
		if all, err = f.singles(all, txn, p, until); err != nil {
			return nil, err
		}
	}
	it := txn.NewIterator(badger.IteratorOptions{Prefix: markerPrefix(f.host, p)})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if _, nanos, _, err := parseTimeKey(it.Item().Key()); err == nil && nanos >= f.cutoff && nanos <= until {
			all = append(all, entry{nanos: nanos, marker: true})
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return cmp.Compare(b.nanos, a.nanos) })
	return slices.CompactFunc(all, func(a, b entry) bool { return a.nanos == b.nanos && a.marker == b.marker }), nil
}

// snapshot returns the record of a step.
func (g *segment) snapshot(step int) (procmon.Record, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.builder.Snapshot(step)
}

func (f *finder) check(r procmon.Record, nanos int64, err error) error {
	if err == nil && !isOf(r, f.host, nanos) {
		err = fmt.Errorf("it is in the place of another snapshot, %s", procmon.SnapshotID(r.Host, r.Snapshot.Timestamp))
	}
	return err
}

func isOf(r procmon.Record, host string, nanos int64) bool {
	return procmon.HostKey(r.Host) == host && r.Snapshot.Timestamp.UnixNano() == nanos
}

func appendValue(dst []byte, item *badger.Item) ([]byte, error) {
	err := item.Value(func(v []byte) error {
		dst = append(dst, v...)
		return nil
	})
	return dst, err
}
