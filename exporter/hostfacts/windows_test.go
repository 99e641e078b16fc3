package hostfacts_test

import (
	"encoding/binary"
	"testing"

	"github.com/procmon/procmon/exporter/hostfacts"
)

func TestWindowsName(t *testing.T) {
	for _, tc := range []struct{ product, build, version, want string }{
		{"Windows 10 Pro", "19045", "22H2", "Microsoft Windows 10 Pro 22H2"},
		{"Windows 10 Pro", "22631", "23H2", "Microsoft Windows 11 Pro 23H2"},
		{"Windows Server 2022 Standard", "20348", "21H2", "Microsoft Windows Server 2022 Standard 21H2"},
		{"Microsoft Windows 10", "1", "", "Microsoft Windows 10"},
		{"Windows 10", "new", "", "Microsoft Windows 10"},
		{"", "22631", "23H2", ""},
	} {
		if got := hostfacts.WindowsName(tc.product, tc.build, tc.version); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

// record is a SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX; a core has 48 bytes on 64-bit systems.
func record(relationship, size uint32) []byte {
	b := make([]byte, size)
	binary.LittleEndian.PutUint32(b, relationship)
	binary.LittleEndian.PutUint32(b[4:], size)
	return b
}

func TestCountCores(t *testing.T) {
	join := func(all ...[]byte) (joined []byte) {
		for _, b := range all {
			joined = append(joined, b...)
		}
		return joined
	}
	short := record(0, 48)
	binary.LittleEndian.PutUint32(short[4:], 4)
	for _, tc := range []struct {
		name    string
		records []byte
		want    uint32
	}{
		{"none", nil, 0},
		{"two", join(record(0, 48), record(0, 48)), 2},
		{"of several groups", join(record(0, 64), record(0, 48)), 2},
		{"another relation", join(record(3, 48), record(0, 48)), 1},
		{"truncated", join(record(0, 48), record(0, 48)[:20]), 1},
		{"shorter than its header", join(record(0, 48), short), 1},
	} {
		if got := hostfacts.CountCores(tc.records); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
}

func TestFiletimeSeconds(t *testing.T) {
	if got := hostfacts.FiletimeSeconds(1, 5_000_000); got != float64(1<<32+5_000_000)/1e7 {
		t.Errorf("got %v", got)
	}
}
