package redact_test

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/exporter/redact"
)

func TestParseMode(t *testing.T) {
	for name, want := range map[string]redact.Mode{"": redact.Redact, "redact": redact.Redact, "strip": redact.Strip, "off": redact.Off} {
		if got, err := redact.ParseMode(name); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", name, got, err, want)
		}
	}
	const want = `mode "none": must be redact, strip or off`
	if _, err := redact.ParseMode("none"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		o    redact.Options
		want string
	}{
		{"mode", redact.Options{Mode: "x"}, `mode "x": must be redact, strip or off`},
		{"syntax", redact.Options{Patterns: []string{"a", "(b"}}, "patterns[1]: error parsing regexp: missing closing ): `(b`"},
		{"empty", redact.Options{Patterns: []string{""}}, "patterns[0]: empty; it must be a regular expression"},
		{"long", redact.Options{Patterns: []string{strings.Repeat("a", 1025)}}, "patterns[0]: 1025 bytes long; at most 1024 are allowed"},
		{"many", redact.Options{Patterns: make([]string, 65)}, "patterns: 65 of them; at most 64 are allowed"},
		{"two", redact.Options{Patterns: []string{"", "a", ""}}, "patterns[0]: empty; it must be a regular expression\npatterns[2]: empty; it must be a regular expression"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := redact.New(test.o)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOwnPatterns(t *testing.T) {
	for _, test := range []struct{ name, pattern, line, want string }{
		{"group", `(?i)--mysecret[ =](\S+)`, `app --MySecret x1 --mysecret=y2 z`, `app --MySecret *** --mysecret=*** z`},
		{"groups", `id:(\d+)/(\d+)`, `app id:12/34`, `app id:***/***`},
		{"no group", `emp\d+`, `app emp123 x`, `app *** x`},
		{"part that did not match", `a(b)?(c)`, `app ac`, `app a***`},
		{"nothing", `x*`, `app y`, `app y`},
		{"everything", `.+`, `app y`, `***`},
		{"its own marker", `(.)`, `ab`, `******`},
		{"beside the built-in rules", `emp\d+`, `mysql -psecret emp1`, `mysql -p*** ***`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := redactor(t, redact.Options{Patterns: []string{test.pattern}})
			if got := r.Line(test.line); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestOffLeavesAll(t *testing.T) {
	const line = `mysql -psecret`
	if got := redactor(t, redact.Options{Mode: redact.Off}).Line(line); got != line {
		t.Errorf("got %q, want %q", got, line)
	}
}

func TestStripLeavesTheProgram(t *testing.T) {
	r := redactor(t, redact.Options{Mode: redact.Strip})
	for _, test := range []struct{ line, want string }{
		{``, ``},
		{`notepad.exe`, `notepad.exe`},
		{`notepad.exe a b`, `notepad.exe`},
		{"sh\t-c x", `sh`},
		{`"C:\Program Files\a b\app.exe" --x "y z"`, `"C:\Program Files\a b\app.exe"`},
		{`"C:\Program Files\a b\app.exe"`, `"C:\Program Files\a b\app.exe"`},
		{`"C:\app.exe --x`, `C:\app.exe`},
		{`C:\Program Files\a b\App.EXE --x y`, `C:\Program Files\a b\App.EXE`},
		{`C:\Program Files\a b\app.exe`, `C:\Program Files\a b\app.exe`},
		{`C:\tools\app secret D:\x.exe y`, `C:\tools\app`},
		{`C:\Program Files\app "secret" D:\x.exe y`, `C:\Program`},
		{`sshd: bob@pts/0`, `sshd:`},
		{`https://bob:secret@host/x y`, `https://bob:***@host/x`},
	} {
		if got := r.Line(test.line); got != test.want {
			t.Errorf("%s: got %q, want %q", test.line, got, test.want)
		}
	}
}

// TestHostileLinesCostNoMore gives 64 KiB of what asks a rule to look ahead. The limit is many
// times what a line of this length takes; what is not linear takes seconds.
func TestHostileLinesCostNoMore(t *testing.T) {
	r := redactor(t, redact.Options{})
	for _, part := range []string{
		"a", " ", `"`, `'`, `\`, `\"`, `"\`, "=", ":", ";", "*", "-", "--", "/", "password=", "password:", "a://b:c", "a:b", "a:b@", "://", "x://:@",
		`"a" `, `;pwd=x`, `"pwd=x`, `pwd='`, `pwd=a"`, `-p `, "--token ", "(", "Credential(\"", "eyJ.", "-----BEGIN ", "aB3", "AKIA", "echo |", "| ",
		"mysql ", "net use ", `--x=\"`, "[", "pwd=[", "pwd={", "<token>", "<token>a</", "u:p1@h ", "u:p1@h:", "a/b:c@", "set x_pwd=a ", "connect a/b@", "user a pwd b ", "$p=1;", "ConvertTo-SecureString $",
		"SetPassword('", "Add('Token','", "expect password send ", "-u a:b1 ", "1//0", "8Q~", "aaa8Q~", ":token>", "<a:token>", "MTAxMjM0NTY3ODkwMTIzNDU2.", "AKIAIOSFODNN7EXAMPLE:", "curl -kuu:", "--Jwt:Secret ", "key=Password value=", "Cookie: a;", "Authorization: a,", "Authorization: Bearer ", "password = ", " = ", "$", "a.",
	} {
		line := strings.Repeat(part, 64<<10/len(part))
		for _, line := range []string{line, `"` + line, "x " + line + ` "`, "powershell " + line} {
			got := r.Line(line)
			took := time.Hour
			for range 5 { // a busy machine lets us wait
				begin := time.Now()
				r.Line(line)
				if took = min(took, time.Since(begin)); took <= 500*time.Millisecond {
					break
				}
			}
			if took > 500*time.Millisecond {
				t.Errorf("%.20q repeated: %v", line, took)
			}
			check(t, r, line, got)
		}
	}
}

// check tells whether what always holds does so for a line and its redacted form.
func check(t *testing.T, r *redact.Redactor, line, got string) {
	t.Helper()
	if again := r.Line(got); again != got {
		t.Errorf("%.200q: redacted %.200q, and again %.200q", line, got, again)
	}
	if utf8.ValidString(line) && !utf8.ValidString(got) {
		t.Errorf("%.200q: %.200q is not UTF-8", line, got)
	}
	if len(got) > 3*len(line) {
		t.Errorf("%.200q: %d bytes became %d", line, len(line), len(got))
	}
}

func TestRedactedStays(t *testing.T) {
	r := redactor(t, redact.Options{})
	lines := slices.Concat(secretLines, harmlessLines, fixture(t, "secrets*.txt"), fixture(t, "harmless*.txt"))
	for _, line := range lines {
		given, _ := split(line)
		check(t, r, given, r.Line(given))
	}
}

func FuzzLine(f *testing.F) {
	for _, line := range append(fixture(f, "secrets*.txt"), secretLines...) {
		given, _ := split(line)
		f.Add(given)
	}
	for _, line := range append(fixture(f, "harmless*.txt"), harmlessLines...) {
		f.Add(line)
	}
	all := redactor(f, redact.Options{})
	own := redactor(f, redact.Options{Patterns: []string{`(?i)--mysecret[ =](\S+)`, `id:(\d+)/(\d+)`}})
	strip := redactor(f, redact.Options{Mode: redact.Strip})
	f.Fuzz(func(t *testing.T, line string) {
		check(t, all, line, all.Line(line))
		check(t, own, line, own.Line(line))
		if first, _, list := strings.Cut(line, "\x00"); list { // of whose program spaces can be part
			if got, want := strip.Line(line), all.Line(first); got != want {
				t.Errorf("%.200q: stripped to %.200q, want %.200q", line, got, want)
			}
			return
		}
		check(t, strip, line, strip.Line(line))
	})
}

// TestArguments has lists of arguments as Linux tells them.
func TestArguments(t *testing.T) {
	for _, test := range []struct{ mode, in, want string }{
		{"redact", "app\x00--password\x00my long secret\x00-v", "app --password *** -v"},
		{"redact", "app\x00--password=my long secret\x00-v", "app --password=*** -v"},
		{"redact", "sh\x00-c\x00mysql -u root -phunter2 shop && echo done", "sh -c mysql -u root -p*** shop && echo done"},
		{"redact", "mysql\x00-pmy secret\x00shop", "mysql -p*** shop"},
		{"redact", "curl\x00-H\x00Authorization: Bearer abcdefgh12345678\x00https://x", "curl -H Authorization:*** https://x"},
		{"redact", "grep\x00a b\x00my file.txt", "grep a b my file.txt"},
		{"redact", "app\x00--password\x00a\x1fb", "app --password ***"},
		{"strip", "/opt/my app/run\x00--password\x00x", "/opt/my app/run"},
		{"off", "app\x00--password\x00my secret", "app --password my secret"},
	} {
		r, err := redact.New(redact.Options{Mode: redact.Mode(test.mode)})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Line(test.in); got != test.want {
			t.Errorf("%s of %q: got %q, want %q", test.mode, test.in, got, test.want)
		}
	}
}

// TestArgumentsAsLines says that it makes no difference who tells the arguments apart, where the line has
// no quotes that do.
func TestArgumentsAsLines(t *testing.T) {
	r := redactor(t, redact.Options{})
	for _, line := range slices.Concat(fixture(t, "secrets*.txt"), fixture(t, "harmless*.txt")) {
		given, want := split(line)
		if strings.ContainsAny(given, `"'|&;$(`) || strings.Contains(given, "  ") || strings.ContainsFunc(want, func(c rune) bool { return c == '\t' }) {
			continue
		}
		if got := r.Line(strings.ReplaceAll(given, " ", "\x00")); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", given, got, want)
		}
	}
}
