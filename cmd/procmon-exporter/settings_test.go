package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/procmon/procmon/config/agent"
)

// Every flag is a key of the file, with a default that the file takes again.
func TestSettingsAreKeys(t *testing.T) {
	defaults, seen := agent.Default(), map[string]bool{}
	for _, s := range settings() {
		value, err := defaults.Get(s.name())
		if err != nil {
			t.Errorf("--%s: %v", s.flag, err)
			continue
		}
		if err := agent.Default().Set(s.name(), value); err != nil {
			t.Errorf("--%s: its default %q is refused: %v", s.flag, value, err)
		}
		if seen[s.name()] || (value == "true" || value == "false") != s.boolean || s.usage == "" {
			t.Errorf("--%s: %+v with the default %q", s.flag, s, value)
		}
		seen[s.name()] = true
	}
	if len(seen) < 20 {
		t.Errorf("only %d settings", len(seen))
	}
}

func TestGreeting(t *testing.T) {
	for _, tc := range []struct {
		configured, listens, webConfig string
		want, never                    string
	}{
		{"127.0.0.1:0", "127.0.0.1:9910", "", "on http://127.0.0.1:9910/\nOnly this computer", "Other"},
		{":9910", "[::]:9910", "", "on http://localhost:9910/\nOther computers can reach it", "Only"},
		{":9910", "0.0.0.0:9910", "web.yml", "on http://localhost:9910/\nWith TLS in web.yml it is https", "Only"},
	} {
		r := &resolved{Config: agent.Default()}
		r.Web.ListenAddress, r.Web.ConfigFile = tc.configured, tc.webConfig
		got := greeting(tc.listens, r)
		if !strings.Contains(got, tc.want) || strings.Contains(got, tc.never) || !strings.Contains(got, "service install") {
			t.Errorf("%s: got %s, want %s", tc.listens, got, tc.want)
		}
	}
}

func TestWaitBeforeClosing(t *testing.T) {
	for code, asks := range map[int]bool{0: false, 1: true, 2: true} {
		in, out := strings.NewReader("a line\nanother"), &bytes.Buffer{}
		waitBeforeClosing(code, in, out)
		if got := strings.Contains(out.String(), "press Enter to close this window"); got != asks || (in.Len() < len("a line\nanother")) != asks {
			t.Errorf("code %d: printed %q, %d bytes are left", code, out, in.Len())
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "127.8.9.10:1": true, "localhost:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true,
		":1": false, "0.0.0.0:1": false, "[::]:1": false, "host:1": false, "10.0.0.1:1": false, "localhost.example:1": false,
		"[fe80::1%lo]:1": false, "127.1:1": false, "nonsense": false, "": false,
	} {
		if got := isLoopback(address); got != want {
			t.Errorf("%s: got %v", address, got)
		}
	}
}

func TestReadSecret(t *testing.T) {
	for text, want := range map[string]string{
		"s3cret": "s3cret", "s3cret \r\n": "s3cret", "\uFEFFs3cret\n": "s3cret", // Notepad's
		"": "", "\n": "", "two\nlines": "", "\xff\xfe\r\x00\n\x00": "", "\xff\xfe\x00\xd8a\x00": "",
		"\xff\xfea\x00b\x00\r\x00\n\x00": "ab", "\xfe\xff\x00a\x00b": "ab", "\xff\xfea\x00b": "a", // PowerShell's >, which is UTF-16
		"gro\u00df": "", strings.Repeat("a", 4097): "",
	} {
		file := t.TempDir() + "/secret"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readSecret(file)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%.20q: got %q, %v", text, got, err)
		}
		if err != nil && len(text) > 1 && strings.Contains(err.Error(), text) {
			t.Errorf("the error holds the secret: %v", err)
		}
	}
}
