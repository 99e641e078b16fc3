package storage

import (
	"errors"

	"github.com/dgraph-io/badger/v4"
)

// What is removed because of its age or the size goes as Badger's files do, which takes many
// steps: a crash in between would leave blocks and segments in pieces. So a note of what shall go
// is durable before, and what is noted is removed to its end at the next start.

// remove removes places; without a host, a place is the whole partition.
func (s *Store) remove(places []place) error {
	if len(places) == 0 {
		return nil
	}
	batch := s.db.NewWriteBatch()
	defer batch.Cancel()
	for _, pl := range places {
		key := removalKey(pl)
		s.space.wrote(key, nil)
		if err := batch.Set(key, nil); err != nil {
			return err
		}
	}
	if err := batch.Flush(); err != nil {
		return err
	}
	return s.finishRemoval()
}

// finishRemoval removes what is noted for it.
func (s *Store) finishRemoval() error {
	noted := make(map[place]bool)
	var notes, prefixes [][]byte
	err := s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixRemoval}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			pl, ok := parseRemovalKey(it.Item().Key())
			if !ok {
				continue
			}
			noted[pl] = true
			notes = append(notes, it.Item().KeyCopy(nil))
			if pl.host != "" {
				prefixes = append(prefixes, s.prefixesOf(pl.host, pl.p)...)
				continue
			}
			for _, prefix := range prefixesOfTime {
				prefixes = append(prefixes, timePrefix(prefix, pl.p))
			}
		}
		return nil
	})
	if err != nil || len(notes) == 0 {
		return err
	}
	gone := func(host string, p partition) bool { return noted[place{p: p}] || noted[place{host, p}] }
	s.forgetHeads(gone)
	if err := s.forgetPartitions(gone); err != nil {
		return err
	}
	if err := s.dropPrefixes(prefixes...); err != nil {
		return err
	}
	batch := s.db.NewWriteBatch()
	defer batch.Cancel()
	for _, key := range notes {
		s.space.wrote(key, nil)
		if err := batch.Delete(key); err != nil {
			return err
		}
	}
	return batch.Flush()
}

// dropPrefixes has Badger remove all keys with one of the prefixes. Only the committer calls it.
func (s *Store) dropPrefixes(prefixes ...[]byte) error {
	s.rewriting.Lock()
	defer s.rewriting.Unlock()
	return errors.Join(s.space.forgetLog(), s.db.DropPrefix(prefixes...))
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

// forgetPartitions removes the notes of which host has keys in which partition.
func (s *Store) forgetPartitions(gone func(host string, p partition) bool) error {
	batch := s.db.NewWriteBatch()
	defer batch.Cancel()
	err := s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixHost}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if host, p, ok := parseHostKey(it.Item().Key()); ok && gone(host, p) {
				s.space.wrote(it.Item().Key(), nil)
				if err := batch.Delete(it.Item().KeyCopy(nil)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return errors.Join(err, batch.Flush())
}
