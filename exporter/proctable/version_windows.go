//go:build amd64 || arm64

package proctable

import (
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/procmon/procmon"
)

// version reads the version resource of a program on a drive of this machine
// (https://learn.microsoft.com/en-us/windows/win32/menurc/version-information).
func (h *ntHost) version(path string) programVersion {
	const largest = 64 << 10 // bytes: a length in a resource has 16 bits
	root, err := windows.UTF16PtrFromString(path[:3])
	// https://learn.microsoft.com/en-us/windows/win32/api/fileapi/nf-fileapi-getdrivetypew
	if err != nil || windows.GetDriveType(root) == windows.DRIVE_REMOTE {
		return programVersion{}
	}
	var zero windows.Handle
	size, err := windows.GetFileVersionInfoSize(path, &zero)
	if err != nil || size == 0 || size > largest {
		return programVersion{}
	}
	block := make([]byte, size)
	if err := windows.GetFileVersionInfo(path, 0, size, unsafe.Pointer(&block[0])); err != nil {
		return programVersion{}
	}
	var v programVersion
	for _, language := range languages(versionValue(block, `\VarFileInfo\Translation`, 1)) {
		text := func(name string) procmon.Opt[string] {
			return versionText(versionValue(block, `\StringFileInfo\`+language+`\`+name, 2))
		}
		if v = (programVersion{text("CompanyName"), text("FileDescription")}); v != (programVersion{}) {
			break
		}
	}
	return v
}

// versionValue returns a value in a version resource, which counts it in units of so many
// bytes (https://learn.microsoft.com/en-us/windows/win32/api/winver/nf-winver-verqueryvaluew).
func versionValue(block []byte, name string, unit uint64) []byte {
	var address unsafe.Pointer
	var length uint32
	if err := windows.VerQueryValue(unsafe.Pointer(&block[0]), name, unsafe.Pointer(&address), &length); err != nil {
		return nil
	}
	value, _ := within(block, uint64(uintptr(unsafe.Pointer(&block[0]))), uint64(uintptr(address)), unit*uint64(length))
	return value
}
