package storage

import (
	"context"
	"math"

	"github.com/dgraph-io/badger/v4"
)

// loadFleet makes the summaries of all hosts from the ends of their histories.
func (s *Store) loadFleet(ctx context.Context) error {
	return s.view(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixHost}})
		defer it.Close()
		for it.Rewind(); it.Valid(); {
			key, _, ok := parseHostKey(it.Item().Key())
			if !ok {
				it.Next()
				continue
			}
			h, err := s.loadHost(ctx, txn, key)
			if err != nil {
				return err
			}
			if h != nil {
				s.fleet.hosts[key] = h
			}
			it.Seek(append(hostKey(key, math.MaxInt32), 0))
		}
		return nil
	})
}

// loadHost reads the newest snapshots of a host, and when its oldest is of. It returns nil
// if nothing is kept.
func (s *Store) loadHost(ctx context.Context, txn *badger.Txn, key string) (*host, error) {
	f := finder{store: s, ctx: ctx, host: key, cutoff: s.cutoff()}
	if err := f.newest(txn, maxNanos, 2); err != nil || len(f.found) == 0 {
		return nil, err
	}
	var h *host
	for i := len(f.found) - 1; i >= 0; i-- {
		h = s.fleet.add(h, f.found[i], f.found[i].Snapshot.Timestamp.UnixNano())
	}
	if f.marker {
		h.stale = f.stale
	}
	h.setOldest(oldest(txn, key, f.cutoff, h.newest))
	return h, nil
}

func (h *host) setOldest(nanos int64) {
	h.oldest = nanos
	h.summary.FirstSeen = nanoTime(nanos)
}

// oldest returns the time of the first snapshot of a host that is not before cutoff, or
// otherwise.
func oldest(txn *badger.Txn, key string, cutoff, otherwise int64) int64 {
	partitions := txn.NewIterator(badger.IteratorOptions{Prefix: hostPrefix(key)})
	defer partitions.Close()
	for partitions.Seek(hostKey(key, partitionOf(cutoff))); partitions.Valid(); partitions.Next() {
		_, p, ok := parseHostKey(partitions.Item().Key())
		if !ok {
			continue
		}
		if nanos, ok := oldestIn(txn, key, p, cutoff); ok {
			return nanos
		}
	}
	return otherwise
}

func oldestIn(txn *badger.Txn, key string, p partition, cutoff int64) (int64, bool) {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: partitionPrefix(p)})
	defer it.Close()
	for slot := byte(0); slot < slots; slot++ {
		prefix := seriesPrefix(key, p, slot)
		for it.Seek(appendTime(prefix[:len(prefix):len(prefix)], cutoff)); it.ValidForPrefix(prefix); it.Next() {
			if _, nanos, kind, err := parseSnapshotKey(it.Item().Key()); err == nil && kind == kindSnapshot {
				return nanos, true
			}
		}
	}
	return 0, false
}

// appended takes a snapshot that was just stored into the summary of its host.
func (s *Store) appended(r *request) {
	s.counts.appended.Inc()
	h := s.fleet.get(r.host)
	switch {
	case h == nil || r.nanos > h.newest:
		s.fleet.put(r.host, s.fleet.add(h, r.record, r.nanos))
	case r.nanos > h.before:
		s.reload(r.host) // the newest one is now measured from this one
	case r.nanos < h.oldest:
		late := *h
		late.setOldest(r.nanos)
		s.fleet.put(r.host, &late)
	}
	if r.base != nil {
		s.fleet.setBase(r.host, r.base, s.now().UnixNano())
	}
}

// reload makes the summary of a host anew from what is stored.
func (s *Store) reload(key string) {
	err := s.db.View(func(txn *badger.Txn) error {
		h, err := s.loadHost(context.Background(), txn, key)
		if err == nil && h != nil {
			if old := s.fleet.get(key); old != nil {
				h.base, h.based = old.base, old.based
			}
			s.fleet.put(key, h)
		}
		return err
	})
	if err != nil {
		s.log.Error("the summary of a host could not be renewed", "host", key, "err", err)
	}
}
