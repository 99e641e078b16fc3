// Package events records the starts and ends of processes as the kernel tells them, so that
// what begins and ends between two readings of the process table is known too.
//
// On Linux the kernel tells them through the proc connector, on Windows through Event
// Tracing (ETW). An event names the process by the identity that proctable gives it: the
// same pid and exactly the same start time. The time of an event is of the host's clock when
// it happened; on Linux start times count from a boot that is known to the second, so that
// the two may differ by up to a second.
//
// Events wait in a ring of bounded size for any number of readers, who each keep a Cursor.
package events

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/procmon/procmon"
)

// Options configures a Watcher.
type Options struct {
	Logger   *slog.Logger             // nil discards
	BootTime procmon.Opt[time.Time]   // what proctable.Table.BootTime returns; Linux needs it
	Redact   func(line string) string // applied to every command line, with NUL between arguments on Linux; nil leaves them as they are

	// Facts reads what the kernel's event does not tell of a process that has just started,
	// on Windows. nil leaves it unknown; on Linux it is not used.
	Facts func(pid uint32, started time.Time) Facts

	MaxEvents int // most events that wait; 0 is 16,384
	MaxText   int // most bytes of text in them; 0 is 4 MiB
}

// Facts are static facts of one process.
type Facts struct {
	Name     procmon.Opt[string]
	Exe      procmon.Opt[string]
	Cmdline  procmon.Opt[string]
	Username procmon.Opt[string]
}

// A Cursor says how many of a Watcher's events a reader has had. The zero Cursor is before
// the first.
type Cursor uint64

// Stats counts since the Watcher was opened.
type Stats struct {
	Starts uint64 // recorded
	Ends   uint64 // recorded
	Lost   uint64 // that the kernel had to drop since it was not read fast enough
	Errors uint64 // that could not be understood
}

// A Watcher records events until it is closed. Its methods can be called from several
// goroutines.
type Watcher struct {
	journal *journal
	source  source
	running sync.WaitGroup
	close   func() error // once
}

// A source is where a system's events come from. It writes them into the journal that it was
// opened with.
type source interface {
	run() error   // records until close; an error says why it ended on its own
	settle()      // records what has waited for more to become known; the journal is locked
	close() error // ends run
}

// Open begins recording. The error says what is missing: a right, or the system's support.
// The caller closes the Watcher.
func Open(o Options) (*Watcher, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxEvents <= 0 {
		o.MaxEvents = 16 << 10
	}
	if o.MaxText <= 0 {
		o.MaxText = 4 << 20
	}
	j := newJournal(o)
	s, err := openSource(o, j)
	if err != nil {
		return nil, err
	}
	w := &Watcher{journal: j, source: s, close: sync.OnceValue(s.close)}
	w.running.Go(func() {
		if err := s.run(); err != nil {
			o.Logger.Error("starts and ends of processes are no longer recorded", "error", err)
		}
		j.end()
	})
	return w, nil
}

// Close ends the recording and waits for its goroutine. It can be called again.
func (w *Watcher) Close() error {
	err := w.close()
	w.running.Wait()
	return err
}

// Now returns the cursor after everything that has been told so far.
func (w *Watcher) Now() Cursor {
	w.journal.mu.Lock()
	defer w.journal.mu.Unlock()
	w.source.settle()
	return w.journal.ring.next
}

// Between returns the events after one cursor and up to another, by time, and how many more
// there were that made room for later ones. Without any it returns an empty list, or nil if
// recording has ended. The texts are shared and never change.
func (w *Watcher) Between(after, upTo Cursor) (list []procmon.Event, lost uint64) {
	w.journal.mu.Lock()
	defer w.journal.mu.Unlock()
	list, lost = w.journal.ring.between(after, upTo)
	if len(list) == 0 && w.journal.ended {
		return nil, lost
	}
	return list, lost
}

// Stats returns the counts so far.
func (w *Watcher) Stats() Stats {
	w.journal.mu.Lock()
	defer w.journal.mu.Unlock()
	return w.journal.stats
}

// lossLog says that events were lost, at most once a minute.
type lossLog struct {
	log  *slog.Logger
	told time.Time
	lost uint64 // not told yet
}

func (l *lossLog) add(lost uint64, now time.Time) {
	l.lost += lost
	if l.lost == 0 || now.Sub(l.told) < time.Minute {
		return
	}
	l.log.LogAttrs(context.Background(), slog.LevelWarn, "starts and ends of processes were lost: they came faster than they were read", slog.Uint64("events", l.lost))
	l.told, l.lost = now, 0
}
