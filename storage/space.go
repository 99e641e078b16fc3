package storage

import (
	"errors"
	"fmt"
	"log/slog"
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
// others.
const (
	reserveForLogs   = (memTables + 1) * memTableSize
	reserveForTables = 64 << 20 // or as much as all tables take, if that is less
)

// space knows whether there is room. The committer uses it.
type space struct {
	dir     string
	tables  func() int64 // bytes of all tables
	log     *slog.Logger
	checked time.Time
	problem error // ErrFull, or nil
	full    atomic.Bool
}

// check returns ErrFull if there is no room. It asks the system at most 20 times a second;
// in between no more can be written than what the reserve has for it.
func (s *space) check() error {
	const often = 50 * time.Millisecond
	if now := time.Now(); now.Sub(s.checked) >= often {
		s.checked = now
		s.look()
	}
	return s.problem
}

func (s *space) look() {
	usage, err := disk.Usage(s.dir)
	if err != nil {
		return // then a commit fails, or not
	}
	need := reserveForLogs + min(s.tables(), reserveForTables)
	was := s.problem
	s.problem = nil
	if free := int64(usage.Free); free < need {
		s.problem = fmt.Errorf("%w: %d MiB are free where %s is, and %d MiB must be: make room, or set a smaller retention",
			ErrFull, free>>20, s.dir, need>>20)
	}
	s.full.Store(s.problem != nil)
	switch {
	case was == nil && s.problem != nil:
		s.log.Error("nothing can be stored", "err", s.problem)
	case was != nil && s.problem == nil:
		s.log.Info("there is room again, and snapshots are stored")
	}
}

// explain makes ErrFull of what the system says.
func (s *space) explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
