package exporter

import (
	"sync"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/proctable"
)

// A collection is one reading of the host. Once published it does not change while anybody
// holds it; when nobody does, its buffers serve the next.
type collection struct {
	home    *collector
	holders int // guarded by home.mu

	began    time.Time // with the monotonic clock
	rows     proctable.Rows
	snapshot procmon.Snapshot // its Processes are those of rows

	mu      sync.Mutex // guards what follows
	json    jx.Encoder
	encoded [encodings]bool
	bodies  [encodings][]byte
}

// release gives the collection back; its holder must not touch it, or what it got of it,
// any more.
func (c *collection) release() {
	c.home.mu.Lock()
	defer c.home.mu.Unlock()
	c.releaseLocked()
}

func (c *collection) releaseLocked() {
	const sparesKept = 2 // two take turns when nobody is slow
	c.holders--
	if c.holders == 0 && len(c.home.spare) < sparesKept {
		c.home.spare = append(c.home.spare, c)
	}
}

// renew makes a spare collection ready for filling by one holder.
func (c *collection) renew() {
	c.holders = 1
	c.encoded = [encodings]bool{}
}

// body returns the snapshot in an encoding, made when first asked for. It is valid until
// the caller releases the collection.
func (c *collection) body(e encoding) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.encoded[identity] {
		c.json.Reset()
		c.snapshot.Encode(&c.json)
		c.bodies[identity], c.encoded[identity] = c.json.Bytes(), true
	}
	if !c.encoded[e] {
		c.bodies[e] = c.home.compressor.compress(c.bodies[e][:0], c.bodies[identity], e)
		c.encoded[e] = true
	}
	return c.bodies[e]
}
