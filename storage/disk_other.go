//go:build !linux

package storage

import "os"

// reserve does nothing: NTFS gives a file its place when it gets its size, and nothing is
// promised elsewhere.
func reserve(path string, _ int64) error {
	_, err := os.Stat(path)
	return err
}
