package exporter

import (
	"sync"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/events"
	"github.com/procmon/procmon/exporter/proctable"
)

// A collection is one reading of the host. Once published it does not change while anybody
// holds it; when nobody does, its buffers serve the next.
type collection struct {
	home    *collector
	holders int // guarded by home.mu

	began    time.Time // with the monotonic clock
	rows     proctable.Rows
	snapshot procmon.Snapshot // its Processes are those of rows; it has no Events
	upTo     events.Cursor    // after the events that belong to it

	mu     sync.Mutex // guards what follows
	shared *rendering // for the first who asks and all who ask for the same
}

// A rendering is a collection with the events after a cursor, in the encodings that were
// asked for.
type rendering struct {
	after   events.Cursor
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
	if c.holders--; c.holders > 0 {
		return
	}
	// Only the latest collection is asked for its bodies, and these are large.
	if c.shared != nil {
		c.home.rendering, c.shared = c.shared, nil
	}
	if len(c.home.spare) < sparesKept {
		c.home.spare = append(c.home.spare, c)
	}
}

// takeRendering returns an empty rendering, with the buffers of one that nobody needs any more
// if there is one.
func (c *collector) takeRendering() *rendering {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.rendering
	if r == nil || r.idle() {
		return &rendering{}
	}
	c.rendering = nil
	r.encoded = [encodings]bool{}
	return r
}

// idle reports whether the buffer is so much larger than what it holds that most of it would
// lie idle: a snapshot with many events is no measure for the next.
func (r *rendering) idle() bool {
	const small = 1 << 20 // bytes
	last := r.json.Bytes()
	return cap(last) > small && cap(last) > 4*len(last)
}

// body returns the snapshot with its events after a cursor in an encoding, made when first
// asked for. It is valid until the caller releases the collection.
func (c *collection) body(after events.Cursor, e encoding) []byte {
	after = min(after, c.upTo)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shared == nil {
		c.shared = c.home.takeRendering()
		c.shared.after = after
	}
	r := c.shared
	if r.after != after { // the shared bodies may be on their way to somebody
		r = &rendering{after: after}
	}
	return r.body(c, e)
}

func (r *rendering) body(c *collection, e encoding) []byte {
	if !r.encoded[identity] {
		snapshot := c.snapshot
		snapshot.Events = c.home.eventsBetween(r.after, c.upTo)
		const perProcess = 448 // bytes: growing step by step would leave much garbage
		r.json.Reset()
		r.json.Grow(perProcess * len(snapshot.Processes))
		snapshot.Encode(&r.json)
		r.bodies[identity], r.encoded[identity] = r.json.Bytes(), true
	}
	if !r.encoded[e] {
		r.bodies[e] = c.home.compressor.compress(r.bodies[e][:0], r.bodies[identity], e)
		r.encoded[e] = true
	}
	return r.bodies[e]
}
