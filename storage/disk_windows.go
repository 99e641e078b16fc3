package storage

import "io/fs"

// allocated returns the size of a file in bytes. NTFS would tell the disk space of the few
// sparse files only by name.
func allocated(info fs.FileInfo) int64 { return info.Size() }
