package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

// writer gathers requests in a transaction. flush makes them durable; only then are they
// answered and seen by Hosts. A request for which a method returned an error is the
// caller's to answer.
type writer struct {
	store   *Store
	txn     *badger.Txn
	keys    map[string]bool // that are in txn
	pending []pending
	grown   map[*segment]int // those that have steps in txn, and how many snapshots they had before
}

// pending is a request that waits for its transaction.
type pending struct {
	request *request
	apply   func() // makes it visible; nil if there is nothing to be seen
}

// snapshot adds what r holds, unless the same is there already.
func (w *writer) snapshot(r *request) error {
	s := w.store
	there, err := w.stored(r)
	if err != nil {
		return err
	}
	if there {
		if err := w.series(r.host, r.nanos); err != nil { // its removal may have been cut short
			return err
		}
		s.counts.duplicates.Inc()
		w.pending = append(w.pending, pending{request: r}) // it may be in this transaction
		return nil
	}
	if err := s.space.check(); err != nil {
		return err
	}
	if err := w.series(r.host, r.nanos); err != nil {
		return err
	}
	g := s.segmentFor(r)
	before := g.builder.Len()
	value, err := g.appendStep(nil, s.compressor, r.record)
	if err != nil {
		return unfit{err}
	}
	g.touched = s.now().UnixNano()
	if before == 0 {
		s.heads.add(g)
	}
	s.heads.grown(g)
	if w.grown == nil {
		w.grown = make(map[*segment]int)
	}
	if _, noted := w.grown[g]; !noted {
		w.grown[g] = before
	}
	key := stepKey(r.host, g.first, r.nanos)
	if value, err = w.cut(value, func(number uint32) []byte { return appendNumber(key, number) }); err == nil {
		err = w.set(key, value)
	}
	if err != nil {
		w.abandon(err)
		return err
	}
	w.pending = append(w.pending, pending{r, func() {
		s.appended(r)
		w.grown[g]++
	}})
	return nil
}

// stored reports whether the snapshot of r is there, or in the transaction.
func (w *writer) stored(r *request) (bool, error) {
	s := w.store
	if s.heads.holds(r.host, r.nanos) {
		return true, nil
	}
	if r.nanos > s.fleet.newest(r.host) {
		return false, nil
	}
	if s.legacy.there() {
		if there, err := w.has(snapshotKey(r.host, r.nanos, kindSnapshot)); there || err != nil {
			return there, err
		}
	}
	return w.inBlock(r.host, r.nanos)
}

// segmentFor returns the open segment that takes in r, or a new one.
func (s *Store) segmentFor(r *request) *segment {
	var best *segment
	for _, g := range s.heads.in(r.host, partitionOf(r.nanos)) {
		last := g.builder.Last()
		if last < r.nanos && !g.full() && !g.builder.Full(r.record) && (best == nil || last > best.builder.Last()) {
			best = g
		}
	}
	if best == nil {
		best = newSegment(r.host, r.nanos)
	}
	return best
}

// undo takes out of the open segments what has not become durable, by replaying what has.
// A request that waits is not answered by it.
func (w *writer) undo() {
	for g, steps := range w.grown {
		if g.builder.Len() == steps {
			continue
		}
		var fresh *segment
		if steps > 0 {
			var err error
			if fresh, err = w.store.reopen(g, steps); err != nil {
				w.store.damage.add(w.store.log, blockName(g.host, g.first), err.Error())
			}
		}
		w.store.heads.replace(g, fresh)
	}
	w.grown = nil
}

// abandon answers what waits with err, and forgets it.
func (w *writer) abandon(err error) {
	if w.txn != nil {
		w.txn.Discard()
		w.txn, w.keys = nil, nil
	}
	w.undo()
	for _, p := range w.pending {
		p.request.answer(err)
	}
	w.pending = w.pending[:0]
}

// marker adds a stale marker after the newest snapshot of the host, if it has none.
func (w *writer) marker(r *request) error {
	// The newest snapshot may be in the transaction.
	if err := w.flush(); err != nil {
		return err
	}
	at, needed := w.store.fleet.staleFrom(r.host, r.nanos)
	if !needed {
		r.answer(nil)
		return nil
	}
	if err := w.series(r.host, at); err != nil {
		return err
	}
	if err := w.set(markerKey(r.host, at), nil); err != nil {
		return err
	}
	w.pending = append(w.pending, pending{r, func() { w.store.fleet.marked(r.host, at) }})
	return nil
}

// series notes that the host has keys in the partition.
func (w *writer) series(host string, nanos int64) error {
	p := partitionOf(nanos)
	if w.store.fleet.newestPartition(host) == p {
		return nil
	}
	key := hostKey(host, p)
	there, err := w.has(key)
	if there || err != nil {
		return err
	}
	return w.set(key, nil)
}

// valueInParts begins a value that is only the number of parts. It is not a kind of codec.
const valueInParts = 0xFF

const partsSize = 1 + 4 // the byte and the number

// cut returns the value to store in the place of value. One that is too large for a single
// value is cut: the parts are made durable here, under the keys that partKey returns, and
// the value says how many there are; until that is stored they are nothing.
func (w *writer) cut(value []byte, partKey func(number uint32) []byte) ([]byte, error) {
	if len(value) <= maxPart {
		return value, nil
	}
	number := uint32(0)
	for ; len(value) > 0; number++ {
		n := min(len(value), maxPart)
		if err := w.set(partKey(number), value[:n]); err != nil {
			return nil, err
		}
		value = value[n:]
	}
	return binary.BigEndian.AppendUint32([]byte{valueInParts}, number), w.flush()
}

// inBlock reports whether a snapshot is in a block already.
func (w *writer) inBlock(host string, nanos int64) (there bool, err error) {
	w.begin()
	f := finder{store: w.store, ctx: context.Background(), host: host, cutoff: minNanos}
	blocks, err := f.blocks(w.txn, partitionOf(nanos))
	for _, b := range blocks {
		_, there := slices.BinarySearch(b.Times(), nanos)
		if there {
			return true, nil
		}
	}
	return false, err
}

func (w *writer) has(key []byte) (bool, error) {
	if w.keys[string(key)] {
		return true, nil
	}
	w.begin()
	_, err := w.txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (w *writer) begin() {
	if w.txn == nil {
		w.txn = w.store.db.NewTransaction(true)
		w.keys = make(map[string]bool)
	}
}

// set adds a key to the transaction, or to a new one if that is full.
func (w *writer) set(key, value []byte) error {
	w.begin()
	err := w.txn.Set(key, value)
	if errors.Is(err, badger.ErrTxnTooBig) {
		if err := w.flush(); err != nil {
			return err
		}
		w.begin()
		err = w.txn.Set(key, value)
	}
	if err == nil {
		w.keys[string(key)] = true
		w.store.space.wrote(key, value)
	}
	return err
}

// delete removes a key in the transaction, which must have room for it.
func (w *writer) delete(key []byte) error {
	w.store.space.wrote(key, nil)
	return w.txn.Delete(key)
}

// flush makes the transaction durable and answers what waits for it.
func (w *writer) flush() error {
	if w.txn == nil {
		for _, p := range w.pending { // the same again, and nothing else
			p.request.answer(nil)
		}
		w.pending = w.pending[:0]
		return nil
	}
	err := errors.Join(w.store.space.look(), w.store.space.prepareLogs())
	if err == nil {
		err = w.store.space.explain(w.txn.Commit())
		w.store.counts.commits.Inc()
	}
	if err != nil {
		w.abandon(err)
		return err
	}
	w.txn, w.keys = nil, nil
	for _, p := range w.pending {
		if p.apply != nil {
			p.apply()
		}
		p.request.answer(nil)
	}
	w.pending = w.pending[:0]
	return nil
}
