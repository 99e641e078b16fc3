package storage

import (
	"errors"
	"fmt"
	"os"
)

// ErrLocked is why a directory is refused that is open already.
var ErrLocked = errors.New("another process has it open")

// dirLock keeps other processes out of a data directory. The system frees it when the
// process ends, however it ends.
type dirLock struct{ f *os.File }

func lockDir(path string) (*dirLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: choose a directory that this user may write to", err)
	}
	held, err := tryLock(f)
	if held {
		err = fmt.Errorf("%w: stop that one, or choose another directory", ErrLocked)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &dirLock{f}, nil
}

func (l *dirLock) release() error { return l.f.Close() }

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error { return syncDir(dir) }
