package storage

import (
	"encoding/binary"
	"errors"

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
}

// pending is a request that waits for its transaction.
type pending struct {
	request *request
	apply   func() // makes it visible; nil if there is nothing to be seen
}

// snapshot adds what r holds, unless the same is there already.
func (w *writer) snapshot(r *request) error {
	key := snapshotKey(r.host, r.nanos, kindSnapshot)
	if w.keys[string(key)] {
		w.store.counts.duplicates.Inc()
		w.pending = append(w.pending, pending{request: r})
		return nil
	}
	if r.nanos <= w.store.fleet.newest(r.host) {
		there, err := w.has(key)
		if err != nil {
			return err
		}
		if there {
			w.store.counts.duplicates.Inc()
			r.answer(nil)
			return nil
		}
	}
	value, err := w.parts(r)
	if err != nil {
		return err
	}
	if err := w.series(r.host, r.nanos); err != nil {
		return err
	}
	if err := w.set(key, value); err != nil {
		return err
	}
	w.pending = append(w.pending, pending{r, func() { w.store.appended(r) }})
	return nil
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
	if err := w.set(snapshotKey(r.host, at, kindStale), nil); err != nil {
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

// parts returns the value to store under the key of r's snapshot. One that is too large
// for a single value is cut: the parts are made durable here, and the value says how many
// there are; until that is stored they are nothing.
func (w *writer) parts(r *request) ([]byte, error) {
	rest := *r.value
	if len(rest) <= maxPart {
		return rest, nil
	}
	number := uint32(0)
	for ; len(rest) > 0; number++ {
		n := min(len(rest), maxPart)
		if err := w.set(partKey(r.host, r.nanos, number), rest[:n]); err != nil {
			return nil, err
		}
		rest = rest[n:]
	}
	return binary.BigEndian.AppendUint32([]byte{valueInParts}, number), w.flush()
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
	}
	return err
}

// flush makes the transaction durable and answers what waits for it.
func (w *writer) flush() error {
	if w.txn == nil {
		return nil
	}
	err := w.txn.Commit()
	w.txn.Discard()
	w.txn, w.keys = nil, nil
	w.store.counts.commits.Inc()
	for _, p := range w.pending {
		if err == nil && p.apply != nil {
			p.apply()
		}
		p.request.answer(err)
	}
	w.pending = w.pending[:0]
	return err
}
