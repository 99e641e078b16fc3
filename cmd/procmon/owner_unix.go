//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// checkOwner refuses to open a directory that is another user's: files that are made in it now,
// as by root, would keep the server out of it later.
func checkOwner(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil //nolint:nilerr // who opens it says so
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to the user with id %d: run this as that one, or files in it could not be opened by the server", path, st.Uid)
	}
	return nil
}
