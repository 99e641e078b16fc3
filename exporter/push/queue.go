package push

import (
	"bytes"
	"compress/gzip"
	"io"
	"sync"
)

const (
	mostWaiting = 240     // snapshots: four hours of them at the default interval
	mostBytes   = 4 << 20 // compressed; a snapshot of 1,000 processes takes about 40 KB
)

// queue holds snapshots, compressed, until they are delivered.
type queue struct {
	mu      sync.Mutex
	waiting []*item
	bytes   int
	filled  chan struct{} // has a token after something was put
}

// item is one snapshot.
type item struct {
	gzip []byte
	size int // of the JSON, in bytes
}

func newQueue() *queue { return &queue{filled: make(chan struct{}, 1)} }

// put appends a copy of a snapshot and returns how many older ones had to give way. The
// newest is kept whatever its size.
func (q *queue) put(json []byte) (dropped int) {
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	_, _ = w.Write(json) // a bytes.Buffer takes everything
	w.Close()

	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, &item{gzip: bytes.Clone(compressed.Bytes()), size: len(json)})
	q.bytes += compressed.Len()
	for len(q.waiting) > 1 && (len(q.waiting) > mostWaiting || q.bytes > mostBytes) {
		q.dropOldest()
		dropped++
	}
	select {
	case q.filled <- struct{}{}:
	default:
	}
	return dropped
}

func (q *queue) dropOldest() {
	q.bytes -= len(q.waiting[0].gzip)
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
}

// oldest returns the snapshot that is next, or nil. It stays in the queue.
func (q *queue) oldest() *item {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil
	}
	return q.waiting[0]
}

// done takes a snapshot out, unless it has given way already.
func (q *queue) done(i *item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) > 0 && q.waiting[0] == i {
		q.dropOldest()
	}
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// body returns the snapshot as it is sent, and its length.
func (i *item) body(compressed bool) (io.ReadCloser, int64, error) {
	if compressed {
		return io.NopCloser(bytes.NewReader(i.gzip)), int64(len(i.gzip)), nil
	}
	r, err := gzip.NewReader(bytes.NewReader(i.gzip))
	return r, int64(i.size), err
}
