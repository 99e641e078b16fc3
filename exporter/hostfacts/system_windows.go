package hostfacts

import (
	"context"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"github.com/procmon/procmon"
)

// Windows is asked without WMI and without performance counters, both of which cost more than
// all the processes do.

var (
	kernel32             = windows.NewLazySystemDLL("kernel32.dll")
	getSystemTimes       = kernel32.NewProc("GetSystemTimes")
	globalMemoryStatusEx = kernel32.NewProc("GlobalMemoryStatusEx")
	logicalProcessors    = kernel32.NewProc("GetLogicalProcessorInformationEx")
)

func systemName() string {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, `SOFTWARE\Microsoft\Windows NT\CurrentVersion`, registry.QUERY_VALUE|registry.WOW64_64KEY)
	if err != nil {
		return ""
	}
	defer k.Close()
	read := func(name string) string {
		value, _, err := k.GetStringValue(name)
		if err != nil {
			return ""
		}
		return value
	}
	return windowsName(read("ProductName"), read("CurrentBuildNumber"), read("DisplayVersion"))
}

func processorName() string {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, `HARDWARE\DESCRIPTION\System\CentralProcessor\0`, registry.QUERY_VALUE)
	if err != nil {
		return ""
	}
	defer k.Close()
	name, _, err := k.GetStringValue("ProcessorNameString")
	if err != nil {
		return ""
	}
	return name
}

// processors counts cores by GetLogicalProcessorInformationEx
// (https://learn.microsoft.com/en-us/windows/win32/api/sysinfoapi/nf-sysinfoapi-getlogicalprocessorinformationex).
func processors() (cores, threads procmon.Opt[uint32]) {
	const relationProcessorCore = 0
	var size uint32
	_, _, _ = logicalProcessors.Call(relationProcessorCore, 0, uintptr(unsafe.Pointer(&size)))
	if size > 0 && size < 1<<20 {
		buffer := make([]byte, size)
		if ok, _, _ := logicalProcessors.Call(relationProcessorCore, uintptr(unsafe.Pointer(&buffer[0])), uintptr(unsafe.Pointer(&size))); ok != 0 {
			if n := countCores(buffer[:min(int(size), len(buffer))]); n > 0 {
				cores = procmon.Some(n)
			}
		}
	}
	if n := windows.GetActiveProcessorCount(windows.ALL_PROCESSOR_GROUPS); n > 0 {
		threads = procmon.Some(n)
	}
	return cores, threads
}

func bootTime() procmon.Opt[time.Time] {
	return procmon.Some(time.Now().Add(-windows.DurationSinceBoot()).UTC().Round(0).Truncate(time.Second))
}

// cpuTimes adds up all processors
// (https://learn.microsoft.com/en-us/windows/win32/api/processthreadsapi/nf-processthreadsapi-getsystemtimes).
func cpuTimes() (busy, idle float64, ok bool) {
	var free, kernel, user windows.Filetime // the kernel's time holds the idle time
	done, _, _ := getSystemTimes.Call(uintptr(unsafe.Pointer(&free)), uintptr(unsafe.Pointer(&kernel)), uintptr(unsafe.Pointer(&user)))
	if done == 0 {
		return 0, 0, false
	}
	idle = filetimeSeconds(free.HighDateTime, free.LowDateTime)
	busy = filetimeSeconds(kernel.HighDateTime, kernel.LowDateTime) + filetimeSeconds(user.HighDateTime, user.LowDateTime) - idle
	return busy, idle, true
}

// memoryStatus is a MEMORYSTATUSEX
// (https://learn.microsoft.com/en-us/windows/win32/api/sysinfoapi/ns-sysinfoapi-memorystatusex).
type memoryStatus struct {
	length, load                     uint32
	totalPhysical, availablePhysical uint64
	_                                [5]uint64 // page file, virtual memory
}

func memory(context.Context) (total, available uint64, ok bool) {
	m := memoryStatus{length: uint32(unsafe.Sizeof(memoryStatus{}))}
	done, _, _ := globalMemoryStatusEx.Call(uintptr(unsafe.Pointer(&m)))
	return m.totalPhysical, m.availablePhysical, done != 0
}

// volumes are those on fixed disks that can be reached under some path
// (https://learn.microsoft.com/en-us/windows/win32/fileio/enumerating-volumes).
func volumes(ctx context.Context) []volume {
	var all []volume
	name := make([]uint16, windows.MAX_PATH+1)
	search, err := windows.FindFirstVolume(&name[0], uint32(len(name)))
	if err != nil {
		return nil
	}
	defer windows.FindVolumeClose(search)
	for ; err == nil && ctx.Err() == nil; err = windows.FindNextVolume(search, &name[0], uint32(len(name))) {
		path := mountedAt(&name[0])
		if path == nil || windows.GetDriveType(path) != windows.DRIVE_FIXED {
			continue
		}
		var total, free uint64
		if windows.GetDiskFreeSpaceEx(&name[0], nil, &total, &free) == nil && total > 0 && free <= total {
			all = append(all, volume{total: total, used: total - free, free: free})
		}
	}
	return all
}

// mountedAt returns a path of a volume, or nil: those that Windows boots from have none.
func mountedAt(name *uint16) *uint16 {
	paths := make([]uint16, 4096)
	var length uint32
	if windows.GetVolumePathNamesForVolumeName(name, &paths[0], uint32(len(paths)), &length) != nil || paths[0] == 0 {
		return nil
	}
	return &paths[0] // the first of several, each of which ends in a zero
}
