//go:build linux

package wine_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecretsStayOnTheHost looks at a process whose name is hard to write and whose command
// line holds what nobody else shall see.
func TestSecretsStayOnTheHost(t *testing.T) {
	w := open(t)
	const name = `größer 𝄞 "als".exe`
	child := filepath.Join(t.TempDir(), strings.ReplaceAll(name, `"`, "")) // Windows' files have no quotes in their names
	compile := exec.Command("go", "build", "-trimpath", "-o", child, "./waiter")
	compile.Env = append(compile.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	waiter := w.command(w.program, child, "--user", name, `--password=ge"heim zwei`, "/password:geheim3", "--port", "8080", "https://me:geheim4@host/path", "--end")
	input, err := waiter.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := waiter.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { input.Close(); waiter.Wait() })

	program := build(t, "procmon-exporter")
	lineOf := func(mode string) (line string) {
		for range 20 { // Wine takes a moment to start the child
			p := findNamed(t, w.run(t, program, "--command-lines.mode", mode, "snapshot"), filepath.Base(child))
			if p != nil {
				return p.Cmdline.Value
			}
		}
		t.Fatal("no child")
		return ""
	}
	whole := lineOf("off")
	for _, part := range []string{"/password:geheim3", "geheim4", "heim zwei", "--port 8080"} {
		if !strings.Contains(whole, part) {
			t.Errorf("off: %q is missing in %s", part, whole)
		}
	}
	redacted := lineOf("redact")
	for _, secret := range []string{"heim", "zwei", "geheim3", "geheim4"} {
		if strings.Contains(redacted, secret) {
			t.Errorf("redact: %s is in %s", secret, redacted)
		}
	}
	for _, part := range []string{"größer 𝄞", "--password=***", "--port 8080", "@host/path", "--end"} {
		if !strings.Contains(redacted, part) {
			t.Errorf("redact: %q is missing in %s", part, redacted)
		}
	}
	if stripped := lineOf("strip"); !strings.Contains(stripped, "größer 𝄞") || strings.Contains(stripped, "--") {
		t.Errorf("strip: %s", stripped)
	}
}
