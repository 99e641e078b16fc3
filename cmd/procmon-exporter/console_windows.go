package main

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// ownConsole reports whether the console is this program's alone, as after a double click: it
// closes with the program
// (https://learn.microsoft.com/en-us/windows/console/getconsoleprocesslist). In session 0, where scheduled tasks
// and remote commands run, nobody sees it, and nobody would press a key
// (https://learn.microsoft.com/en-us/windows/win32/api/processthreadsapi/nf-processthreadsapi-processidtosessionid).
func ownConsole() bool {
	var processes [2]uint32
	list := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetConsoleProcessList")
	n, _, _ := list.Call(uintptr(unsafe.Pointer(&processes[0])), uintptr(len(processes)))
	if n != 1 {
		return false
	}
	var session uint32
	err := windows.ProcessIdToSessionId(windows.GetCurrentProcessId(), &session)
	return err != nil || session != 0
}
