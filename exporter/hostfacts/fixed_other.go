//go:build !windows

package hostfacts

import "github.com/shirou/gopsutil/v4/disk"

// fixed reports whether p is a volume that is written to: images of read-only file systems,
// such as snaps and CDs, are always full and say nothing of the host's storage.
func fixed(p disk.PartitionStat) bool {
	switch p.Fstype {
	case "squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs":
		return false
	}
	return true
}
