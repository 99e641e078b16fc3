package storage

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/codec"
)

// queueLength is how many requests wait before a caller does.
const queueLength = 256

// operation is what a request asks for.
type operation int

const (
	storeSnapshot operation = iota
	storeMarker
	removeExpired
)

// request is one thing to write. The committer owns it from the queue until it answers.
type request struct {
	ctx    context.Context
	op     operation
	host   string // key
	nanos  int64
	record procmon.Record
	value  *[]byte     // the encoded record, from values
	base   *codec.Base // the record, if it is encoded whole
	done   chan error  // has room for the answer
}

// answer ends r; its buffer is free again.
func (r *request) answer(err error) {
	if r.value != nil {
		values.Put(r.value)
		r.value = nil
	}
	r.done <- err
}

// values are the buffers of encoded records; the committer gives them back.
var values = sync.Pool{New: func() any { return new([]byte) }}

// Append stores r and returns when it is durable. The same host and timestamp again is no
// error and changes nothing. A snapshot that is older than the retention, or that cannot
// be stored, is a *procmon.FieldError. After any other error, and after ctx has ended, the
// snapshot may be stored or not; it can be appended again. r must not change any more.
func (s *Store) Append(ctx context.Context, r procmon.Record) error {
	start := time.Now()
	if err := procmon.CheckHost(r.Host); err != nil {
		return &procmon.FieldError{Field: "host", Problem: err.Error()}
	}
	nanos := r.Snapshot.Timestamp.UnixNano()
	if nanos < s.cutoff() {
		return &procmon.FieldError{Field: "timestamp", Problem: fmt.Sprintf("%s is older than what is kept, which is the last %s",
			r.Snapshot.Timestamp.Format(time.RFC3339), s.retention)}
	}
	add := &request{op: storeSnapshot, host: procmon.HostKey(r.Host), nanos: nanos, record: r}
	if err := s.encode(add); err != nil {
		return &procmon.FieldError{Problem: err.Error()}
	}
	if err := s.do(ctx, add); err != nil {
		return fmt.Errorf("store snapshot %s: %w", procmon.SnapshotID(r.Host, r.Snapshot.Timestamp), err)
	}
	s.counts.appendSeconds.Observe(time.Since(start).Seconds())
	return nil
}

// encode makes the value of r, as changes of the base if its slot has one.
func (s *Store) encode(r *request) error {
	value := values.Get().(*[]byte)
	base := s.fleet.base(r.host, r.nanos)
	var encoded []byte
	var err error
	if base != nil {
		encoded, err = s.codec.EncodeChanges((*value)[:0], r.record, base)
	} else {
		encoded, err = s.codec.Encode((*value)[:0], r.record)
	}
	if err != nil {
		values.Put(value)
		return err
	}
	*value = encoded
	r.value = value
	if base == nil {
		r.base = codec.NewBase(r.record, encoded)
	}
	return nil
}

// MarkStale says that a scrape of host was missed at the given instant: from there, but
// never before its newest snapshot, the host is stale until the next one. It returns when
// that is durable. A host that is stale already stays so, and one that is not known has
// nothing to be stale.
func (s *Store) MarkStale(ctx context.Context, host string, at time.Time) error {
	err := s.do(ctx, &request{op: storeMarker, host: procmon.HostKey(host), nanos: at.UnixNano()})
	if err != nil {
		return fmt.Errorf("mark %q stale: %w", host, err)
	}
	return nil
}

// Expire removes what is older than the retention, as the store does by itself every
// minute, and returns when its space was given back.
func (s *Store) Expire(ctx context.Context) error {
	if err := s.do(ctx, &request{op: removeExpired}); err != nil {
		return fmt.Errorf("expire snapshots: %w", err)
	}
	return nil
}

// do has the committer carry out r.
func (s *Store) do(ctx context.Context, r *request) error {
	r.ctx, r.done = ctx, make(chan error, 1)
	if err := s.enqueue(ctx, r); err != nil {
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) enqueue(ctx context.Context, r *request) error {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.closed {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.queue <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// expireEvery is how often the store looks for what has expired.
const expireEvery = time.Minute

// commitInterval is the least time between the beginnings of two commits. Each costs a sync
// of the log, whatever it holds; with that of every snapshot, a server that gets 100 a second
// spends a tenth of its CPU there. A scrape or a POST does not notice the delay.
const commitInterval = 40 * time.Millisecond

// commitLoop is the only writer. It takes whatever waits as one batch: after a pause a lone
// snapshot is not delayed, and many share the cost of one sync.
func (s *Store) commitLoop() {
	defer close(s.done)
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	batch := make([]*request, 0, queueLength)
	var next time.Time // no commit begins before
	for {
		select {
		case r, ok := <-s.queue:
			if !ok {
				return
			}
			batch = s.gather(append(batch[:0], r), next)
			next = time.Now().Add(commitInterval)
			s.commit(batch)
			clear(batch)
		case <-tick.C:
			if err := s.expire(); err != nil {
				s.log.Error("expired snapshots could not be removed", "err", err)
			}
		}
	}
}

// gather adds to batch what comes before then, and what waits at that time. It returns
// earlier when batch is full or the store is closed.
func (s *Store) gather(batch []*request, then time.Time) []*request {
	pause := time.NewTimer(time.Until(then))
	defer pause.Stop()
	for len(batch) < cap(batch) {
		select {
		case r, ok := <-s.queue:
			if !ok {
				return batch
			}
			batch = append(batch, r)
		case <-pause.C:
			return s.drain(batch)
		}
	}
	return batch
}

// drain adds to batch what waits now.
func (s *Store) drain(batch []*request) []*request {
	for len(batch) < cap(batch) {
		select {
		case r, ok := <-s.queue:
			if !ok {
				return batch
			}
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// commit carries out a batch and answers every request of it.
func (s *Store) commit(batch []*request) {
	w := writer{store: s}
	for _, r := range batch {
		if err := r.ctx.Err(); err != nil {
			r.answer(err)
			continue
		}
		var err error
		switch r.op {
		case storeSnapshot:
			err = w.snapshot(r)
		case storeMarker:
			err = w.marker(r)
		case removeExpired:
			if err = w.flush(); err == nil {
				err = s.expire()
			}
			r.answer(err)
			continue
		}
		if err != nil {
			r.answer(err)
		}
	}
	_ = w.flush() // it has answered every request
}
