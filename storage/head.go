package storage

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/procmon/procmon/storage/internal/block"
)

// A segment is a block that still grows: snapshots of one host in one partition, each later
// than the one before. What makes it up is on the disk, as one step for each snapshot, and
// in memory as a builder. When it is closed the builder becomes a block and the steps go.
type segment struct {
	host      string // key
	partition partition
	first     int64 // time of its first snapshot; it names the segment
	touched   int64 // when the last one came, by our clock
	size      int   // that heads has counted; the committer's
	cut       bool  // steps stand on the disk behind the last one, which cannot be read

	mu      sync.RWMutex // held for writing while builder grows
	builder *block.Builder
}

func newSegment(host string, first int64) *segment {
	return &segment{host: host, partition: partitionOf(first), first: first, builder: block.NewBuilder()}
}

// times returns the times of its snapshots. Later ones may be added behind them.
func (g *segment) times() []int64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.builder.Times()
}

// read calls fn with g, which does not grow meanwhile.
func (g *segment) read(fn func(block.Segment) error) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return fn(g.builder)
}

// heads are the open segments of all hosts. The committer alone changes them; mu is for the
// others, who read. A slice in open is never changed, but replaced.
type heads struct {
	mu   sync.RWMutex
	open map[string][]*segment
	size atomic.Int64 // about how much memory all builders take, in bytes
}

func (h *heads) of(host string) []*segment {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.open[host]
}

// in returns the open segments of a host in a partition.
func (h *heads) in(host string, p partition) (in []*segment) {
	for _, g := range h.of(host) {
		if g.partition == p {
			in = append(in, g)
		}
	}
	return in
}

// all returns every open segment.
func (h *heads) all() (all []*segment) {
	h.mu.RLock()
	for _, segments := range h.open {
		all = append(all, segments...)
	}
	h.mu.RUnlock()
	return all
}

func (h *heads) add(g *segment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open[g.host] = append(slices.Clip(h.open[g.host]), g)
	h.size.Add(int64(g.size))
}

func (h *heads) remove(g *segment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(h.open[g.host]), func(o *segment) bool { return o == g })
	if len(rest) == len(h.open[g.host]) {
		return
	}
	h.size.Add(-int64(g.size))
	if len(rest) == 0 {
		delete(h.open, g.host)
	} else {
		h.open[g.host] = rest
	}
}

// replace puts fresh, which may be nil, in the place of g.
func (h *heads) replace(g, fresh *segment) {
	h.remove(g)
	if fresh != nil {
		h.add(fresh)
	}
}

// grown counts what g has grown by.
func (h *heads) grown(g *segment) {
	size := g.builder.Size()
	h.size.Add(int64(size - g.size))
	g.size = size
}

const (
	// maxSegment is about how much memory a segment may take, in bytes; the block is about a
	// fifth of it. A host with 2,000 processes stays below it for the whole of a partition.
	maxSegment = 12 << 20
	// maxSteps keeps the removal of all steps of a segment in one transaction.
	maxSteps = 4096
	// maxOpen is how many segments of a host are open at a time. One is enough for snapshots
	// that come in their order, two for those of a spool that come beside them.
	maxOpen = 4
)

// full reports whether g should become a block.
func (g *segment) full() bool { return g.cut || g.size >= maxSegment || g.builder.Len() >= maxSteps }

// holds reports whether a snapshot of the host with that time is in an open segment.
func (h *heads) holds(host string, nanos int64) bool {
	for _, g := range h.of(host) {
		if _, there := slices.BinarySearch(g.builder.Times(), nanos); there {
			return true
		}
	}
	return false
}

// newest returns the open segment that holds the host's snapshot of that time, and its step.
func (h *heads) find(host string, nanos int64) (g *segment, step int) {
	for _, g := range h.of(host) {
		if step, there := slices.BinarySearch(g.times(), nanos); there {
			return g, step
		}
	}
	return nil, 0
}
