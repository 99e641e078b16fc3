// Package storage keeps every snapshot of every host in an embedded Badger database.
//
// What always holds:
//
//   - Append returns nil only when the snapshot is on the disk; a crash at any instant
//     loses nothing that was acknowledged.
//   - A snapshot comes back exactly as it was delivered. The same host and timestamp are
//     stored once; the first delivery wins.
//   - Most snapshots are stored as changes of another of the same host and the same slot
//     of five minutes, their base: the first of the slot that was stored, whole. Late ones,
//     and those that come at once with it, are whole too. Nothing is stored as changes of
//     what is not on the disk yet, or stands in another slot, which expires at another time.
//   - One goroutine writes, in batches; reads never wait for it.
//   - Memory depends on the number of hosts and of their processes, not on the history.
//   - What is older than the retention is never returned, and its space goes back to the
//     file system by whole files.
//   - What cannot be read is named, in the log and by Damage; everything else is served.
//     A damaged base costs the snapshots of its slot, anything else that is damaged itself.
package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/codec"
)

// ErrClosed is what every method returns after Close.
var ErrClosed = errors.New("the store is closed")

// Options of a Store. The zero value is good for a fleet of a few hundred hosts.
type Options struct {
	// Retention is the age at which a snapshot is removed, by its timestamp; 0 keeps all.
	Retention time.Duration
	// StaleAfter is the age at which the newest snapshot of a host is stale without a
	// missed scrape, as for hosts that push; 0 is procmon.StaleAfter.
	StaleAfter time.Duration
	// Memory bounds what the database holds of new data before it becomes a file, in
	// bytes; 0 is 24 MiB, and less than that is raised to it. Files are read through the
	// page cache, which is not counted.
	Memory int64
	// Logger gets what an administrator should know; nil discards it.
	Logger *slog.Logger
	// Clock is used for retention and staleness; nil is time.Now.
	Clock func() time.Time
}

// farthest is how far the snapshot before may be away to derive rates from it.
const farthest = time.Hour

// A Store is an open database. Its methods are safe for concurrent use.
type Store struct {
	dir        string
	retention  time.Duration
	staleAfter time.Duration
	log        *slog.Logger
	now        func() time.Time

	db     *badger.DB
	lock   *dirLock
	codec  *codec.Codec
	fleet  fleet
	damage damageLog
	counts counters

	queue  chan *request
	done   chan struct{} // closed when the committer has ended
	life   sync.RWMutex  // held for reading by whoever uses db or sends to queue
	closed bool
}

// Open opens the database in dir and makes it if dir is empty or does not exist. It
// refuses a directory that holds something else, one that another process has open, and
// one of a newer format. Of a damaged database it opens what is intact; see Damage.
func Open(dir string, o Options) (*Store, error) {
	s := &Store{
		dir:        dir,
		retention:  o.Retention,
		staleAfter: cmp.Or(o.StaleAfter, procmon.StaleAfter),
		log:        o.Logger,
		now:        o.Clock,
		counts:     newCounters(),
		queue:      make(chan *request, queueLength),
		done:       make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.open(o); err != nil {
		return nil, fmt.Errorf("open storage %s: %w", dir, err)
	}
	go s.commitLoop()
	return s, nil
}

// open undoes what it has done when it fails.
func (s *Store) open(o Options) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release())
		}
	}()
	if s.lock, err = prepareDir(s.dir); err != nil {
		return err
	}
	if s.codec, err = codec.New(); err != nil {
		return err
	}
	if err := s.isolateDamage(); err != nil {
		return err
	}
	if s.db, err = openDatabase(databaseDir(s.dir), o, s.log); err != nil {
		return err
	}
	s.fleet.hosts = make(map[string]*host)
	if err := s.restoreIntact(); err != nil {
		return err
	}
	if err := s.checkFormat(); err != nil {
		return err
	}
	if err := markReady(s.dir); err != nil {
		return err
	}
	return s.loadFleet(context.Background())
}

// Close waits for the snapshots that wait to be stored, and closes the database.
func (s *Store) Close() error {
	s.life.Lock()
	if s.closed {
		s.life.Unlock()
		return nil
	}
	s.closed = true
	s.life.Unlock()
	close(s.queue)
	<-s.done
	if err := s.release(); err != nil {
		return fmt.Errorf("close storage %s: %w", s.dir, err)
	}
	return nil
}

func (s *Store) release() error {
	var err error
	if s.db != nil {
		err = s.db.Close()
	}
	if s.codec != nil {
		s.codec.Close()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.release())
	}
	return err
}

// cutoff returns the instant, in Unix nanoseconds, before which nothing is kept.
func (s *Store) cutoff() int64 {
	if s.retention <= 0 {
		return -maxNanos
	}
	return s.now().Add(-s.retention).UnixNano()
}

// view runs fn on a consistent view of the database, which stays open meanwhile. Badger
// panics on some damaged blocks; that becomes an error.
func (s *Store) view(fn func(*badger.Txn) error) (err error) {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.closed {
		return ErrClosed
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("read the database: a file of it is damaged: %v", firstLine(r))
		}
	}()
	return s.db.View(fn)
}
