package main

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// ownConsole reports whether the console is this program's alone, as after a double click: it
// closes with the program
// (https://learn.microsoft.com/en-us/windows/console/getconsoleprocesslist).
func ownConsole() bool {
	var processes [2]uint32
	list := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetConsoleProcessList")
	n, _, _ := list.Call(uintptr(unsafe.Pointer(&processes[0])), uintptr(len(processes)))
	return n == 1
}
