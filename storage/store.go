// Package storage keeps every snapshot of every host in an embedded Badger database.
//
// What always holds:
//
//   - Append returns nil only when the snapshot is on the disk; a crash at any instant
//     loses nothing that was acknowledged.
//   - A snapshot comes back exactly as it was delivered. The same host and timestamp are
//     stored once; the first delivery wins.
//   - Snapshots of a host gather in a segment, in memory and step by step on the disk; some
//     minutes after the end of every two hours, or when memory runs short, it becomes a
//     block: see head.go and close.go.
//   - One goroutine writes, in batches; reads never wait for it.
//   - Memory depends on Options.Memory and the number of hosts, not on the history.
//   - What is older than the retention is never returned, and its space goes back to the
//     file system by whole files.
//   - What cannot be read is named, in the log and by Damage; everything else is served.
package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
	"github.com/procmon/procmon/storage/internal/codec"
)

// ErrClosed is what every method returns after Close.
var ErrClosed = errors.New("the store is closed")

// Options of a Store. The zero value is good for a fleet of a few hundred hosts.
type Options struct {
	// Retention is the age at which a snapshot is removed, by its timestamp; 0 keeps all.
	Retention time.Duration
	// RetentionOf returns the age for a host with those labels; 0 is Retention. Nil is
	// Retention for all.
	RetentionOf func(labels map[string]string) time.Duration
	// RetentionSize is how much disk space the directory may take, in bytes: when it takes
	// more, the oldest two hours of all hosts are removed, and so on. 0 is no bound. What is
	// being written is never removed, and takes some tens of megabytes.
	RetentionSize int64
	// StaleAfter is the age at which the newest snapshot of a host is stale without a
	// missed scrape, as for hosts that push; 0 is procmon.StaleAfter.
	StaleAfter time.Duration
	// Memory bounds what is held of new data before it becomes blocks and files, in bytes; 0
	// is 256 MiB, good for 500 hosts, and less than 32 MiB is raised to it. With less memory
	// blocks are made earlier, and made again. Files are read through the page cache, which
	// is not counted.
	Memory int64
	// Existing refuses a directory in which there is no store, with ErrNoStore.
	Existing bool
	// Logger gets what an administrator should know; nil discards it.
	Logger *slog.Logger
	// Clock is used for retention and staleness; nil is time.Now.
	Clock func() time.Time
}

const (
	defaultMemory = 256 << 20
	minMemory     = 32 << 20
	// sketchesOfMemory is which part of the memory sketches may take: that of 24 hours.
	sketchesOfMemory = 16
	// openedOfMemory is which part of it blocks may take that are kept for who reads on.
	openedOfMemory = 16
)

// farthest is how far the snapshot before may be away to derive rates from it.
const farthest = time.Hour

// A Store is an open database. Its methods are safe for concurrent use.
type Store struct {
	dir        string
	existing   bool
	keep       retention
	staleAfter time.Duration
	memory     int64 // that heads may take
	log        *slog.Logger
	now        func() time.Time

	db         *badger.DB
	lock       *dirLock
	codec      *codec.Codec // of formats 1 and 2
	compressor *block.Compressor
	fleet      fleet
	heads      heads
	legacy     legacy
	space      space
	damage     damageLog
	sketches   sketches
	opened     opened
	counts     counters

	sealing   sync.Mutex // held by Seal
	rewriting sync.Mutex // held by who rewrites files of Badger, which allows one at a time
	queue     chan *request
	done      chan struct{} // closed when the committer has ended
	sealer    *loop
	compactor *loop
	life      sync.RWMutex // held for reading by whoever uses db or sends to queue
	closed    bool
}

// Open opens the database in dir and makes it if dir is empty or does not exist. It
// refuses a directory that holds something else, one that another process has open, and
// one of a newer format. Of a damaged database it opens what is intact; see Damage.
func Open(dir string, o Options) (*Store, error) {
	s := &Store{
		dir:        dir,
		existing:   o.Existing,
		keep:       retention{age: o.Retention, ageOf: o.RetentionOf, size: o.RetentionSize},
		staleAfter: cmp.Or(o.StaleAfter, procmon.StaleAfter),
		log:        o.Logger,
		now:        o.Clock,
		counts:     newCounters(),
		queue:      make(chan *request, queueLength),
		done:       make(chan struct{}),
	}
	memory := max(cmp.Or(o.Memory, defaultMemory), minMemory)
	s.sketches.known, s.sketches.most = make(map[place]sketch), int(memory/sketchesOfMemory)
	s.opened.most = int(memory / openedOfMemory)
	s.memory = memory - databaseMemory - memory/sketchesOfMemory - memory/openedOfMemory
	s.fleet.hosts = make(map[string]*host)
	s.heads.open = make(map[string][]*segment)
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open storage %s: %w", dir, s.space.explain(err))
	}
	go s.commitLoop()
	s.sealer = start(s.sealLoop)
	return s, nil
}

// open undoes what it has done when it fails.
func (s *Store) open() (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release())
		}
	}()
	if s.lock, err = prepareDir(s.dir, s.existing); err != nil {
		return err
	}
	if s.codec, err = codec.New(); err != nil {
		return err
	}
	if s.compressor, err = block.NewCompressor(min(runtime.GOMAXPROCS(0), 4)); err != nil {
		return err
	}
	if err := s.isolateDamage(); err != nil {
		return err
	}
	s.space.dir, s.space.tables, s.space.log = s.dir, s.tableBytes, s.log
	if err := s.space.roomToOpen(); err != nil {
		return err
	}
	if s.db, err = openDatabase(databaseDir(s.dir), s.log); err != nil {
		return err
	}
	s.compactor = start(s.compactLoop)
	if err := s.restoreIntact(); err != nil {
		return err
	}
	if err := s.checkFormat(); err != nil {
		return err
	}
	if err := markReady(s.dir); err != nil {
		return err
	}
	if err := s.finishRemoval(); err != nil {
		return err
	}
	if err := s.loadHeads(); err != nil {
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
	s.sealer.stop()
	close(s.queue)
	<-s.done
	if err := s.release(); err != nil {
		return fmt.Errorf("close storage %s: %w", s.dir, err)
	}
	return nil
}

func (s *Store) release() error {
	var err error
	if s.compactor != nil {
		s.compactor.stop()
	}
	if s.db != nil {
		// Without the room that Badger takes to close, it is left as a crash leaves it: nothing is
		// lost, and the next start does the rest.
		if err = s.space.room(roomToClose); err == nil {
			err = errors.Join(s.space.forgetLog(), s.db.Close())
		}
	}
	if s.codec != nil {
		s.codec.Close()
	}
	if s.compressor != nil {
		s.compressor.Close()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.release())
	}
	return err
}

// loop is something that goes on until it is stopped.
type loop struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func start(run func(context.Context)) *loop {
	ctx, cancel := context.WithCancel(context.Background())
	l := &loop{cancel, make(chan struct{})}
	go func() {
		defer close(l.done)
		run(ctx)
	}()
	return l
}

// stop returns when it has ended.
func (l *loop) stop() {
	l.cancel()
	<-l.done
}

// every calls do at that interval until ctx ends.
func every(ctx context.Context, interval time.Duration, do func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
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
