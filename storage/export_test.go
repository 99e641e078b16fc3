package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
	"github.com/procmon/procmon/storage/internal/codec"
	"github.com/procmon/procmon/test/workload"
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

// Legacy returns how many snapshots of formats 1 and 2 there are.
func Legacy(t testing.TB, s *Store) (n int) {
	t.Helper()
	err := s.view(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixSnapshot}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if _, _, kind, err := parseSnapshotKey(it.Item().Key()); err == nil && kind == kindSnapshot {
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

// WriteFormat2 makes a store of format 2 in dir with records that stand in the order of time
// host by host: the first one of five minutes whole, the others as what differs from it, and
// a stale marker after the last of each host.
func WriteFormat2(t testing.TB, dir string, records []procmon.Record) {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := writer{store: s}
	var base *codec.Base
	for i, r := range records {
		host, nanos := procmon.HostKey(r.Host), r.Snapshot.Timestamp.UnixNano()
		key := snapshotKey(host, nanos, kindSnapshot)
		var value []byte
		if base == nil || base.Host != r.Host || !sameSlot(baseTime(base), nanos) {
			if value, err = s.codec.Encode(nil, r); err == nil {
				base = codec.NewBase(r, value)
			}
		} else {
			value, err = s.codec.EncodeChanges(nil, r, base)
		}
		if err == nil {
			value, err = w.cut(value, func(number uint32) []byte { return partKey(host, nanos, number) })
		}
		if err = errors.Join(err, w.set(key, value), w.set(hostKey(host, partitionOf(nanos)), nil)); err != nil {
			t.Fatal(err)
		}
		if i+1 == len(records) || records[i+1].Host != r.Host {
			if err := w.set(snapshotKey(host, nanos+1, kindStale), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = errors.Join(w.set(formatKey(), binary.BigEndian.AppendUint64(nil, 2)), w.flush(), s.Close(), writeMarker(dir, markerReady+"2"))
	if err != nil {
		t.Fatal(err)
	}
}

// Fill stores the blocks of so many steps for hosts whose histories are those that are given,
// again and again, under their own names. Only what reads snapshots by their host notices.
func Fill(t testing.TB, s *Store, hosts int, histories []*workload.Host, steps int) {
	t.Helper()
	made := make([][]madeBlock, len(histories))
	for kind, h := range histories {
		var p partition
		bs := builders{z: s.compressor}
		for range steps {
			r := h.Record()
			if at := partitionOf(r.Snapshot.Timestamp.UnixNano()); bs.b == nil || at != p {
				bs.finish()
				bs.b, p = block.NewBuilder(), at
			}
			if _, err := bs.b.Add(nil, r); err != nil {
				t.Fatal(err)
			}
		}
		bs.finish()
		made[kind] = bs.made
	}
	set := func(batch *badger.WriteBatch, key, value []byte) {
		if err := batch.Set(key, value); err != nil {
			t.Fatal(err)
		}
	}
	// In their order, as they come.
	for n := range made[0] {
		batch := s.db.NewWriteBatch()
		for i := range hosts {
			kind := i % len(histories)
			if n >= len(made[kind]) {
				continue
			}
			b := made[kind][n]
			host := procmon.HostKey(fmt.Sprintf("%s%03d", strings.TrimRight(histories[kind].Name, "0123456789"), i))
			set(batch, blockKey(host, b.first, 1), b.value)
			set(batch, hostKey(host, partitionOf(b.first)), nil)
		}
		if err := batch.Flush(); err != nil {
			t.Fatal(err)
		}
	}
}

// DropBefore removes what is before an instant, as when the directory is too large.
func DropBefore(s *Store, at time.Time) error {
	return s.do(context.Background(), &request{op: runTask, task: func(*writer) error {
		floor := partitionOf(at.UnixNano())
		gone := make(map[partition]bool)
		err := s.db.View(func(txn *badger.Txn) error {
			for _, prefix := range prefixesOfTime {
				eachPartition(txn, prefix, func(p partition) bool {
					if p < floor {
						gone[p] = true
					}
					return p < floor
				})
			}
			return nil
		})
		s.keep.floor.Store(floor.start())
		return errors.Join(err, s.drop(gone), s.trimFleet())
	}})
}

// CloseAll makes blocks of all open segments.
func CloseAll(s *Store) error {
	return s.do(context.Background(), &request{op: runTask, task: func(w *writer) error {
		for _, g := range s.heads.all() {
			if err := w.close(g); err != nil {
				return err
			}
		}
		return nil
	}})
}

// Behind makes the store take it that new tables wait for room, or no more.
func Behind(s *Store, waits bool) {
	err := fmt.Errorf("%w: 10 MiB are free, and 20 MiB must be", ErrFull)
	if !waits {
		s.space.behind.Store(nil)
		return
	}
	s.space.behind.Store(&err)
}

// Rewritten is rewritten.
func Rewritten(tables []badger.TableInfo, base int) int64 { return rewritten(tables, base) }
