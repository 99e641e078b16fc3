package storage

import (
	"slices"
	"sync"

	"github.com/procmon/procmon/storage/internal/block"
)

// opened keeps blocks that were read a while ago, with what was decoded of them, for whoever
// reads on: a block is made once, and its key is never that of another. One that is in use is
// not in here, since it is for one reader at a time; another reader opens it again.
type opened struct {
	mu     sync.Mutex
	blocks []storedBlock // the one that was used last at the end
	size   int           // about how many bytes they take
	most   int
}

// take returns the block with that key, which is the caller's then, or nil.
func (o *opened) take(key []byte) *block.Block {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range slices.Backward(o.blocks) {
		if b := o.blocks[i]; string(b.key) == string(key) {
			o.blocks = slices.Delete(o.blocks, i, i+1)
			o.size -= b.Size()
			return b.Block
		}
	}
	return nil
}

// put gives blocks back; the caller has them no more.
func (o *opened) put(blocks []storedBlock) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, b := range blocks {
		if b.Size() > o.most {
			continue
		}
		o.blocks = append(o.blocks, b)
		o.size += b.Size()
	}
	n := 0
	for ; o.size > o.most; n++ {
		o.size -= o.blocks[n].Size()
	}
	o.blocks = slices.Delete(o.blocks, 0, n)
}
