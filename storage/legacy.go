package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/codec"
)

// Formats 1 and 2 kept every snapshot under a key of its own, whole or as what differed from
// another of its five minutes. They are read as they are, and become blocks in the
// background after such a database was opened.

// legacy says what is left of the older formats.
type legacy struct {
	some    atomic.Bool
	damaged map[partition]bool // of Seal: those that cannot become blocks as a whole
}

func (l *legacy) there() bool { return l.some.Load() }

// findLegacy looks for snapshots of an older format.
func (s *Store) findLegacy() error {
	return s.db.View(func(txn *badger.Txn) error {
		eachPartition(txn, prefixSnapshot, func(partition) bool {
			s.legacy.some.Store(true)
			return false
		})
		return nil
	})
}

// migrate makes blocks of what an older format left.
func (s *Store) migrate(ctx context.Context) error {
	if !s.legacy.there() {
		return nil
	}
	var due []partition
	err := s.view(func(txn *badger.Txn) error {
		eachPartition(txn, prefixSnapshot, func(p partition) bool {
			due = append(due, p)
			return true
		})
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range due {
		if s.legacy.damaged[p] {
			continue
		}
		err := s.migratePartition(ctx, p)
		if errors.Is(err, errDamaged) {
			// What is damaged was named. Reading it again every minute would not mend it.
			if s.legacy.damaged == nil {
				s.legacy.damaged = make(map[partition]bool)
			}
			s.legacy.damaged[p] = true
			continue
		}
		if err != nil {
			return err
		}
	}
	if len(s.legacy.damaged) == 0 {
		s.legacy.some.Store(false)
		s.log.Info("the history of an older format became blocks", "partitions", len(due))
	}
	return nil
}

func (s *Store) migratePartition(ctx context.Context, p partition) error {
	hosts, err := s.hostsOf(p)
	if err != nil {
		return err
	}
	damaged := false
	for _, host := range hosts {
		err := s.migrateHost(ctx, host, p)
		if errors.Is(err, errDamaged) {
			damaged = true
		} else if err != nil {
			return fmt.Errorf("%q: %w", host, err)
		}
	}
	if damaged {
		return errDamaged
	}
	return s.do(ctx, &request{op: runTask, task: func(*writer) error { return s.dropPrefixes(partitionPrefix(p)) }})
}

// hostsOf returns the hosts that have snapshots of an older format in a partition.
func (s *Store) hostsOf(p partition) (hosts []string, err error) {
	err = s.view(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: partitionPrefix(p)})
		defer it.Close()
		for it.Rewind(); it.Valid(); {
			host, nanos, _, err := parseSnapshotKey(it.Item().Key())
			if err != nil {
				it.Next()
				continue
			}
			hosts = append(hosts, host)
			it.Seek(behind(seriesPrefix(host, p, slotOf(nanos)), 10)) // every time and kind
		}
		return nil
	})
	slices.Sort(hosts)
	return slices.Compact(hosts), err
}

// migrateHost makes blocks of those snapshots that are in none, and moves the markers.
func (s *Store) migrateHost(ctx context.Context, host string, p partition) error {
	var made []madeBlock
	var markers []int64
	damaged := false
	err := s.view(func(txn *badger.Txn) error {
		f := finder{store: s, ctx: ctx, host: host, cutoff: minNanos}
		blocks, err := f.blocks(txn, p)
		if err != nil {
			return err
		}
		entries, err := f.singles(nil, txn, p, p.end()-1)
		if err != nil {
			return err
		}
		entries = slices.DeleteFunc(entries, func(e entry) bool {
			if e.marker {
				markers = append(markers, e.nanos)
				return true
			}
			if slices.ContainsFunc(blocks, func(b storedBlock) bool {
				_, there := slices.BinarySearch(b.Times(), e.nanos)
				return there
			}) {
				return true
			}
			if _, err := e.read(); err != nil {
				f.store.damage.add(f.store.log, procmon.SnapshotID(f.host, nanoTime(e.nanos)), err.Error())
				damaged = true
				return true
			}
			return false
		})
		made, err = f.build(entries)
		return err
	})
	if err != nil {
		return err
	}
	err = s.do(ctx, &request{op: runTask, task: func(w *writer) error {
		if there, err := w.has(hostKey(host, p)); !there || err != nil {
			return err // it has expired meanwhile
		}
		for _, nanos := range markers {
			if err := w.set(markerKey(host, nanos), nil); err != nil {
				return err
			}
		}
		if err := w.replaceBlocks(host, made, nil); err != nil {
			w.abandon(err)
			return err
		}
		if len(made) > 0 {
			if err := w.set(mergeKey(host, p), nil); err != nil {
				return err
			}
		}
		err := w.flush()
		s.sketches.forget(host, p)
		return err
	}})
	if err == nil && damaged {
		err = errDamaged
	}
	return err
}

// singles adds to all what is stored of an older format, from until back to the cutoff.
func (f *finder) singles(all []entry, txn *badger.Txn, p partition, until int64) ([]entry, error) {
	it := txn.NewIterator(badger.IteratorOptions{Reverse: true, Prefix: partitionPrefix(p)})
	defer it.Close()
	for slot := byte(slots - 1); slot < slots; slot-- { // until it wraps around
		prefix := seriesPrefix(f.host, p, slot)
		for it.Seek(behind(prefix, 10)); it.ValidForPrefix(prefix); it.Next() {
			if err := f.ctx.Err(); err != nil {
				return nil, err
			}
			_, nanos, kind, err := parseSnapshotKey(it.Item().Key())
			if err != nil || nanos < f.cutoff || nanos > until {
				continue
			}
			switch kind {
			case kindStale:
				all = append(all, entry{nanos: nanos, marker: true})
			case kindSnapshot:
				all = append(all, entry{nanos: nanos, read: func() (procmon.Record, error) { return f.single(txn, nanos) }})
			}
		}
	}
	return all, nil
}

// single returns a record, after making sure that it is the right one.
func (f *finder) single(txn *badger.Txn, nanos int64) (r procmon.Record, err error) {
	item, err := txn.Get(snapshotKey(f.host, nanos, kindSnapshot))
	if err != nil {
		return r, err
	}
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

func baseTime(b *codec.Base) int64 { return b.Snapshot.Timestamp.UnixNano() }
