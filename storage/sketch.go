package storage

import (
	"context"
	"sync"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
)

// sketches remember of partitions that have one block what names and users are in it, so that
// a search need not read those where it finds nothing. What is forgotten is read again.
type sketches struct {
	mu      sync.Mutex
	known   map[place]sketch
	size    int // about how many bytes they take
	most    int
	changes int // how often something was forgotten
}

// place is a host, by key, in a partition.
type place struct {
	host string
	p    partition
}

type sketch struct {
	first, last int64 // times of snapshots
	words       block.Words
}

func (s *sketch) bytes() int {
	const beside = 160 // in the map, with its key
	return s.words.Size() + beside
}

func (ss *sketches) get(host string, p partition) (sketch, bool) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	k, ok := ss.known[place{host, p}]
	return k, ok
}

// now returns what add wants to know from before the block was read.
func (ss *sketches) now() int {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.changes
}

// add remembers k, unless something was forgotten since. Others make room for it.
func (ss *sketches) add(host string, p partition, k sketch, since int) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	at := place{host, p}
	if _, there := ss.known[at]; there || since != ss.changes || k.bytes() > ss.most/16 {
		return
	}
	ss.known[at] = k
	ss.size += k.bytes()
	for old, k := range ss.known {
		if ss.size <= ss.most {
			break
		}
		if old != at {
			delete(ss.known, old)
			ss.size -= k.bytes()
		}
	}
}

// forget is called after the blocks of a host in a partition were changed.
func (ss *sketches) forget(host string, p partition) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.changes++
	at := place{host, p}
	if k, there := ss.known[at]; there {
		ss.size -= k.bytes()
		delete(ss.known, at)
	}
}

// learnWords reads which words the blocks of the last day have. A store that goes on knows them
// since it made the blocks; after a start, the first search would have to wait for that.
func (s *Store) learnWords(ctx context.Context) {
	now := s.now()
	for _, h := range s.fleet.summaries(func(*host) int64 { return minNanos }) {
		err := source{s}.Segments(ctx, procmon.HostKey(h.Host), now.Add(-24*time.Hour).UnixNano(), now.UnixNano(), nil, func(block.Segment) error { return nil })
		if err != nil {
			return // whoever asks is told
		}
	}
}
