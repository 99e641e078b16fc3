package storage

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reserve makes sure that the first bytes of a file have their place on the disk, and leaves
// what is in them: https://man7.org/linux/man-pages/man2/fallocate.2.html. A file system that
// cannot do that is let be.
func reserve(path string, bytes int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, bytes)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}
