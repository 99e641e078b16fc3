//go:build unix

package storage

import (
	"io/fs"
	"syscall"
)

// allocated returns the disk space of a file in bytes; st_blocks counts units of 512:
// https://man7.org/linux/man-pages/man3/stat.3type.html
func allocated(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(st.Blocks) * 512
	}
	return info.Size()
}
