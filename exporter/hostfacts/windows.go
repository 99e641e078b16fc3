package hostfacts

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// windowsName returns a name like "Microsoft Windows 11 Pro 24H2" of what the registry says.
// Windows 11 calls itself Windows 10 there; its builds begin at 22000
// (https://learn.microsoft.com/en-us/windows/release-health/windows11-release-information).
func windowsName(product, build, version string) string {
	if product == "" {
		return ""
	}
	if n, err := strconv.Atoi(build); err == nil && n >= 22000 {
		product = strings.Replace(product, "Windows 10", "Windows 11", 1)
	}
	if !strings.HasPrefix(product, "Microsoft") {
		product = "Microsoft " + product
	}
	return strings.TrimSpace(product + " " + version)
}

// countCores counts the records SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX, one for each core, of
// which each tells its size in its second word
// (https://learn.microsoft.com/en-us/windows/win32/api/winnt/ns-winnt-system_logical_processor_information_ex).
func countCores(records []byte) uint32 {
	const header, processorCore = 8, 0
	var cores uint32
	for len(records) >= header {
		size := binary.LittleEndian.Uint32(records[4:])
		if size < header || uint64(size) > uint64(len(records)) {
			break
		}
		if binary.LittleEndian.Uint32(records) == processorCore {
			cores++
		}
		records = records[size:]
	}
	return cores
}

// filetimeSeconds returns a FILETIME in seconds; it counts 100 ns
// (https://learn.microsoft.com/en-us/windows/win32/api/minwinbase/ns-minwinbase-filetime).
func filetimeSeconds(high, low uint32) float64 {
	return float64(uint64(high)<<32|uint64(low)) / 1e7
}
