package winsvc

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// ReadableByEverybody reports whether the users of this machine can read a file, as far as
// its list of who may do what says so
// (https://learn.microsoft.com/en-us/windows/win32/api/aclapi/nf-aclapi-getnamedsecurityinfow).
func ReadableByEverybody(path string) (bool, error) {
	d, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return false, fmt.Errorf("ask who may read %s: %w", path, err)
	}
	dacl, _, err := d.DACL()
	if err != nil {
		return false, fmt.Errorf("ask who may read %s: %w", path, err)
	}
	if dacl == nil {
		return true, nil // no list lets everybody in
	}
	const read = windows.FILE_READ_DATA | windows.GENERIC_READ | windows.GENERIC_ALL
	for i := range uint32(dacl.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(dacl, i, &ace); err != nil {
			return false, fmt.Errorf("ask who may read %s: %w", path, err)
		}
		if ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || ace.Header.AceFlags&windows.INHERIT_ONLY_ACE != 0 || uint32(ace.Mask)&read == 0 {
			continue
		}
		if sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart)); isEverybody(sid.String()) {
			return true, nil
		}
	}
	return false, nil
}
