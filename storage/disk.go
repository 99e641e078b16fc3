package storage

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// diskUsage returns the disk space that the files under dir take, in bytes.
func diskUsage(dir string) (int64, error) {
	total := int64(0)
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				total += allocated(info)
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // compaction removes files meanwhile
		}
		return err
	})
	return total, err
}
