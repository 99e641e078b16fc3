package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestApply(t *testing.T) {
	const listen, token, push = "--web.listen-address", "--web.token-file", "--push.url"
	tests := []struct {
		name    string
		args    []string
		changes []string
		want    []string
	}{
		{"nothing given", []string{"service", "run", listen, ":1"}, []string{listen, "", token, ""}, []string{"service", "run", listen, ":1"}},
		{"first", []string{"service", "run"}, []string{listen, ":1", token, `C:\a b\t`}, []string{"service", "run", listen + "=:1", token + `=C:\a b\t`}},
		{"one changes, others stay", []string{"service", "run", listen, ":1", push, "http://a"}, []string{listen, ":2"}, []string{"service", "run", push, "http://a", listen + "=:2"}},
		{"joined and with one dash", []string{"-web.listen-address=:1", "-push.url", "http://a", "--log.level=debug"}, []string{listen, ":2", push, "http://b"}, []string{"--log.level=debug", listen + "=:2", push + "=http://b"}},
		{"given twice before", []string{listen, ":1", listen + "=:3"}, []string{listen, ":2"}, []string{listen + "=:2"}},
		{"taken back", []string{"service", "run", push, "http://a", token, "t"}, []string{push, "NONE"}, []string{"service", "run", token, "t"}},
		{"a name that begins alike", []string{"--push.url-x", "1"}, []string{push, "http://b"}, []string{"--push.url-x", "1", push + "=http://b"}},
		{"a flag at the end", []string{"run", push}, []string{push, "none"}, []string{"run"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := strings.Join(test.args, "\n")
			changes, err := parseChanges(test.changes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, apply(test.args, changes)); diff != "" {
				t.Error(diff)
			}
			if strings.Join(test.args, "\n") != before {
				t.Error("the arguments given were changed")
			}
		})
	}
}

func TestParseChangesRefuses(t *testing.T) {
	for _, args := range [][]string{{"--push.url"}, {"push.url", "x"}, {"--a", "b", "c"}} {
		if got, err := parseChanges(args); err == nil {
			t.Errorf("%q gives %v", args, got)
		}
	}
}

func TestCheckArguments(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		isFile bool
		want   []string
	}{
		{"the usual file", []string{"service", "run", "--a=1"}, true, []string{"--a=1", "check-config"}},
		{"no file", []string{"service", "run", "--a=1"}, false, []string{"--a=1", "check-config", os.DevNull}},
		{"a file of its own", []string{"service", "run", "--config.file=c", "--a=1"}, false, []string{"--config.file=c", "--a=1", "check-config"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, checkArguments(test.args, test.isFile)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
