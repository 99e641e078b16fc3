//go:build linux

package wine_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/procmon/procmon"
)

// service runs "procmon-exporter service ARGS…" and returns its exit code and what it says.
func (w *wine) service(t *testing.T, program string, args ...string) (code int, output string) {
	t.Helper()
	out, err := w.command(w.program, append([]string{program, "service"}, args...)...).CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if err != nil && !ok {
		t.Fatal(err)
	}
	if ok {
		code = exit.ExitCode()
	}
	return code, strings.ReplaceAll(string(out), "\r\n", "\n")
}

// must is service for what has to succeed.
func (w *wine) must(t *testing.T, program string, args ...string) (output string) {
	t.Helper()
	code, output := w.service(t, program, args...)
	if code != 0 {
		t.Fatalf("service %s: exit code %d, %s", strings.Join(args, " "), code, output)
	}
	return output
}

// TestService follows a service from its installation to its end.
func TestService(t *testing.T) {
	w := open(t)
	const name = "procmon-test"
	dir := filepath.Join(t.TempDir(), "Program Files 𝄞")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "procmon exporter.exe")
	if err := os.Rename(build(t, "procmon-exporter"), program); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.service(t, program, "uninstall", "--name", name) })
	token := filepath.Join(dir, "the token")
	if err := os.WriteFile(token, []byte("s3cret\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)

	if code, output := w.service(t, program, "status", "--name", name); code != 4 || !strings.Contains(output, "not installed") {
		t.Fatalf("before: exit code %d, %s", code, output)
	}
	if code, output := w.service(t, program, "start", "--name", name); code != 1 || !strings.Contains(output, "not installed") {
		t.Errorf("start before: exit code %d, %s", code, output)
	}
	// What would not start is not installed.
	if code, output := w.service(t, program, "install", "--name", name, "--web.listen-address", ":9910"); code != 2 || !strings.Contains(output, "--web.token-file") {
		t.Errorf("install in the open: exit code %d, %s", code, output)
	}
	if code, _ := w.service(t, program, "status", "--name", name); code != 4 {
		t.Fatalf("a service that cannot start was installed")
	}

	w.must(t, program, "install", "--name", name, "--web.listen-address="+address, "--web.token-file=Z:"+token)
	code, status := w.service(t, program, "status", "--name", name)
	for _, want := range []string{"is stopped", "automatic", "LocalSystem", `procmon exporter.exe" service run --name=` + name + " --web.listen-address=" + address + ` "--web.token-file=Z:`} {
		if code != 3 || !strings.Contains(status, want) {
			t.Errorf("after install: exit code %d, %q is missing in %s", code, want, status)
		}
	}
	if code, output := w.service(t, program, "install", "--name", name); code != 1 || !strings.Contains(output, "install --replace") {
		t.Errorf("install again: exit code %d, %s", code, output)
	}

	w.must(t, program, "start", "--name", name)
	if status := w.must(t, program, "status", "--name", name); !strings.Contains(status, "is running, pid ") {
		t.Errorf("after start: %s", status)
	}
	// It listens when it is said to run: one try has to do.
	if s, err := snapshotWith(address, "s3cret"); err != nil {
		t.Error(err)
	} else if p := byCommand(s, "service run --name="+name); p == nil {
		t.Errorf("the service is not among %s", names(s))
	}
	if _, err := snapshotWith(address, "wrong"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a wrong token is answered with %v", err)
	}
	w.must(t, program, "start", "--name", name) // runs already

	// Replaced, it runs again, with the new settings.
	other := freeAddress(t)
	w.run(t, program, "--web.listen-address", other, "service", "install", "--name", name, "--replace")
	if _, err := snapshotWith(other, ""); err != nil {
		t.Error(err)
	}

	w.must(t, program, "stop", "--name", name)
	if code, status := w.service(t, program, "status", "--name", name); code != 3 || !strings.Contains(status, "is stopped") {
		t.Errorf("after stop: exit code %d, %s", code, status)
	}
	w.must(t, program, "stop", "--name", name) // is stopped already
	w.must(t, program, "uninstall", "--name", name)
	if code, _ := w.service(t, program, "status", "--name", name); code != 4 {
		t.Errorf("after uninstall: exit code %d", code)
	}
}

// TestServiceThatFails says that it did, and where the reason is.
func TestServiceThatFails(t *testing.T) {
	w := open(t)
	const name = "procmon-failing"
	program := build(t, "procmon-exporter")
	token := filepath.Join(filepath.Dir(program), "token")
	if err := os.WriteFile(token, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.service(t, program, "uninstall", "--name", name) })
	w.must(t, program, "install", "--name", name, "--web.token-file=Z:"+token, "--web.listen-address", freeAddress(t))
	if err := os.Remove(token); err != nil {
		t.Fatal(err)
	}
	if code, output := w.service(t, program, "start", "--name", name); code != 1 || !strings.Contains(output, "with the exit code 1; the Application log of the Event Viewer says why") {
		t.Errorf("exit code %d, %s", code, output)
	}
	// Nobody but the service manager runs it so.
	if code, output := w.service(t, program, "run"); code != 1 || !strings.Contains(output, "service start") {
		t.Errorf("run: exit code %d, %s", code, output)
	}
}

// snapshotWith asks once.
func snapshotWith(address, token string) (*procmon.Snapshot, error) {
	body, err := getOnce("http://"+address+"/snapshot", token)
	if err != nil {
		return nil, err
	}
	return procmon.Decode(body)
}

func byCommand(s *procmon.Snapshot, part string) *procmon.Process {
	for i := range s.Processes {
		if strings.Contains(s.Processes[i].Cmdline.Value, part) {
			return &s.Processes[i]
		}
	}
	return nil
}

// TestConfigFileOnWindows reads the file from its usual place, and Windows' paths in it.
func TestConfigFileOnWindows(t *testing.T) {
	w := open(t)
	program := build(t, "procmon-exporter")
	data := filepath.Join(w.prefix, "drive_c", "ProgramData", "procmon")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(data) })
	address := freeAddress(t)
	for file, text := range map[string]string{
		"exporter.yaml": fmt.Sprintf("web:\n  listen_address: %s\n  token_file: token # beside this file\n", address),
		"token":         "\uFEFFs3cret\r\n",
	} {
		if err := os.WriteFile(filepath.Join(data, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out := w.run(t, program, "check-config"); !strings.Contains(out, `C:\ProgramData\procmon\exporter.yaml is valid`) {
		t.Errorf("check-config says %s", out)
	}
	w.start(t, program)
	get(t, "http://"+address+"/-/healthy", func(string) error { return nil })
	if _, err := snapshotWith(address, "s3cret"); err != nil {
		t.Error(err)
	}
}

func getOnce(url, token string) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return body, err
}

// findNamed returns the process of that name in a snapshot's JSON, or nil.
func findNamed(t *testing.T, body, name string) *procmon.Process {
	t.Helper()
	s, err := procmon.Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Processes {
		if s.Processes[i].Name == name {
			return &s.Processes[i]
		}
	}
	return nil
}
