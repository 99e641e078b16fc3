//go:build amd64 || arm64

package proctable

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// services asks the service control manager, which every local user may
// (https://learn.microsoft.com/en-us/windows/win32/services/service-security-and-access-rights).
func (h *ntHost) services(f func(list []byte, base uint64, n uint32) error) error {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT|windows.SC_MANAGER_ENUMERATE_SERVICE)
	if err != nil {
		return fmt.Errorf("OpenSCManager: %w", err)
	}
	defer windows.CloseServiceHandle(manager)
	if h.list == nil {
		h.list = make([]byte, 64<<10)
	}
	// https://learn.microsoft.com/en-us/windows/win32/api/winsvc/nf-winsvc-enumservicesstatusexw
	for resume := uint32(0); ; {
		var needed, n uint32
		err := windows.EnumServicesStatusEx(manager, windows.SC_ENUM_PROCESS_INFO, windows.SERVICE_WIN32, windows.SERVICE_ACTIVE,
			&h.list[0], uint32(len(h.list)), &needed, &n, &resume, nil)
		more := errors.Is(err, windows.ERROR_MORE_DATA)
		if err != nil && !more {
			return fmt.Errorf("EnumServicesStatusEx: %w", err)
		}
		if err := f(h.list, uint64(uintptr(unsafe.Pointer(&h.list[0]))), n); err != nil {
			return fmt.Errorf("EnumServicesStatusEx: %w", err)
		}
		if !more {
			return nil
		}
		if n == 0 {
			return fmt.Errorf("EnumServicesStatusEx: the next service needs more than %d bytes", len(h.list))
		}
	}
}
