//go:build !windows

package winsvc

import "os"

// ReadableByEverybody reports whether the users of this machine can read a file, as far as
// its mode says so.
func ReadableByEverybody(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0, nil
}
