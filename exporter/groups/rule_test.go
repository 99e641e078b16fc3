package groups_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/groups"
	"github.com/procmon/procmon/exporter/proctable"
)

func TestRules(t *testing.T) {
	full := procmon.Process{
		Name: "w3wp.exe", Exe: procmon.Some(`C:\Windows\System32\inetsrv\w3wp.exe`),
		Username: procmon.Some(`IIS APPPOOL\shop`), Cmdline: procmon.Some(`w3wp.exe -ap "shop"`),
	}
	denied := procmon.Process{Name: "w3wp.exe"}
	for _, test := range []struct {
		name    string
		rules   []groups.Rule
		process procmon.Process
		want    string
	}{
		{"no rules", nil, full, "w3wp.exe"},
		{"none matches", []groups.Rule{{Group: "web", Name: "^nginx"}}, full, "w3wp.exe"},
		{"name", []groups.Rule{{Group: "web", Name: "^(?i)W3WP"}}, full, "web"},
		{"anywhere in the text", []groups.Rule{{Group: "web", Name: "3w"}}, full, "web"},
		{"exe", []groups.Rule{{Group: "iis", Exe: `\\inetsrv\\`}}, full, "iis"},
		{"user", []groups.Rule{{Group: "pools", User: `^IIS APPPOOL\\`}}, full, "pools"},
		{"command line", []groups.Rule{{Group: "shop", Cmdline: `-ap "shop"`}}, full, "shop"},
		{"all of them", []groups.Rule{{Group: "shop", Name: "w3wp", Exe: "inetsrv", User: "shop", Cmdline: "shop"}}, full, "shop"},
		{"all but one", []groups.Rule{{Group: "shop", Name: "w3wp", Exe: "inetsrv", User: "shop", Cmdline: "blog"}}, full, "w3wp.exe"},
		{"the first of two", []groups.Rule{{Group: "one", Name: "w"}, {Group: "two", Name: "w"}}, full, "one"},
		{"the second of two", []groups.Rule{{Group: "one", Name: "x$"}, {Group: "two", Name: "w"}}, full, "two"},
		{"unknown facts do not match", []groups.Rule{{Group: "exe", Exe: ".*"}, {Group: "user", User: "^$"}, {Group: "cmdline", Cmdline: ""}, {Group: "name", Name: "w", Cmdline: ".*"}}[:2], denied, "w3wp.exe"},
		{"part by number", []groups.Rule{{Group: "web-$1", Name: `^(\w+)\.exe$`}}, full, "web-w3wp"},
		{"part by name", []groups.Rule{{Group: "${stem}s", Name: `^(?P<stem>\w+)\.`}}, full, "w3wps"},
		{"the whole match", []groups.Rule{{Group: "<$0>", Name: `^\w+`}}, full, "<w3wp>"},
		{"nothing remains", []groups.Rule{{Group: "$1", Name: `^(x?)`}, {Group: "later", Name: "w"}}, full, "w3wp.exe"},
		{"a dollar sign", []groups.Rule{{Group: "MSSQL$$PROD", Exe: "."}}, full, "MSSQL$PROD"},
		{"a dollar sign beside a name", []groups.Rule{{Group: "MSSQL$$PROD", Name: "."}}, full, "MSSQL$PROD"},
		{"control characters", []groups.Rule{{Group: "a\n\x1b[1m", Name: "."}}, full, "a\uFFFD\uFFFD[1m"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tracker := track(t, 10, test.rules...)
			tracker.Update(nil, table(test.process))
			if diff := cmp.Diff([]string{test.want + " 1"}, members(tracker)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRulesAreCheckedAtTheirKeys(t *testing.T) {
	good := groups.Rule{Group: "a", Name: "a"}
	for _, test := range []struct {
		name  string
		rules []groups.Rule
		want  string
	}{
		{"none", nil, ""},
		{"good", []groups.Rule{good, {Group: "$1$$", Name: "(a)"}}, ""},
		{"expression", []groups.Rule{good, good, {Group: "c", Cmdline: "("}}, "groups[2].cmdline: error parsing regexp: missing closing ): `(`"},
		{"each", []groups.Rule{{Group: "a", Name: "[", User: "*"}, good, {Group: "a", Exe: "a**"}},
			"groups[0].name: error parsing regexp: missing closing ]: `[`\ngroups[0].user: error parsing regexp: missing argument to repetition operator: `*`\ngroups[2].exe: error parsing regexp: invalid nested repetition operator: `**`"},
		{"no group", []groups.Rule{{Name: "a"}}, "groups[0].group: missing; it is the name of the group"},
		{"no expression", []groups.Rule{good, {Group: "a"}}, "groups[1]: needs at least one of name, exe, user and cmdline"},
		{"no such part", []groups.Rule{{Group: "a$2", Name: "(a)"}}, `groups[0].group: "$2" stands for no part in parentheses of the name pattern; write $$ for a dollar sign`},
		{"no such name", []groups.Rule{{Group: "MSSQL$PROD", Name: "(?P<prod>a)"}}, `groups[0].group: "$PROD" stands for no part in parentheses of the name pattern; write $$ for a dollar sign`},
		{"no name pattern", []groups.Rule{{Group: "${1}", Exe: "(a)"}}, `groups[0].group: "${1}" stands for no part in parentheses of the name pattern; write $$ for a dollar sign`},
		{"lone dollar sign", []groups.Rule{{Group: "a$", Name: "a"}}, `groups[0].group: "$" stands for no part in parentheses of the name pattern; write $$ for a dollar sign`},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := groups.Options{Rules: test.rules}
			_, err := groups.New(o)
			for _, err := range []error{o.Check(), err} {
				got := ""
				if err != nil {
					got = err.Error()
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// TestRulesAreAskedAgain changes facts of a process from table to table, and its pid's owner.
func TestRulesAreAskedAgain(t *testing.T) {
	tracker := track(t, 100, groups.Rule{Group: "servers", Cmdline: "--serve"}, groups.Rule{Group: "roots", User: "^root$"})
	with := func(started int, name, user, cmdline string) *proctable.Rows {
		p := proc(1, started, name, 0)
		p.Username, p.Cmdline = procmon.Some(user), procmon.Some(cmdline)
		return table(p)
	}
	var before *proctable.Rows
	for _, step := range []struct {
		name, want string
		rows       *proctable.Rows
	}{
		{"a shell", "sh", with(0, "sh", "joe", "sh")},
		{"stays", "sh", with(0, "sh", "joe", "sh")},
		{"changes its user", "roots", with(0, "sh", "root", "sh")},
		{"changes its command line", "servers", with(0, "sh", "root", "sh --serve")},
		{"changes its name", "servers", with(0, "httpd", "root", "sh --serve")},
		{"ends; another has its pid", "sh", with(9, "sh", "joe", "sh")},
	} {
		tracker.Update(before, step.rows)
		before = step.rows
		for _, g := range tracker.Groups() {
			if want := g.Name == step.want; (g.Processes == 1) != want {
				t.Errorf("%s: %s has %d processes", step.name, g.Name, g.Processes)
			}
		}
	}
}

func TestLabel(t *testing.T) {
	long := strings.Repeat("ä", 200) // 400 bytes
	for _, test := range []struct{ name, text, want string }{
		{"plain", "w3wp.exe", "w3wp.exe"},
		{"empty", "", ""},
		{"unicode", "日本語 ünï", "日本語 ünï"},
		{"quotes are escaped by the format", `a"b\c`, `a"b\c`},
		{"control characters", "a\x00b\nc\x1b[31m\u0085\x7f", "a\uFFFDb\uFFFDc\uFFFD[31m\uFFFD\uFFFD"},
		{"not UTF-8", "a\xff\xc3", "a\uFFFD\uFFFD"},
		{"256 bytes", long[:256], long[:256]},
		{"too long", long, long[:252] + "…"},
		{"too long when mended", strings.Repeat("\x01", 255), strings.Repeat("\uFFFD", 84) + "…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := groups.Label(test.text)
			if diff := cmp.Diff(test.want, got); diff != "" || len(got) > 256 || !utf8.ValidString(got) {
				t.Errorf("%d bytes\n%s", len(got), diff)
			}
		})
	}
}

func TestGroupsThatAreCutAlikeAreOne(t *testing.T) {
	long := strings.Repeat("x", 300)
	tracker := track(t, 10)
	tracker.Update(nil, table(proc(1, 0, long+"1", 0), proc(2, 0, long+"2", 0), proc(3, 0, "a\nb", 0), proc(4, 0, "a\rb", 0)))
	if diff := cmp.Diff([]string{"a\uFFFDb 2", long[:253] + "… 2"}, members(tracker)); diff != "" {
		t.Error(diff)
	}
}
