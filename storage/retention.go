package storage

import (
	"context"
	"errors"
	"maps"
	"slices"
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

// tableBytes returns how large all tables are.
func (s *Store) tableBytes() int64 {
	tables, _ := s.db.Size()
	return tables
}

// expire removes what is older than the retention, and the oldest of what is more than fits.
// Only the committer calls it, since Badger refuses writes while it drops keys.
func (s *Store) expire() error {
	if err := errors.Join(s.space.room(roomToRemove), s.space.prepareLogs()); err != nil {
		return err
	}
	return errors.Join(s.finishRemoval(), s.expireHosts(), s.expirePartitions(), s.expireSize(), s.trimFleet())
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

// expirePartitions removes the partitions of which nothing is kept of any host. It looks at what
// was deleted, too, which is where most keys of a prefix end: to pass over all of it takes long.
func (s *Store) expirePartitions() error {
	cutoff := s.longest()
	expired := make(map[partition]bool)
	err := s.db.View(func(txn *badger.Txn) error {
		for _, prefix := range prefixesOfTime {
			eachKeyed(txn, badger.IteratorOptions{Prefix: []byte{prefix}, AllVersions: true}, func(p partition) bool {
				if p.end() > cutoff {
					return false
				}
				expired[p] = true
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
		if err := s.drop(map[partition]bool{oldest: true}); err != nil {
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
func (s *Store) drop(expired map[partition]bool) error {
	var places []place
	for p := range expired {
		places = append(places, place{p: p})
	}
	if err := s.remove(places); err != nil {
		return err
	}
	s.log.Info("expired history was removed", "partitions", len(expired))
	return nil
}

// eachPartition calls f with the partitions in which there are keys of a prefix, ascending,
// until it returns false.
func eachPartition(txn *badger.Txn, prefix byte, f func(partition) bool) {
	eachKeyed(txn, badger.IteratorOptions{Prefix: []byte{prefix}}, f)
}

// eachKeyed is eachPartition of the keys that an iterator with those options, of which the
// prefix is one byte, comes to.
func eachKeyed(txn *badger.Txn, options badger.IteratorOptions, f func(partition) bool) {
	it := txn.NewIterator(options)
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
		it.Seek(timePrefix(options.Prefix[0], p+1))
	}
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
	if err := s.remove(slices.Collect(maps.Keys(expired))); err != nil {
		return err
	}
	s.log.Info("expired history was removed", "hosts", len(cutoffs), "parts", len(expired))
	return nil
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
