package spool

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// tryLock locks f for this process:
// https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-lockfileex
func tryLock(f *os.File) (held bool, err error) {
	err = windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return true, nil
	}
	return false, err
}

// syncDir does nothing: Windows has no handle of a directory that can be flushed, and NTFS
// keeps its names in a journal.
func syncDir(string) error { return nil }

// full reports whether err says that a disk, or somebody's share of it, is full:
// https://learn.microsoft.com/windows/win32/debug/system-error-codes
func full(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) ||
		errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}
