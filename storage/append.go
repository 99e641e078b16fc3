package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/procmon/procmon"
)

// queueLength is how many requests wait before a caller does.
const queueLength = 256

// operation is what a request asks for.
type operation int

const (
	storeSnapshot operation = iota
	storeMarker
	removeExpired
	runTask
)

// request is one thing to write. The committer owns it from the queue until it answers.
type request struct {
	ctx    context.Context
	op     operation
	host   string // key
	nanos  int64
	record procmon.Record
	task   func(*writer) error
	done   chan error // has room for the answer
}

func (r *request) answer(err error) { r.done <- err }

// Append stores r and returns when it is durable. The same host and timestamp again is no
// error and changes nothing. A snapshot that is older than the retention, or that cannot
// be stored, is a *procmon.FieldError; ErrFull says that there is no room. After any other
// error, and after ctx has ended, the snapshot may be stored or not; it can be appended
// again. r must not change any more.
func (s *Store) Append(ctx context.Context, r procmon.Record) error {
	start := time.Now()
	if err := procmon.CheckHost(r.Host); err != nil {
		return &procmon.FieldError{Field: "host", Problem: err.Error()}
	}
	if err := check(r.Snapshot); err != nil {
		return err
	}
	nanos := r.Snapshot.Timestamp.UnixNano()
	if cutoff := s.cutoff(r.Labels); nanos < cutoff {
		return &procmon.FieldError{Field: "timestamp", Problem: fmt.Sprintf("%s is older than what is kept, which begins at %s",
			r.Snapshot.Timestamp.Format(time.RFC3339), nanoTime(cutoff).Format(time.RFC3339))}
	}
	err := s.do(ctx, &request{op: storeSnapshot, host: procmon.HostKey(r.Host), nanos: nanos, record: r})
	if unfit := (unfit{}); errors.As(err, &unfit) {
		return &procmon.FieldError{Problem: unfit.Error()}
	}
	if err != nil {
		return fmt.Errorf("store snapshot %s: %w", procmon.SnapshotID(r.Host, r.Snapshot.Timestamp), err)
	}
	s.counts.appendSeconds.Observe(time.Since(start).Seconds())
	return nil
}

// maxSnapshotTexts bounds the names, command lines and the like of one snapshot, in bytes, so
// that a block can hold it with those before it.
const maxSnapshotTexts = 32 << 20

// check returns what is wrong with a snapshot that no block can hold: times must fit into Unix
// nanoseconds, and so must what lies between two of them.
func check(s *procmon.Snapshot) error {
	c := checker{}
	c.time(s.Timestamp, "timestamp", -1, "")
	c.opt(s.System.BootTime, "boot_time", -1, "")
	for i := range s.Processes {
		p := &s.Processes[i]
		c.opt(p.StartTime, "processes", i, "start_time")
		c.texts += len(p.Name) + len(p.Cmdline.Value) + len(p.Exe.Value) + len(p.Username.Value) + len(p.Company.Value) + len(p.Description.Value)
	}
	for i := range s.Events {
		e := &s.Events[i]
		c.time(e.Time, "events", i, "time")
		c.opt(e.StartTime, "events", i, "start_time")
		c.texts += len(e.Name.Value) + len(e.Cmdline.Value) + len(e.Exe.Value) + len(e.Username.Value)
	}
	switch {
	case c.bad != nil:
		return c.bad
	case c.texts > maxSnapshotTexts:
		return &procmon.FieldError{Problem: fmt.Sprintf("the texts of the snapshot take %d bytes; at most %d are allowed", c.texts, maxSnapshotTexts)}
	}
	return nil
}

type checker struct {
	bad   *procmon.FieldError // the first
	texts int
}

// What has its nanoseconds in an int64, in whole years; Unix seconds.
var (
	earliest = time.Date(1680, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	latest   = time.Date(2261, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// time checks t, which is of that field, or of that field of an item of a list.
func (c *checker) time(t time.Time, field string, item int, of string) {
	if at := t.Unix(); at >= earliest && at < latest || c.bad != nil {
		return
	}
	if item >= 0 {
		field = fmt.Sprintf("%s[%d].%s", field, item, of)
	}
	c.bad = &procmon.FieldError{Field: field, Problem: fmt.Sprintf("the time %s is not between the years 1680 and 2260", t.Format(time.RFC3339))}
}

func (c *checker) opt(t procmon.Opt[time.Time], field string, item int, of string) {
	if t.Known {
		c.time(t.Value, field, item, of)
	}
}

// unfit is why a snapshot cannot be stored, now or ever.
type unfit struct{ error }

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

const (
	// commitInterval is the least time between the beginnings of two commits. Each costs a
	// sync of the log, whatever it holds; with that of every snapshot, a server that gets 100
	// a second spends a tenth of its CPU there. A scrape or a POST does not notice the delay.
	commitInterval = 40 * time.Millisecond
	// inAnswer is how soon after an answer the next snapshot comes of one who waited for it.
	// Where as many come as were answered, nobody else is waited for.
	inAnswer = 2 * time.Millisecond
)

// commitLoop is the only writer. It takes whatever waits as one batch, so that many share
// the cost of one sync.
func (s *Store) commitLoop() {
	defer close(s.done)
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	batch := make([]*request, 0, queueLength)
	var next, answered time.Time // no commit begins before; when the last one ended
	for {
		select {
		case r, ok := <-s.queue:
			if !ok {
				return
			}
			usual := len(batch)
			batch = s.drain(append(batch[:0], r))
			if time.Since(answered) <= inAnswer {
				batch = s.gather(batch, usual, answered.Add(inAnswer))
			}
			if len(batch) < usual || time.Since(answered) > inAnswer {
				batch = s.gather(batch, cap(batch), next)
			}
			next = time.Now().Add(commitInterval)
			s.commit(batch)
			clear(batch)
			answered = time.Now()
		case <-tick.C:
			if err := s.expire(); err != nil {
				s.log.Error("expired snapshots could not be removed", "err", err)
			}
		}
	}
}

// gather adds to batch what comes before then, and what waits at that time. It returns
// earlier when batch has so many, or the store is closed.
func (s *Store) gather(batch []*request, enough int, then time.Time) []*request {
	pause := time.NewTimer(time.Until(then))
	defer pause.Stop()
	for len(batch) < enough {
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
		case removeExpired, runTask:
			if err = w.flush(); err == nil && r.op == runTask {
				err = r.task(&w)
			} else if err == nil {
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
	w.relieve()
}
