package storage

import (
	"errors"

	"github.com/dgraph-io/badger/v4"
)

// expire removes the partitions that are older than the retention as a whole, and from the
// memory what is not needed any more. Only the committer calls it, since Badger refuses
// writes while it drops keys.
func (s *Store) expire() error {
	cutoff := s.cutoff()
	s.fleet.dropBases(s.now().UnixNano()-slotWidth, cutoff)
	if s.retention <= 0 {
		return nil
	}
	expired, err := s.expiredPartitions(cutoff)
	if err != nil {
		return err
	}
	if len(expired) > 0 {
		// First, so that after a crash in between the rest is found again.
		if err := s.forgetPartitions(cutoff); err != nil {
			return err
		}
		if err := s.db.DropPrefix(expired...); err != nil {
			return err
		}
		s.log.Info("expired history was removed", "before", nanoTime(cutoff), "partitions", len(expired))
	}
	return s.trimFleet(cutoff)
}

func (s *Store) expiredPartitions(cutoff int64) (prefixes [][]byte, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixSnapshot}})
		defer it.Close()
		for it.Rewind(); it.Valid(); {
			key := it.Item().Key()
			if len(key) < 5 {
				it.Next()
				continue
			}
			p := parsePartition(key[1:5])
			if p.end() > cutoff {
				return nil
			}
			prefixes = append(prefixes, partitionPrefix(p))
			it.Seek(partitionPrefix(p + 1))
		}
		return nil
	})
	return prefixes, err
}

// forgetPartitions removes the notes of which host has keys in the expired partitions.
func (s *Store) forgetPartitions(cutoff int64) error {
	batch := s.db.NewWriteBatch()
	defer batch.Cancel()
	err := s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixHost}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if _, p, ok := parseHostKey(it.Item().Key()); ok && p.end() <= cutoff {
				if err := batch.Delete(it.Item().KeyCopy(nil)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return errors.Join(err, batch.Flush())
}

// trimFleet takes out of the summaries what has expired.
func (s *Store) trimFleet(cutoff int64) error {
	var keys []string
	s.fleet.mu.RLock()
	for key, h := range s.fleet.hosts {
		if h.oldest < cutoff {
			keys = append(keys, key)
		}
	}
	s.fleet.mu.RUnlock()
	return s.db.View(func(txn *badger.Txn) error {
		for _, key := range keys {
			h := *s.fleet.get(key)
			if h.newest < cutoff {
				s.fleet.remove(key)
				continue
			}
			h.setOldest(oldest(txn, key, cutoff, h.newest))
			s.fleet.put(key, &h)
		}
		return nil
	})
}
