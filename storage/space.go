package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/shirou/gopsutil/v4/disk"
)

// ErrFull is why nothing is stored while the file system has no room. What is stored can be
// read meanwhile, and storing goes on by itself when there is room again.
var ErrFull = errors.New("the disk is full")

// Badger writes through memory that is mapped to files, where a full disk is no error but the
// end of the process. So nothing is written unless there is room for all that one batch can
// set off: the rest of a log, tables made of three of them, and tables that take the place of
// others. The room is looked for before every commit, and logs get theirs before they are
// written to, since other programs fill disks too.
const (
	reserveForLogs   = (memTables + 1) * memTableSize
	reserveForTables = 256 << 20 // or as much as all tables take, if that is less

	// A log is full at the size of a memory table, and then takes in the rest of a batch.
	logSize = memTableSize + memTableSize/4
	// roomToRemove must be there to remove anything: it makes a new log, and a table of the old.
	roomToRemove = 2*memTableSize + memTableSize
	// roomToClose must be there for a table of what is in memory, and what takes its place.
	roomToClose = 3 * memTableSize
)

// space knows whether there is room. The committer uses it.
type space struct {
	dir     string
	tables  func() int64 // bytes of all tables
	log     *slog.Logger
	checked time.Time
	lasts   time.Duration         // after checked, in which nobody can fill the disk
	problem error                 // ErrFull, or nil
	behind  atomic.Pointer[error] // why new tables wait, if too many do; see compact
	full    atomic.Bool
	nextLog int // number of the log that comes next
	written int // at most so many bytes are in the newest log, or in memory of it
}

// check returns ErrFull if there was no room some moments ago. It is for those who would do
// work in vain; look is for those who write.
func (s *space) check() error {
	const often = 50 * time.Millisecond
	if now := time.Now(); now.Sub(s.checked) >= often {
		return s.look()
	}
	return s.problem
}

// look returns ErrFull if there is no room for one batch, or why too many new tables wait.
func (s *space) look() error {
	const fastest, longest = 16, time.Second // that a disk is filled, in bytes a nanosecond; and until it is looked at again
	now := time.Now()
	if now.Sub(s.checked) < s.lasts {
		return nil
	}
	was := s.problem
	var beyond int64
	beyond, s.problem = s.beyond(reserveForLogs + min(s.tables(), reserveForTables))
	if behind := s.behind.Load(); behind != nil {
		s.problem = *behind
	}
	s.checked, s.lasts = now, 0
	if s.problem == nil {
		s.lasts = min(time.Duration(beyond/fastest), longest)
	}
	s.full.Store(s.problem != nil)
	switch {
	case was == nil && s.problem != nil:
		s.log.Error("nothing can be stored", "err", s.problem)
	case was != nil && s.problem == nil:
		s.log.Info("there is room again, and snapshots are stored")
	}
	return s.problem
}

// room returns ErrFull if there is less room than that.
func (s *space) room(need int64) error {
	_, err := s.beyond(need)
	return err
}

// beyond returns how much more room there is than that, and ErrFull if there is less.
func (s *space) beyond(need int64) (int64, error) {
	usage, err := disk.Usage(s.dir)
	if err != nil {
		return 0, nil // then a commit fails, or not
	}
	free := int64(usage.Free)
	if free < need {
		return 0, fmt.Errorf("%w: %d MiB are free where %s is, and %d MiB must be: make room, or set a smaller retention",
			ErrFull, free>>20, s.dir, need>>20)
	}
	return free - need, nil
}

// wrote counts what is written with one key. Badger adds at most a node of its list, the lengths
// and a checksum: MaxNodeSize in skl/skl.go, encodeEntry in memtable.go of v4.9.
func (s *space) wrote(key, value []byte) {
	const most = 160
	s.written += most + len(key) + len(value)
}

// prepareLogs gives the newest log of Badger its room on the disk, if it has none yet, and notes
// that it is written to. Badger begins another when the one before is full, which is looked for
// when that can be, less the largest transaction.
func (s *space) prepareLogs() error {
	first := s.nextLog == 0
	if first {
		s.nextLog = max(1, newestLog(databaseDir(s.dir)))
	} else if s.written < memTableSize*3/4 {
		return nil
	}
	for {
		err := reserve(filepath.Join(databaseDir(s.dir), fmt.Sprintf("%05d.mem", s.nextLog)), logSize)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return s.explain(err)
		}
		if err := noteLog(s.dir, uint64(s.nextLog)); err != nil {
			return s.explain(err)
		}
		s.nextLog++
		if !first {
			s.written = 0
		}
	}
}

// forgetLog notes that Badger may remove the log that is written to, since a table is made of it.
func (s *space) forgetLog() error {
	s.nextLog, s.written = 0, 0
	return noteLog(s.dir, 0)
}

// newestLog returns the number of the newest log of Badger in dir, 0 if there is none.
func newestLog(dir string) int {
	newest := 0
	for _, name := range logsIn(dir) {
		if n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(name), ".mem")); err == nil {
			newest = max(newest, n)
		}
	}
	return newest
}

func logsIn(dir string) []string {
	names, _ := filepath.Glob(filepath.Join(dir, "*.mem")) // the pattern is a good one
	return names
}

// roomToOpen returns ErrFull if there is no room for tables of what is in the logs.
func (s *space) roomToOpen() error {
	need := int64(0)
	for _, name := range logsIn(databaseDir(s.dir)) {
		if info, err := os.Stat(name); err == nil {
			need += min(allocated(info), logSize)
		}
	}
	if need == 0 {
		return nil
	}
	return s.room(need + roomToClose)
}

// explain makes ErrFull of what the system says.
func (s *space) explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
