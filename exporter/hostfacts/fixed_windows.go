package hostfacts

import (
	"github.com/shirou/gopsutil/v4/disk"
	"golang.org/x/sys/windows"
)

// fixed reports whether p is on a disk that stays in the machine
// (https://learn.microsoft.com/en-us/windows/win32/api/fileapi/nf-fileapi-getdrivetypew).
func fixed(p disk.PartitionStat) bool {
	root := p.Mountpoint
	if len(root) == 0 {
		return false
	}
	if root[len(root)-1] != '\\' {
		root += `\`
	}
	name, err := windows.UTF16PtrFromString(root)
	return err == nil && windows.GetDriveType(name) == windows.DRIVE_FIXED
}
