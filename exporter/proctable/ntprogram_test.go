package proctable_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/proctable"
)

func TestIntegrityLevel(t *testing.T) {
	for _, test := range []struct {
		rid  uint32
		want procmon.Integrity
	}{
		{0, "untrusted"}, {0xFFF, "untrusted"}, {0x1000, "low"}, {0x2000, "medium"}, {0x2010, "medium"}, {0x2100, "medium_plus"},
		{0x3000, "high"}, {0x4000, "system"}, {0x5000, "protected"}, {0x7000, "protected"}, {1<<32 - 1, "protected"},
	} {
		if got := proctable.IntegrityLevel(test.rid); got != test.want {
			t.Errorf("level %#x is %q, want %q", test.rid, got, test.want)
		}
	}
}

func TestMachineBits(t *testing.T) {
	for machine, want := range map[uint16]uint32{0: 64, 0x14c: 32, 0x1c4: 32, 0x1c0: 32, 0x8664: 64, 0xaa64: 64} {
		if got := proctable.MachineBits(machine); got != want {
			t.Errorf("machine %#x has %d bits, want %d", machine, got, want)
		}
	}
}

func TestImagePath(t *testing.T) {
	for path, known := range map[string]bool{`C:\a.exe`: true, `\\server\share\a.exe`: true, "Registry": false, "MemCompression": false, "": false} {
		if got := proctable.ImagePath(path); got.Known != known || got.Value != path {
			t.Errorf("%q gave %v, want known %v", path, got, known)
		}
	}
}

// TestProgramsRead says which programs are asked for their version.
func TestProgramsRead(t *testing.T) {
	h := newNTHost(t)
	for i, path := range []string{
		`C:\Windows\a.exe`, `z:\b.exe`, `\\server\share\c.exe`, `\\?\UNC\server\share\d.exe`, `\Device\Mup\e.exe`, `C:f.exe`, `C:\`, `1:\g.exe`, `C:\Windows\a.exe`,
	} {
		pid := uint32(100 + i)
		h.start(pid, 4, "x.exe", h.longAgo())
		h.facts[pid] = proctable.NTFacts{Exe: procmon.Some(path)}
	}
	h.read()
	slices.Sort(h.versions)
	if diff := cmp.Diff([]string{`C:\Windows\a.exe`, `z:\b.exe`}, h.versions); diff != "" {
		t.Error(diff)
	}
}

func TestLanguages(t *testing.T) {
	german := []byte{0x07, 0x04, 0xB0, 0x04}
	fallback := []string{"040904b0", "040904e4", "04090000"}
	for _, test := range []struct {
		name        string
		translation []byte
		want        []string
	}{
		{"none", nil, fallback},
		{"one", german, append([]string{"040704b0"}, fallback...)},
		{"cut", append(slices.Clone(german), 1, 2, 3), append([]string{"040704b0"}, fallback...)},
		{"many", slices.Repeat(german, 1000), append(slices.Repeat([]string{"040704b0"}, 8), fallback...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, proctable.Languages(test.translation)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVersionText(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"a NUL", "\x00", ""},
		{"spaces", "  \x00", ""},
		{"padded", "Microsoft Corporation \x00\x00", "Microsoft Corporation"},
		{"long", strings.Repeat("x", 100_000), strings.Repeat("x", 256)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := proctable.VersionText(layOutText(ntName(test.text)))
			if got.Value != test.want || got.Known != (test.want != "") {
				t.Errorf("got %v, want %q", got, test.want)
			}
		})
	}
}
