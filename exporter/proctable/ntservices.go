package proctable

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// Where the fields of ENUM_SERVICE_STATUS_PROCESSW stand on 64-bit Windows, the same on amd64
// and arm64: two pointers, and a SERVICE_STATUS_PROCESS of nine DWORDs, padded to eight bytes
// (https://learn.microsoft.com/en-us/windows/win32/api/winsvc/ns-winsvc-enum_service_status_processw,
// https://learn.microsoft.com/en-us/windows/win32/api/winsvc/ns-winsvc-service_status_process).
const (
	serviceName      = 0  // LPWSTR
	serviceProcessID = 44 // DWORD
	serviceSize      = 56

	// longestServiceName is in UTF-16 units
	// (https://learn.microsoft.com/en-us/windows/win32/api/winsvc/nf-winsvc-createservicew).
	longestServiceName = 256
)

// eachService calls f with each of the n services in a list that began at the address base
// when the system filled it. It trusts no count and no pointer.
func eachService(list []byte, base uint64, n uint32, f func(pid uint32, name string)) error {
	if uint64(n)*serviceSize > uint64(len(list)) {
		return fmt.Errorf("%d services need %d bytes; %d were read", n, uint64(n)*serviceSize, len(list))
	}
	for i := range n {
		entry := list[i*serviceSize:][:serviceSize]
		name, err := terminated(list, base, binary.LittleEndian.Uint64(entry[serviceName:]))
		if err != nil {
			return fmt.Errorf("name of service %d: %w", i, err)
		}
		f(binary.LittleEndian.Uint32(entry[serviceProcessID:]), name)
	}
	return nil
}

// terminated returns the text that ends in a NUL at an address, which is in list.
func terminated(list []byte, base, address uint64) (string, error) {
	if address < base || address-base > uint64(len(list)) {
		return "", fmt.Errorf("byte %d is not within the %d bytes that were read", int64(address-base), len(list))
	}
	var units []uint16
	for rest := list[address-base:]; len(rest) >= 2; rest = rest[2:] {
		u := binary.LittleEndian.Uint16(rest)
		if u == 0 {
			return clean(string(utf16.Decode(units))), nil
		}
		if len(units) == longestServiceName {
			return "", fmt.Errorf("longer than %d UTF-16 units", longestServiceName)
		}
		units = append(units, u)
	}
	return "", fmt.Errorf("has no end within the %d bytes that were read", len(list))
}

// serviceHosts knows which services stand in which process. They are asked for anew when a
// process that the service control manager has started comes, settles or goes, at most once
// a reading, and every minute, for services also start and stop in processes that stay.
type serviceHosts struct {
	stale  bool
	asked  time.Time // with the monotonic clock
	failed bool      // the last time, and that was logged
}

// servicesFor is how long what was heard of services is good while no process changes.
const servicesFor = time.Minute

// isServiceManager reports whether id is the parent of the processes that services run in.
func (id *ntIdentity) isServiceManager() bool { return strings.EqualFold(id.name, "services.exe") }

// changed notes that id has come, settled or gone.
func (s *serviceHosts) changed(id *ntIdentity) { s.stale = s.stale || id.hosts }

// refresh asks again if it is time to.
func (s *serviceHosts) refresh(t *ntTable) {
	if !s.stale && !s.asked.IsZero() && t.now.Sub(s.asked) < servicesFor {
		return
	}
	s.stale, s.asked = false, t.now
	for _, id := range t.known {
		id.services = nil // rows that share the old list keep it
	}
	err := t.system.services(func(list []byte, base uint64, n uint32) error {
		return eachService(list, base, n, func(pid uint32, name string) {
			if id := t.known[pid]; id != nil && pid != idlePID {
				id.services = append(id.services, name)
			}
		})
	})
	if err != nil && !s.failed {
		t.log.Warn("what services the processes host is unknown", "error", err)
	}
	s.failed = err != nil
	for _, id := range t.known {
		slices.Sort(id.services)
		id.services = slices.Compact(id.services)
		if err != nil {
			id.services = nil // half a list is not known
		}
	}
}
