package storage

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// retention is what is kept, and for how long.
type retention struct {
	age   time.Duration
	ageOf func(labels map[string]string) time.Duration
	size  int64
	floor atomic.Int64 // what is before it was removed because of the size; Unix nanoseconds, 0 for nothing
}

// cutoff returns the instant, in Unix nanoseconds, before which nothing is kept of a host
// with those labels.
func (s *Store) cutoff(labels map[string]string) int64 {
	age := s.keep.age
	if s.keep.ageOf != nil {
		if own := s.keep.ageOf(labels); own > 0 {
			age = own
		}
	}
	return s.cutoffAt(age)
}

func (s *Store) cutoffAt(age time.Duration) int64 {
	cutoff := int64(minNanos)
	if age > 0 {
		cutoff = s.now().Add(-age).UnixNano()
	}
	if floor := s.keep.floor.Load(); floor != 0 {
		cutoff = max(cutoff, floor)
	}
	return cutoff
}

// garbage is what was removed and may still take space in files, and the lock of those who
// rewrite files: Badger does not allow two of them at a time.
type garbage struct {
	bytes     atomic.Int64
	rewriting sync.Mutex
}

func (g *garbage) add(bytes int64) { g.bytes.Add(bytes) }

// tidy has Badger rewrite its files when much of them is garbage. By itself it does so only
// when enough new data comes; a store that only shrinks would keep its size.
func (s *Store) tidy(ctx context.Context) error {
	const least = 16 << 20 // bytes for which it is not worth the while
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.garbage.bytes.Load() < max(least, s.tableBytes()/8) || s.space.room(reserveForLogs+s.tableBytes()) != nil {
		return nil
	}
	s.life.RLock()
	defer s.life.RUnlock()
	if s.closed {
		return ErrClosed
	}
	s.garbage.rewriting.Lock()
	defer s.garbage.rewriting.Unlock()
	s.garbage.bytes.Store(0)
	return s.db.Flatten(1)
}

// tableBytes returns how large all tables are.
func (s *Store) tableBytes() int64 {
	tables, _ := s.db.Size()
	return tables
}

// expire removes what is older than the retention, and the oldest of what is more than fits.
// Only the committer calls it, since Badger refuses writes while it drops keys.
func (s *Store) expire() error {
	if !s.garbage.rewriting.TryLock() {
		return nil // the next time
	}
	defer s.garbage.rewriting.Unlock()
	if err := errors.Join(s.space.room(roomToRemove), s.space.prepareLogs()); err != nil {
		return err
	}
	return errors.Join(s.expireHosts(), s.expirePartitions(), s.expireSize(), s.trimFleet())
}

// longest returns from when on something may be kept of any host.
func (s *Store) longest() int64 {
	cutoff := s.cutoff(nil)
	s.fleet.mu.RLock()
	defer s.fleet.mu.RUnlock()
	for _, h := range s.fleet.hosts {
		cutoff = min(cutoff, s.cutoff(h.summary.Labels))
	}
	return cutoff
}

// expirePartitions removes the partitions of which nothing is kept of any host.
func (s *Store) expirePartitions() error {
	cutoff := s.longest()
	var expired []partition
	err := s.db.View(func(txn *badger.Txn) error {
		for _, prefix := range prefixesOfTime {
			eachPartition(txn, prefix, func(p partition) bool {
				if p.end() > cutoff {
					return false
				}
				expired = append(expired, p)
				return true
			})
		}
		return nil
	})
	if err != nil || len(expired) == 0 {
		return err
	}
	return s.drop(expired)
}

// expireSize removes the oldest partitions until the directory takes no more than it may. The
// newest one stays.
func (s *Store) expireSize() error {
	if s.keep.size <= 0 {
		return nil
	}
	for {
		used, err := diskUsage(s.dir)
		if err != nil || used <= s.keep.size {
			return err
		}
		oldest, newest, some := s.extent()
		if !some || oldest >= newest {
			return nil
		}
		s.keep.floor.Store(oldest.end())
		if err := s.drop([]partition{oldest}); err != nil {
			return err
		}
	}
}

// extent returns the oldest and the newest partition in which something is stored.
func (s *Store) extent() (oldest, newest partition, some bool) {
	_ = s.db.View(func(txn *badger.Txn) error {
		for _, prefix := range prefixesOfTime {
			eachPartition(txn, prefix, func(p partition) bool {
				if !some {
					oldest, newest, some = p, p, true
				}
				oldest, newest = min(oldest, p), max(newest, p)
				return true
			})
		}
		return nil
	})
	return oldest, newest, some
}

// drop removes partitions as a whole.
func (s *Store) drop(expired []partition) error {
	gone := make(map[partition]bool)
	var prefixes [][]byte
	for _, p := range expired {
		gone[p] = true
	}
	for p := range gone {
		for _, prefix := range prefixesOfTime {
			prefixes = append(prefixes, timePrefix(prefix, p))
		}
	}
	s.forgetHeads(func(_ string, p partition) bool { return gone[p] })
	// First: what is left after a crash in between is nothing any more; see dropRemains.
	if err := s.forgetPartitions(func(_ string, p partition) bool { return gone[p] }); err != nil {
		return err
	}
	if err := s.db.DropPrefix(prefixes...); err != nil {
		return err
	}
	s.log.Info("expired history was removed", "partitions", len(gone))
	return nil
}

// forgetHeads forgets what memory has of what is gone.
func (s *Store) forgetHeads(gone func(host string, p partition) bool) {
	for _, g := range s.heads.all() {
		if gone(g.host, g.partition) {
			s.heads.remove(g)
		}
	}
	s.fleet.mu.Lock()
	defer s.fleet.mu.Unlock()
	for key, h := range s.fleet.hosts {
		// Whoever has nothing newer has nothing older either.
		if gone(key, partitionOf(h.newest)) {
			delete(s.fleet.hosts, key)
		}
	}
}

// dropRemains removes what is left of partitions whose removal was cut short: no host has
// something there. Segments would be in pieces.
func (s *Store) dropRemains() error {
	noted := make(map[partition]bool)
	var remains [][]byte
	err := s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixHost}})
		for it.Rewind(); it.Valid(); it.Next() {
			if _, p, ok := parseHostKey(it.Item().Key()); ok {
				noted[p] = true
			}
		}
		it.Close()
		for _, prefix := range prefixesOfTime {
			eachPartition(txn, prefix, func(p partition) bool {
				if !noted[p] {
					remains = append(remains, timePrefix(prefix, p))
				}
				return true
			})
		}
		return nil
	})
	if err != nil || len(remains) == 0 {
		return err
	}
	return s.db.DropPrefix(remains...)
}

// eachPartition calls f with the partitions in which there are keys of a prefix, ascending,
// until it returns false.
func eachPartition(txn *badger.Txn, prefix byte, f func(partition) bool) {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefix}})
	defer it.Close()
	for it.Rewind(); it.Valid(); {
		key := it.Item().Key()
		if len(key) < 5 {
			it.Next()
			continue
		}
		p := parsePartition(key[1:5])
		if !f(p) {
			return
		}
		it.Seek(timePrefix(prefix, p+1))
	}
}

// forgetPartitions removes the notes of which host has keys in which partition.
func (s *Store) forgetPartitions(gone func(host string, p partition) bool) error {
	batch := s.db.NewWriteBatch()
	defer batch.Cancel()
	err := s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixHost}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if host, p, ok := parseHostKey(it.Item().Key()); ok && gone(host, p) {
				if err := batch.Delete(it.Item().KeyCopy(nil)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return errors.Join(err, batch.Flush())
}

// expireHosts removes what has expired of hosts of which less is kept than of others. Files are
// rewritten without it: marks of what is deleted would free nothing in a store that only shrinks.
func (s *Store) expireHosts() error {
	if s.keep.ageOf == nil {
		return nil
	}
	longest := s.longest()
	cutoffs := make(map[string]int64)
	s.fleet.mu.RLock()
	for key, h := range s.fleet.hosts {
		if cutoff := s.cutoff(h.summary.Labels); cutoff > longest {
			cutoffs[key] = cutoff
		}
	}
	s.fleet.mu.RUnlock()
	expired := make(map[place]bool)
	for host, cutoff := range cutoffs {
		if err := s.expiredOf(host, cutoff, expired); err != nil {
			return err
		}
	}
	if len(expired) == 0 {
		return nil
	}
	var prefixes [][]byte
	var err error
	for pl := range expired {
		if len(s.heads.in(pl.host, pl.p)) > 0 { // whose steps go in their order
			err = errors.Join(err, s.removeAll(pl.host, pl.p))
		} else {
			prefixes = append(prefixes, s.prefixesOf(pl.host, pl.p)...)
		}
	}
	gone := func(host string, p partition) bool { return expired[place{host, p}] }
	s.forgetHeads(gone)
	if err = errors.Join(err, s.db.DropPrefix(prefixes...)); err != nil {
		return err
	}
	s.log.Info("expired history was removed", "hosts", len(cutoffs), "parts", len(expired))
	// Last, so that after a crash in between the rest is found again.
	return s.forgetPartitions(gone)
}

// expiredOf adds what has expired of a host.
func (s *Store) expiredOf(host string, cutoff int64, expired map[place]bool) error {
	return s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: hostPrefix(host)})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			_, p, ok := parseHostKey(it.Item().Key())
			if ok && p.end() > cutoff {
				return nil
			}
			if ok {
				expired[place{host, p}] = true
			}
		}
		return nil
	})
}

// removeAll removes everything of a host in a partition. Should that be cut short, what is left
// of a segment is its beginning.
func (s *Store) removeAll(host string, p partition) error {
	prefixes := [][]byte{blockPrefix(host, p), markerPrefix(host, p), mergeKey(host, p)}
	if s.legacy.there() {
		for slot := range byte(slots) {
			prefixes = append(prefixes, seriesPrefix(host, p, slot))
		}
	}
	var keys, parts [][]byte
	err := s.db.View(func(txn *badger.Txn) error {
		all := func(o badger.IteratorOptions, fn func(key []byte)) {
			it := txn.NewIterator(o)
			defer it.Close()
			for it.Rewind(); it.Valid(); it.Next() {
				s.garbage.add(it.Item().EstimatedSize())
				fn(it.Item().KeyCopy(nil))
			}
		}
		all(badger.IteratorOptions{Prefix: stepsPrefix(host, p)}, func(key []byte) {
			if _, _, _, part, err := parseStepKey(key); err == nil && part {
				parts = append(parts, key)
			} else {
				keys = append(keys, key)
			}
		})
		slices.Reverse(keys)
		keys = append(keys, parts...)
		for _, prefix := range prefixes {
			all(badger.IteratorOptions{Prefix: prefix}, func(key []byte) { keys = append(keys, key) })
		}
		return nil
	})
	if err != nil {
		return err
	}
	batch := s.db.NewWriteBatch()
	defer batch.Cancel()
	for _, key := range keys {
		if err := batch.Delete(key); err != nil {
			return err
		}
	}
	return batch.Flush()
}

// trimFleet takes out of the summaries what has expired.
func (s *Store) trimFleet() error {
	cutoffs := make(map[string]int64)
	s.fleet.mu.RLock()
	for key, h := range s.fleet.hosts {
		if cutoff := s.cutoff(h.summary.Labels); h.oldest < cutoff {
			cutoffs[key] = cutoff
		}
	}
	s.fleet.mu.RUnlock()
	for key, cutoff := range cutoffs {
		h := *s.fleet.get(key)
		if h.newest < cutoff {
			s.fleet.remove(key)
			continue
		}
		if err := s.setOldest(context.Background(), key, &h, cutoff); err != nil {
			return err
		}
		s.fleet.put(key, &h)
	}
	return nil
}
