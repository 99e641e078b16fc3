// Package spool holds snapshots until they are delivered, in files that outlive the process.
//
// A directory is used by one process at a time. It has files of up to 16 snapshots each,
// which are written one after the other and removed when all in them are delivered; "lock",
// which is locked while a process uses the directory; and "delivered", which says what in
// the oldest file is. Snapshots of one host differ little: the first of a file is compressed
// with zstd alone, and the others with it as what stood before them. That takes a fifth of
// compressing them one by one, and 64 MiB hold a day of a host with 2,000 processes.
//
// What always holds:
//
//   - A snapshot that Put took to disk is there after SIGKILL and after a power failure: it
//     was written and synced at the end of a file, and the directory too when the file is
//     new (on Windows NTFS does that by itself). Nothing is written over and nothing is
//     renamed, so that a kill at any instant leaves whole snapshots, and perhaps a piece of
//     one at the end of a file which Put did not return for.
//   - Each snapshot has checksums. A damaged one is passed over; a damaged first one of a
//     file costs the file. A damaged file is counted and logged once, and cut to what is
//     intact. A file of a newer version is left alone.
//   - Oldest first. A snapshot may be delivered a second time after a power failure, never
//     out of order.
//   - Memory is bounded, whatever the spool holds: two snapshots, and some 100 bytes a file.
//   - When the disk is full, new snapshots are kept in memory, up to 4 MiB, and go to disk
//     as soon as that has room again. When the spool is full, or its disk and the memory,
//     the oldest give way.
//
// The age of a snapshot does not depend on whether the clock is set while the process runs.
// For those of an earlier process it is what the clock says at the start, but no snapshot is
// younger than those put after it, and one from the future counts as put at the start.
package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Entry is a snapshot in the spool.
type Entry struct {
	JSON []byte

	pos  cursor
	kept *kept // nil if it is on disk
}

// Stats says what is in a spool and counts since it was opened.
type Stats struct {
	Waiting int       // snapshots
	Bytes   int64     // that they take, compressed
	Oldest  time.Time // when the oldest of them was put; the zero time if there is none
	Dropped uint64    // snapshots that gave way or were too old
	Damaged uint64    // files that were not whole
}

// A Spool is a queue of snapshots. Its methods can be called from several goroutines.
type Spool struct {
	o     Options
	clock clock
	put   chan struct{}
	stats atomic.Pointer[Stats]

	mu       sync.Mutex
	coder    coder
	disk     *disk // nil if there is none, or none yet
	memory   memory
	dropped  uint64
	problem  string // of the disk, that is logged
	full     bool   // the problem is that the disk is full
	dropping string // why, that is logged
	closed   bool
}

// Open opens the spool in o.Path. It fails when another process uses it, and when the
// directory cannot be made or read, but not when the disk is full.
func Open(o Options) (*Spool, error) { return open(o, systemClock()) }

func open(o Options, c clock) (*Spool, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.MaxSize == 0 {
		o.MaxSize = DefaultMaxSize
	}
	if o.MaxAge == 0 {
		o.MaxAge = DefaultMaxAge
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Path != "" {
		path, err := filepath.Abs(o.Path) // a service may change its directory
		if err != nil {
			return nil, fmt.Errorf("open the spool %s: %w", o.Path, err)
		}
		o.Path = path
	}
	s := &Spool{o: o, clock: c, put: make(chan struct{}, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.openDisk(); err != nil && !full(err) {
		return nil, err
	}
	s.expire()
	s.publish()
	return s, nil
}

// openDisk opens the directory, if there shall be one and it is not open.
func (s *Spool) openDisk() error {
	if s.o.Path == "" || s.disk != nil {
		return nil
	}
	d := &disk{path: s.o.Path, maxSize: s.o.MaxSize, log: s.o.Logger, clock: s.clock, coder: &s.coder}
	if err := d.openDisk(); err != nil {
		if full(err) {
			s.report(err)
		}
		return err
	}
	s.disk = d
	return nil
}

// Put takes a copy of a snapshot, to disk if there is one, and else to memory. It fails only
// for one that is empty or has more than 64 MiB, and after Close.
func (s *Spool) Put(json []byte) error {
	switch {
	case len(json) == 0:
		return errors.New("put into the spool: the snapshot is empty")
	case len(json) > maxSnapshot:
		return fmt.Errorf("put into the spool: the snapshot has %d bytes; %d are allowed", len(json), maxSnapshot)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fs.ErrClosed
	}
	s.expire()
	now := s.clock.elapsed()
	var err error
	if s.flush() {
		if _, err = s.toDisk(json, now); err == nil {
			s.filled()
			return nil
		}
	}
	payload, err := s.coder.encode(nil, nil, json)
	if err != nil {
		return fmt.Errorf("put into the spool: %w", err)
	}
	s.memory.put(&kept{payload: payload, size: len(json), at: now})
	for s.memory.over() {
		if s.full && s.disk != nil && len(s.disk.files) > 0 && s.flushAfterDrop() {
			break
		}
		if s.memory.over() {
			s.memory.pop()
			s.drop(1, "the memory for them is full")
		}
	}
	s.filled()
	return nil
}

// filled says that there is something to deliver.
func (s *Spool) filled() {
	s.publish()
	select {
	case s.put <- struct{}{}:
	default:
	}
}

// flush moves what is in memory to disk, and reports whether that takes more.
func (s *Spool) flush() bool {
	if s.o.Path == "" || s.openDisk() != nil {
		return false
	}
	var json []byte
	for len(s.memory.kept) > 0 {
		k := s.memory.kept[0]
		var err error
		if json, err = s.coder.decode(json[:0], nil, k.payload, k.size); err == nil {
			if k.moved, err = s.toDisk(json, k.at); err != nil {
				return false
			}
		}
		s.memory.pop()
	}
	return true
}

// flushAfterDrop gives up the oldest file, which the disk may have room for others then.
func (s *Spool) flushAfterDrop() bool {
	s.drop(s.disk.dropFile(), "its disk is full")
	return s.flush()
}

func (s *Spool) toDisk(json []byte, at time.Duration) (cursor, error) {
	pos, dropped, err := s.disk.put(json, at)
	s.drop(dropped, "it has reached its largest size")
	s.report(err)
	return pos, err
}

// report logs a problem of the disk when it comes, changes and goes.
func (s *Spool) report(err error) {
	problem := ""
	if err != nil {
		problem = err.Error()
		var path *fs.PathError // the name of the file changes, and says nothing
		if errors.As(err, &path) {
			problem = path.Op + ": " + path.Err.Error()
		}
	}
	switch {
	case problem == s.problem:
	case err == nil:
		s.o.Logger.Info("the spool takes snapshots to disk again", "path", s.o.Path)
	default:
		s.o.Logger.Error("the spool cannot write to disk; snapshots are kept in memory", "path", s.o.Path, "problem", problem)
	}
	s.problem, s.full = problem, full(err)
}

// drop counts snapshots that are lost, and logs the first.
func (s *Spool) drop(n int, why string) {
	if n == 0 {
		return
	}
	s.dropped += uint64(n)
	if s.dropping != why {
		s.dropping = why
		s.o.Logger.Warn("the spool drops the oldest snapshots", "because", why, "path", s.o.Path, "dropped", n)
	}
}

// expire drops what is too old.
func (s *Spool) expire() {
	const why = "nobody took them in time"
	for s.disk != nil {
		age, ok := s.disk.oldestAge()
		if !ok || age <= s.o.MaxAge {
			break
		}
		r, err := s.disk.peek()
		if err != nil {
			break
		}
		s.disk.pass(r)
		s.drop(1, why)
	}
	for now := s.clock.elapsed(); len(s.memory.kept) > 0 && now-s.memory.kept[0].at > s.o.MaxAge; {
		s.memory.pop()
		s.drop(1, why)
	}
}

// Oldest returns the snapshot that is to be delivered next, its JSON appended to dst. It
// stays in the spool. ok is false when there is none.
func (s *Spool) Oldest(dst []byte) (e Entry, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.publish()
	if s.closed {
		return Entry{}, false
	}
	s.expire()
	if s.disk != nil {
		if json, pos, ok := s.disk.oldest(dst); ok {
			return Entry{JSON: json, pos: pos}, true
		}
	}
	for len(s.memory.kept) > 0 {
		k := s.memory.kept[0]
		if json, err := s.coder.decode(dst, nil, k.payload, k.size); err == nil {
			return Entry{JSON: json, kept: k}, true
		}
		s.memory.pop()
	}
	s.dropping = ""
	return Entry{}, false
}

// Done takes a snapshot that Oldest returned out, unless it has given way already.
func (s *Spool) Done(e Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.publish()
	if s.closed {
		return
	}
	if e.kept != nil && len(s.memory.kept) > 0 && s.memory.kept[0] == e.kept {
		s.memory.pop()
		return
	}
	pos := e.pos
	if e.kept != nil {
		pos = e.kept.moved
	}
	if s.disk != nil {
		s.disk.done(pos)
	}
}

// Filled has a token after something was put.
func (s *Spool) Filled() <-chan struct{} { return s.put }

// Stats returns what was so after the last call of another method. It never waits.
func (s *Spool) Stats() Stats { return *s.stats.Load() }

// publish makes the new Stats.
func (s *Spool) publish() {
	st := Stats{Dropped: s.dropped, Waiting: len(s.memory.kept), Bytes: int64(s.memory.bytes)}
	now := s.clock.elapsed()
	age, ok := time.Duration(0), false
	if s.disk != nil {
		age, ok = s.disk.oldestAge()
		st.Waiting += s.disk.waiting
		st.Bytes += s.disk.bytesWaiting()
		st.Damaged = s.disk.damaged
	}
	if !ok && len(s.memory.kept) > 0 {
		age, ok = now-s.memory.kept[0].at, true
	}
	if ok {
		st.Oldest = s.clock.wall().Add(-age).Round(0)
	}
	s.stats.Store(&st)
}

// Close gives the directory back. What is in it stays; what is in memory is lost.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.flush()
	s.publish()
	s.closed = true
	if n := len(s.memory.kept); n > 0 && s.o.Path != "" {
		s.o.Logger.Warn("snapshots that were not delivered are lost: the spool could not write them to disk", "snapshots", n)
	}
	s.coder.close()
	if s.disk == nil {
		return nil
	}
	if err := s.disk.close(); err != nil {
		return fmt.Errorf("close the spool %s: %w", s.o.Path, err)
	}
	return nil
}
