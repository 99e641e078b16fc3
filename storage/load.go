package storage

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon"
)

// loadHeads replays the steps of all open segments.
func (s *Store) loadHeads() error {
	if err := s.findLegacy(); err != nil {
		return err
	}
	type place struct {
		host  string
		first int64
	}
	work := make(chan place)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 4) {
		workers.Go(func() {
			for p := range work {
				g, err := s.reopen(newSegment(p.host, p.first), math.MaxInt)
				if err != nil && s.superseded(p.host, p.first) {
					continue
				}
				if err != nil {
					s.damage.add(s.log, blockName(p.host, p.first), err.Error())
				}
				if g != nil {
					g.cut = err != nil
					s.heads.add(g)
				}
			}
		})
	}
	err := s.view(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixStep}})
		defer it.Close()
		for it.Rewind(); it.Valid(); {
			host, first, _, _, err := parseStepKey(it.Item().Key())
			if err != nil {
				it.Next()
				continue
			}
			work <- place{host, first}
			it.Seek(behind(appendTime(stepsPrefix(host, partitionOf(first)), first), 13))
		}
		return nil
	})
	close(work)
	workers.Wait()
	return err
}

// superseded reports whether all steps of a segment are in blocks: a damaged file can give
// back what was removed.
func (s *Store) superseded(host string, first int64) (all bool) {
	p := partitionOf(first)
	_ = s.view(func(txn *badger.Txn) error {
		f := finder{store: s, ctx: context.Background(), host: host, cutoff: minNanos}
		blocks, err := f.blocks(txn, p)
		if err != nil {
			return err
		}
		it := txn.NewIterator(badger.IteratorOptions{Prefix: appendTime(stepsPrefix(host, p), first)})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			_, _, nanos, _, err := parseStepKey(it.Item().Key())
			if err != nil || !slices.ContainsFunc(blocks, func(b storedBlock) bool {
				_, there := slices.BinarySearch(b.Times(), nanos)
				return there
			}) {
				return err
			}
		}
		all = true
		return nil
	})
	return all
}

// reopen returns a segment like g with what the disk has of it, at most so many steps. If it
// is damaged, that is an error, and the segment has what stands before the damage; nil if
// there is nothing.
func (s *Store) reopen(g *segment, most int) (fresh *segment, err error) {
	fresh = newSegment(g.host, g.first)
	failed := s.view(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: appendTime(stepsPrefix(g.host, g.partition), g.first)})
		defer it.Close()
		for it.Rewind(); it.Valid() && fresh.builder.Len() < most; it.Next() {
			key := it.Item().KeyCopy(nil)
			_, _, nanos, part, perr := parseStepKey(key)
			if perr != nil || part {
				continue
			}
			value, verr := joined(txn, it.Item(), key)
			if verr == nil {
				verr = fresh.replay(key, value, nanos, s.compressor)
			}
			if verr != nil {
				err = verr
				break
			}
		}
		return nil
	})
	if failed != nil {
		return nil, failed
	}
	if err != nil {
		// A step that failed may be half taken in.
		if intact := fresh.builder.Len() - 1; intact >= 0 && most > intact {
			again, _ := s.reopen(g, intact)
			return again, err
		}
	}
	if fresh.builder.Len() == 0 {
		return nil, err
	}
	fresh.size, fresh.touched = fresh.builder.Size(), fresh.builder.Last()
	return fresh, err
}

// loadFleet makes the summaries of all hosts from the ends of their histories.
func (s *Store) loadFleet(ctx context.Context) error {
	var keys []string
	err := s.view(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixHost}})
		defer it.Close()
		for it.Rewind(); it.Valid(); {
			key, _, ok := parseHostKey(it.Item().Key())
			if !ok {
				it.Next()
				continue
			}
			keys = append(keys, key)
			it.Seek(append(hostKey(key, math.MaxInt32), 0))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		h, err := s.loadHost(ctx, key)
		if err != nil {
			return err
		}
		if h != nil {
			s.fleet.hosts[key] = h
		}
	}
	return nil
}

// loadHost reads the newest snapshots of a host, and when its oldest is of. It returns nil
// if nothing is kept.
func (s *Store) loadHost(ctx context.Context, key string) (*host, error) {
	f := finder{store: s, ctx: ctx, host: key, cutoff: minNanos}
	if err := f.newest(maxNanos, 2); err != nil || len(f.found) == 0 {
		return nil, err
	}
	var h *host
	for _, r := range slices.Backward(f.found) {
		h = s.fleet.add(h, r, r.Snapshot.Timestamp.UnixNano())
	}
	cutoff := s.cutoff(h.summary.Labels)
	if h.newest < cutoff {
		return nil, nil
	}
	if f.marker {
		h.stale = f.stale
	}
	return h, s.setOldest(ctx, key, h, cutoff)
}

// setOldest finds out when the first snapshot of h is of that is not before cutoff.
func (s *Store) setOldest(ctx context.Context, key string, h *host, cutoff int64) error {
	oldest, found, err := s.oldest(ctx, key, cutoff)
	if err != nil {
		return err
	}
	if !found {
		oldest = h.newest
	}
	h.oldest = oldest
	h.summary.FirstSeen = nanoTime(oldest)
	return nil
}

// oldest returns the time of the first snapshot of a host that is not before cutoff.
func (s *Store) oldest(ctx context.Context, key string, cutoff int64) (first int64, found bool, err error) {
	open := s.heads.of(key)
	err = s.view(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: hostPrefix(key)})
		defer it.Close()
		f := finder{store: s, ctx: ctx, host: key, cutoff: cutoff}
		for it.Seek(hostKey(key, partitionOf(cutoff))); it.Valid() && !found; it.Next() {
			_, p, ok := parseHostKey(it.Item().Key())
			if !ok {
				continue
			}
			entries, err := f.others(txn, p, maxNanos, open)
			if err != nil {
				return err
			}
			for _, e := range slices.Backward(entries) {
				if !e.marker {
					first, found = e.nanos, true
					break
				}
			}
		}
		return nil
	})
	return first, found, err
}

// appended takes a snapshot that was just stored into the summary of its host.
func (s *Store) appended(r *request) {
	s.counts.appended.Inc()
	h := s.fleet.get(r.host)
	switch {
	case h == nil || r.nanos > h.newest:
		s.fleet.put(r.host, s.fleet.add(h, r.record, r.nanos))
	case r.nanos > h.before:
		s.reload(r.host) // the newest one is now measured from this one
	case r.nanos < h.oldest:
		late := *h
		late.oldest, late.summary.FirstSeen = r.nanos, nanoTime(r.nanos)
		s.fleet.put(r.host, &late)
	}
}

// reload makes the summary of a host anew from what is stored.
func (s *Store) reload(key string) {
	h, err := s.loadHost(context.Background(), key)
	if errors.Is(err, ErrClosed) {
		return
	}
	if err != nil {
		s.log.Error("the summary of a host could not be renewed", "host", key, "err", err)
		return
	}
	if h != nil {
		s.fleet.put(key, h)
	}
}

// summaries returns what is known of the hosts that have something that is kept, by key.
func (s *Store) summaries() []procmon.HostSummary {
	return s.fleet.summaries(func(h *host) int64 { return s.cutoff(h.summary.Labels) })
}

// kept returns a host if it has something that is kept, and from when on.
func (s *Store) kept(key string) (h *host, cutoff int64) {
	if h = s.fleet.get(key); h == nil {
		return nil, 0
	}
	if cutoff = s.cutoff(h.summary.Labels); h.newest < cutoff {
		return nil, 0
	}
	return h, cutoff
}
