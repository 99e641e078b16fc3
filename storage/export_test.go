package storage

import (
	"testing"

	"github.com/dgraph-io/badger/v4"
)

// Singles returns how many snapshots are in no block.
func Singles(t testing.TB, s *Store) (n int) {
	t.Helper()
	err := s.view(func(txn *badger.Txn) error {
		for _, prefix := range []byte{prefixSnapshot, prefixStep} {
			it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefix}})
			for it.Rewind(); it.Valid(); it.Next() {
				key := it.Item().Key()
				if _, _, kind, err := parseSnapshotKey(key); err == nil && kind == kindSnapshot {
					n++
				}
				if _, _, _, part, err := parseStepKey(key); err == nil && !part {
					n++
				}
			}
			it.Close()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Blocks returns how many blocks there are.
func Blocks(t testing.TB, s *Store) (n int) {
	t.Helper()
	err := s.view(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixBlock}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if _, _, rest, err := parseTimeKey(it.Item().Key()); err == nil && len(rest) == 8 {
				n++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
