package storage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
)

// storedBlock is a block, and where it is stored.
type storedBlock struct {
	*block.Block
	key []byte
}

// blocks returns the blocks of the host in a partition. One that is damaged is noted, and
// left out. They are f's until done.
func (f *finder) blocks(txn *badger.Txn, p partition) (all []storedBlock, err error) {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: blockPrefix(f.host, p)})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if err := f.ctx.Err(); err != nil {
			return nil, err
		}
		key := it.Item().KeyCopy(nil)
		_, nanos, rest, err := parseTimeKey(key)
		if err != nil || len(rest) != 8 {
			continue // a part
		}
		b := f.store.opened.take(key)
		if b == nil {
			b, err = f.openBlock(txn, it.Item(), key)
		}
		if err == nil && b.Times()[0] != nanos {
			err = errors.New("it is in the place of another one")
		}
		if err != nil {
			f.lost(nanos, blockName(f.host, nanos), err)
			continue
		}
		all = append(all, storedBlock{b, key})
	}
	f.used = append(f.used, all...)
	return all, nil
}

// lost notes that something which begins at nanos can not be read.
func (f *finder) lost(nanos int64, object string, err error) {
	f.store.damage.add(f.store.log, object, err.Error())
	procmon.NoteLoss(f.ctx, f.host, nanoTime(nanos))
}

// done gives back the blocks that were read, of which nothing is used any more.
func (f *finder) done() {
	f.store.opened.put(f.used)
	f.used = nil
}

// blockName is how Damage names a block.
func blockName(host string, nanos int64) string {
	return "the block of " + procmon.SnapshotID(host, nanoTime(nanos)) + " and what follows it"
}

func (f *finder) openBlock(txn *badger.Txn, item *badger.Item, key []byte) (*block.Block, error) {
	value, err := joined(txn, item, key)
	if err != nil {
		return nil, err
	}
	return block.Open(value, f.store.compressor)
}

// joined returns the value of item, which has that key, with its parts put together.
func joined(txn *badger.Txn, item *badger.Item, key []byte) (value []byte, err error) {
	value, err = item.ValueCopy(nil)
	if err != nil || len(value) != partsSize || value[0] != valueInParts {
		return value, err
	}
	number := binary.BigEndian.Uint32(value[1:])
	value = nil
	for i := range number {
		part, err := txn.Get(appendNumber(key, i))
		if err != nil {
			return nil, fmt.Errorf("part %d of %d: %w", i+1, number, err)
		}
		if value, err = appendValue(value, part); err != nil {
			return nil, err
		}
	}
	return value, nil
}
