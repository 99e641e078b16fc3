package winsvc_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/exporter/winsvc"
)

func TestImagePath(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, ``},
		{[]string{"service", "run"}, ` service run`},
		{[]string{"--web.listen-address=:9910"}, ` --web.listen-address=:9910`},
		{[]string{`--web.token-file=C:\Program Files\a b`}, ` "--web.token-file=C:\Program Files\a b"`},
		{[]string{""}, ` ""`},
		// The examples of the documentation.
		{[]string{`a b c`, `d`, `e`}, ` "a b c" d e`},
		{[]string{`ab"c`, `\`, `d`}, ` "ab\"c" \ d`},
		{[]string{`a\\\b`, `d"e f"g`, `h`}, ` a\\\b "d\"e f\"g" h`},
		{[]string{`a\"b`, `c`}, ` "a\\\"b" c`},
		{[]string{`a\\b c`}, ` "a\\b c"`},
		{[]string{`C:\a dir\`}, ` "C:\a dir\\"`},
		{[]string{"größer 𝄞"}, ` "größer 𝄞"`},
	} {
		const program = `C:\Program Files\procmon\procmon-exporter.exe`
		got := winsvc.ImagePath(program, tc.args)
		if want := `"` + program + `"` + tc.want; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// split is what a C program does with its command line, after the documentation.
func split(line string) (args []string) {
	var b strings.Builder
	quoted, any := false, false
	for i := 0; i < len(line); i++ {
		backslashes := 0
		for i < len(line) && line[i] == '\\' {
			backslashes++
			i++
		}
		quote := i < len(line) && line[i] == '"'
		if quote {
			b.WriteString(strings.Repeat(`\`, backslashes/2))
		} else {
			b.WriteString(strings.Repeat(`\`, backslashes))
		}
		any = any || backslashes > 0
		switch {
		case i == len(line):
		case quote && backslashes%2 == 1:
			b.WriteByte('"')
		case quote:
			quoted, any = !quoted, true
		case !quoted && (line[i] == ' ' || line[i] == '\t'):
			if any {
				args = append(args, b.String())
			}
			b.Reset()
			any = false
		default:
			b.WriteByte(line[i])
			any = true
		}
	}
	if any {
		args = append(args, b.String())
	}
	return args
}

func FuzzImagePath(f *testing.F) {
	f.Add("a", "b c")
	f.Add(`a"b\`, "")
	f.Add(`\\\"`, "\t")
	f.Fuzz(func(t *testing.T, first, second string) {
		if strings.ContainsRune(first+second, 0) {
			t.Skip("no command line has a NUL in it")
		}
		got := split(winsvc.ImagePath(`C:\a b\c.exe`, []string{first, second}))
		if diff := cmp.Diff([]string{`C:\a b\c.exe`, first, second}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestRestarts(t *testing.T) {
	delays, reset := winsvc.Restarts()
	if diff := cmp.Diff([]time.Duration{5 * time.Second, 30 * time.Second, time.Minute}, delays); diff != "" || reset != 24*time.Hour {
		t.Error(diff, reset)
	}
}

func TestDescriptor(t *testing.T) {
	const all = "O:BAG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
	for _, tc := range []struct {
		sid   string
		write bool
		want  string
	}{
		{"", true, all},
		{"S-1-5-18", false, all},
		{"S-1-5-19", false, all + "(A;OICI;0x1200a9;;;S-1-5-19)"},
		{"S-1-5-19", true, all + "(A;OICI;0x1301bf;;;S-1-5-19)"},
	} {
		if got := winsvc.Descriptor(tc.sid, tc.write); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.sid, got, tc.want)
		}
	}
}

func TestIsEverybody(t *testing.T) {
	for sid, want := range map[string]bool{
		"S-1-1-0": true, "S-1-5-11": true, "S-1-5-32-545": true, "S-1-5-21-1-2-3-513": true,
		"S-1-5-18": false, "S-1-5-32-544": false, "S-1-5-21-1-2-3-512": false, "S-1-5-19": false,
	} {
		if got := winsvc.IsEverybody(sid); got != want {
			t.Errorf("%s: got %v", sid, got)
		}
	}
}

func TestCheckName(t *testing.T) {
	for name, good := range map[string]bool{
		"procmon-exporter": true, "a": true, strings.Repeat("a", 256): true,
		"": false, "a b": false, "a/b": false, `a\b`: false, `a"b`: false, "ä": false, strings.Repeat("a", 257): false,
	} {
		if err := winsvc.CheckName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestStatusText(t *testing.T) {
	s := &winsvc.Status{Name: "n", State: winsvc.StateName(4), PID: 12, StartType: winsvc.StartName(2, true), Account: winsvc.LocalSystem, ImagePath: `"C:\a.exe" service run`}
	const want = "n is running, pid 12\n  command: \"C:\\a.exe\" service run\n  start:   automatic (delayed)\n  account: LocalSystem\n"
	if diff := cmp.Diff(want, s.String()); diff != "" || !s.Running() {
		t.Error(diff, s.Running())
	}
	s = &winsvc.Status{Name: "n", State: winsvc.StateName(1), StartType: winsvc.StartName(4, false)}
	if got := s.String(); !strings.HasPrefix(got, "n is stopped\n") || !strings.Contains(got, "disabled") || s.Running() {
		t.Error(got)
	}
	if got := winsvc.StateName(99); got != "in state 99" {
		t.Error(got)
	}
}

// events are what an event log was given.
type events struct {
	lines []string
	err   error
}

func (e *events) add(kind string, message string) error {
	e.lines = append(e.lines, kind+" "+message)
	return e.err
}
func (e *events) Info(_ uint32, m string) error    { return e.add("info", m) }
func (e *events) Warning(_ uint32, m string) error { return e.add("warning", m) }
func (e *events) Error(_ uint32, m string) error   { return e.add("error", m) }

func TestEventHandler(t *testing.T) {
	to := &events{}
	level := new(slog.LevelVar)
	log := slog.New(winsvc.NewEventHandler(to, level))
	log.Info("it starts", "address", "127.0.0.1:9910", "path", `C:\a b`)
	log.Debug("not yet")
	level.Set(slog.LevelDebug)
	log.With("a", 1).WithGroup("g").Debug("deep", "level", 2)
	log.Warn("a warning")
	log.Error("it ends\x00here", "error", errors.New("two\nlines"))
	log.Error(strings.Repeat("ä", 20_000))
	if n := len(to.lines); n != 5 {
		t.Fatalf("got %d events: %q", n, to.lines)
	}
	want := []string{
		`info it starts address=127.0.0.1:9910 path="C:\\a b"`,
		`info deep a=1 g.level=2`,
		`warning a warning`,
		"error it ends\uFFFDhere error=\"two\\nlines\"",
	}
	if diff := cmp.Diff(want, to.lines[:4]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if last := to.lines[4]; len(last) > 31_000 || !strings.HasSuffix(last, "ä…") || !bytes.ContainsRune([]byte(last), 'ä') {
		t.Errorf("a long message has %d bytes and ends in %q", len(last), last[len(last)-5:])
	}
}
