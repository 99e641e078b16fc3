package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/codec"
)

// Hosts returns what is known of every host, by host key. It reads no history. Labels and
// Busiest are shared and must not be changed.
func (s *Store) Hosts(context.Context) ([]procmon.HostSummary, error) {
	return s.fleet.summaries(s.cutoff()), nil
}

// Host returns what is known of one host, or procmon.ErrNotFound.
func (s *Store) Host(_ context.Context, name string) (procmon.HostSummary, error) {
	h, cutoff := s.fleet.get(procmon.HostKey(name)), s.cutoff()
	if h == nil || h.newest < cutoff {
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
// the zero time asks for the latest. A snapshot that is damaged, or is stored as changes of
// a damaged one, is passed over and noted in Damage. The error is procmon.ErrNotFound if the
// host is not known, or has nothing that early.
func (s *Store) At(ctx context.Context, name string, at time.Time) (procmon.View, error) {
	key := procmon.HostKey(name)
	cutoff, now := s.cutoff(), s.now().UnixNano()
	h := s.fleet.get(key)
	if h == nil || h.newest < cutoff {
		return procmon.View{}, unknownHost(name)
	}
	until := int64(maxNanos)
	if !at.IsZero() {
		until = at.UnixNano()
		now = min(now, until)
	}
	f := finder{store: s, ctx: ctx, host: key, cutoff: cutoff}
	err := s.view(func(txn *badger.Txn) error { return f.newest(txn, until, 2) })
	if err != nil {
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

// finder goes back in the history of a host.
type finder struct {
	store  *Store
	ctx    context.Context
	host   string // key
	cutoff int64

	found  []procmon.Record // newest first
	marker bool             // a stale marker stands after the newest
	stale  int64            // where that stands
	base   *codec.Base      // that was read last
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// newest finds the newest intact snapshots at or before until, at most so many, and none
// that is farther than farthest from the one after it.
func (f *finder) newest(txn *badger.Txn, until int64, most int) error {
	err := f.walk(txn, until, func(item *badger.Item, nanos int64, kind byte) error {
		if len(f.found) > 0 {
			last := f.found[len(f.found)-1].Snapshot.Timestamp.UnixNano()
			if last-nanos > int64(farthest) {
				return errEnough
			}
		}
		switch kind {
		case kindStale:
			if len(f.found) == 0 && !f.marker {
				f.marker, f.stale = true, nanos
			}
		case kindSnapshot:
			r, err := f.read(txn, item, nanos)
			if err != nil {
				f.store.damage.add(f.store.log, procmon.SnapshotID(f.host, nanoTime(nanos)), err.Error())
				return nil
			}
			f.found = append(f.found, r)
			if len(f.found) == most {
				return errEnough
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// walk calls fn for the keys of the host from until back to the cutoff.
func (f *finder) walk(txn *badger.Txn, until int64, fn func(item *badger.Item, nanos int64, kind byte) error) error {
	o := badger.IteratorOptions{Reverse: true, Prefix: hostPrefix(f.host)}
	partitions := txn.NewIterator(o)
	defer partitions.Close()
	for partitions.Seek(hostKey(f.host, partitionOf(until))); partitions.Valid(); partitions.Next() {
		_, p, ok := parseHostKey(partitions.Item().Key())
		if !ok || p.end() <= f.cutoff {
			return nil
		}
		if err := f.walkPartition(txn, p, until, fn); err != nil {
			return err
		}
	}
	return nil
}

func (f *finder) walkPartition(txn *badger.Txn, p partition, until int64, fn func(*badger.Item, int64, byte) error) error {
	slot := byte(slots - 1)
	if until < p.end() {
		slot = slotOf(until)
	}
	it := txn.NewIterator(badger.IteratorOptions{Reverse: true, Prefix: partitionPrefix(p)})
	defer it.Close()
	for ; slot < slots; slot-- { // until it wraps around
		prefix := seriesPrefix(f.host, p, slot)
		from := append(appendTime(prefix[:len(prefix):len(prefix)], until), 0xFF)
		for it.Seek(from); it.ValidForPrefix(prefix); it.Next() {
			if err := f.ctx.Err(); err != nil {
				return err
			}
			_, nanos, kind, err := parseSnapshotKey(it.Item().Key())
			if err != nil {
				continue
			}
			if nanos < f.cutoff {
				return nil
			}
			if err := fn(it.Item(), nanos, kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// read returns the record that item holds, after making sure that it is the right one.
func (f *finder) read(txn *badger.Txn, item *badger.Item, nanos int64) (r procmon.Record, err error) {
	err = f.value(txn, item, nanos, func(value []byte) error {
		at, ok := codec.BaseTime(value)
		if !ok {
			r, err = f.store.codec.Decode(value)
			return err
		}
		base, err := f.readBase(txn, at)
		if err != nil {
			return fmt.Errorf("it is stored as changes of %s, which cannot be read: %w", procmon.SnapshotID(f.host, nanoTime(at)), err)
		}
		r, err = f.store.codec.DecodeChanges(value, base)
		return err
	})
	return r, f.check(r, nanos, err)
}

// readBase reads the snapshot of that time, which must be stored whole.
func (f *finder) readBase(txn *badger.Txn, nanos int64) (*codec.Base, error) {
	if f.base != nil && baseTime(f.base) == nanos {
		return f.base, nil
	}
	item, err := txn.Get(snapshotKey(f.host, nanos, kindSnapshot))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, errors.New("it is lost")
	}
	if err != nil {
		return nil, err
	}
	var base *codec.Base
	err = f.value(txn, item, nanos, func(value []byte) error {
		base, err = f.store.codec.DecodeBase(value)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := f.check(base.Record, nanos, nil); err != nil {
		return nil, err
	}
	f.base = base
	return base, nil
}

func (f *finder) check(r procmon.Record, nanos int64, err error) error {
	if err == nil && !isOf(r, f.host, nanos) {
		err = fmt.Errorf("it is in the place of another snapshot, %s", procmon.SnapshotID(r.Host, r.Snapshot.Timestamp))
	}
	return err
}

// value calls fn with the value of item, whose parts are put together.
func (f *finder) value(txn *badger.Txn, item *badger.Item, nanos int64, fn func([]byte) error) error {
	return item.Value(func(value []byte) error {
		if len(value) == partsSize && value[0] == valueInParts {
			joined, err := f.join(txn, nanos, binary.BigEndian.Uint32(value[1:]))
			if err != nil {
				return err
			}
			value = joined
		}
		return fn(value)
	})
}

func isOf(r procmon.Record, host string, nanos int64) bool {
	return procmon.HostKey(r.Host) == host && r.Snapshot.Timestamp.UnixNano() == nanos
}

func (f *finder) join(txn *badger.Txn, nanos int64, parts uint32) ([]byte, error) {
	var value []byte
	for number := range parts {
		item, err := txn.Get(partKey(f.host, nanos, number))
		if err != nil {
			return nil, fmt.Errorf("part %d of %d: %w", number+1, parts, err)
		}
		if value, err = appendValue(value, item); err != nil {
			return nil, err
		}
	}
	return value, nil
}

func appendValue(dst []byte, item *badger.Item) ([]byte, error) {
	err := item.Value(func(v []byte) error {
		dst = append(dst, v...)
		return nil
	})
	return dst, err
}
