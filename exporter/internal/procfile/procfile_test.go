package procfile_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/exporter/internal/procfile"
)

// after is what follows the name in a line that a kernel 6.18 wrote.
const after = ` S 1 4242 4241 34816 -1 4194560 1234 99 12 3 250 75 5 6 20 0 7 0 987654 22384640 1033 18446744073709551615 94029313880064 94029314635085 140732571471008 0 0 0 0 3670020 1266777851 1 0 0 17 1 0 0 0 0 0 94029314881680 94029314929732 94029331148800 140732571477233 140732571477243 140732571477243 140732571480046 0` + "\n"

func TestParseStat(t *testing.T) {
	want := procfile.Stat{
		State: 'S', PPID: 1, Session: 4241, Flags: 4194560, MinFlt: 1234, MajFlt: 12, UTime: 250, STime: 75,
		Threads: 7, StartTime: 987654, VSize: 22384640, RSS: 1033, StartStack: 140732571471008,
	}
	for _, name := range []string{"bash", "", "a b", "(sd-pam)", "x) R 1 2 3", ") (", "two\nlines", "\xff\xfe", "tmux: server"} {
		t.Run(name, func(t *testing.T) {
			want.Comm = []byte(name)
			var got procfile.Stat
			if !procfile.ParseStat([]byte("77 ("+name+")"+after), &got) {
				t.Fatal("refused")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseStatForeignSession(t *testing.T) {
	var got procfile.Stat
	ok := procfile.ParseStat([]byte("77 (x)"+strings.Replace(after, "4241", "-1", 1)), &got)
	if !ok || got.Session != -1 {
		t.Errorf("got session %d, %v", got.Session, ok)
	}
}

func TestParseStatRefuses(t *testing.T) {
	fields := strings.Fields(after)
	for _, test := range []struct{ name, line string }{
		{"empty", ""},
		{"no name", "77 S 1 2"},
		{"parentheses the wrong way", "77 )x( S 1 2 3 4 5 6"},
		{"nothing after the name", "77 (x)"},
		{"cut before the stack", "77 (x) " + strings.Join(fields[:25], " ")},
		{"a word among the numbers", "77 (x)" + strings.Replace(after, "987654", "soon", 1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got procfile.Stat
			if procfile.ParseStat([]byte(test.line), &got) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("77 (x)" + after))
	f.Add([]byte("77 (x) S -"))
	f.Fuzz(func(t *testing.T, line []byte) {
		var s procfile.Stat
		if procfile.ParseStat(line, &s) && len(s.Comm) > len(line) {
			t.Errorf("the name %q is longer than its line", s.Comm)
		}
		procfile.RealUID(line)
	})
}

func TestProgramName(t *testing.T) {
	for _, test := range []struct{ name, comm, arg0, want string }{
		{"short", "bash", "/bin/bash", "bash"},
		{"cut", "systemd-journal", "/usr/lib/systemd/systemd-journald", "systemd-journald"},
		{"cut, without a path", "gnome-session-b", "gnome-session-binary", "gnome-session-binary"},
		{"exactly 15 bytes", "systemd-journal", "systemd-journal", "systemd-journal"},
		{"another program's name", "systemd-journal", "/bin/other-name-that-is-long", "systemd-journal"},
		{"a name that no file has", "systemd-journal", "systemd-journal" + strings.Repeat("d", 300), "systemd-journal"},
		{"no arguments", "systemd-journal", "", "systemd-journal"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := procfile.ProgramName(test.comm, test.arg0); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
