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

// host is the Windows host of the installer's tests.
type host struct {
	w                  *wine
	t                  *testing.T
	dir                string // of what is built
	setup, startManual string
}

func newHost(t *testing.T) *host {
	h := &host{w: open(t), t: t, dir: t.TempDir()}
	h.copySources()
	h.setup = h.build("setup.exe", "", "deploy/windows/setup")
	h.startManual = h.build("startmanual.exe", "", "test/wine/startmanual")
	h.forget()
	t.Cleanup(h.forget)
	return h
}

// forget removes what a test that was broken off has left.
func (h *host) forget() {
	for _, code := range h.codes(h.t) {
		h.msiexec("/x", code)
	}
	for _, dir := range []string{`C:\Program Files\procmon`, `C:\ProgramData\procmon`, `C:\token folder`} {
		if err := os.RemoveAll(h.path(dir)); err != nil {
			h.t.Error(err)
		}
	}
}

// copySources copies what is built: resources lie beside the sources, and differ by version.
func (h *host) copySources() {
	h.t.Helper()
	for _, dir := range []string{"cmd/procmon-exporter", "config", "deploy", "exporter", "test/wine/startmanual"} {
		if err := os.CopyFS(filepath.Join(h.dir, dir), os.DirFS("../../"+dir)); err != nil {
			h.t.Fatal(err)
		}
	}
	files, err := filepath.Glob("../../*.*")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, file := range append(files, "../../LICENSE") {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a folder
		}
		if err := os.WriteFile(filepath.Join(h.dir, filepath.Base(file)), text, 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *host) build(name, version, pkg string) string {
	h.t.Helper()
	program := filepath.Join(h.dir, name)
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version="+version, "-o", program, "./"+pkg)
	cmd.Dir = h.dir
	cmd.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	h.must(cmd)
	return program
}

// pack builds a version's package as make does, once.
func (h *host) pack(version string) string {
	h.t.Helper()
	pack := filepath.Join(h.dir, version+".msi")
	if _, err := os.Stat(pack); err == nil {
		return pack
	}
	source := filepath.Join(h.dir, "deploy/windows")
	h.tool("./resource", "-version", version, "-icon", filepath.Join(source, "procmon.ico"),
		"-o", filepath.Join(h.dir, "cmd/procmon-exporter/rsrc_windows_amd64.syso"))
	exporter := h.build("exporter-"+version+".exe", version, "cmd/procmon-exporter")
	h.tool("./msi", "-version", version, "-source", source, "-license", filepath.Join(h.dir, "LICENSE"),
		"-exporter", exporter, "-setup", h.setup, "-o", pack)
	return pack
}

// tool runs a program of the module tools.
func (h *host) tool(args ...string) {
	h.t.Helper()
	cmd := exec.Command("go", append([]string{"run"}, args...)...)
	cmd.Dir = "../../tools"
	h.must(cmd)
}

func (h *host) must(cmd *exec.Cmd) {
	h.t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
}

// path returns where Wine keeps a file of the host.
func (h *host) path(windows string) string {
	return filepath.Join(h.w.prefix, "drive_c", strings.ReplaceAll(strings.TrimPrefix(windows, `C:\`), `\`, "/"))
}

func (h *host) write(windows, text string) {
	h.t.Helper()
	path := h.path(windows)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// msiexec returns the installer's log, with what our own program said.
func (h *host) msiexec(verb, product string, properties ...string) (string, error) {
	if filepath.IsAbs(product) {
		product = "Z:" + strings.ReplaceAll(product, "/", `\`)
	}
	log := h.path(`C:\msi.log`)
	os.Remove(log)
	cmd := h.w.command(h.w.program, append([]string{"msiexec", verb, product, "/qn", "/l*v", `C:\msi.log`}, properties...)...)
	said, err := h.output(cmd)
	text, _ := os.ReadFile(log)
	return string(text) + said, err
}

// output runs what may start the service, which inherits the output: a pipe would stay open,
// a file may.
func (h *host) output(cmd *exec.Cmd) (string, error) {
	file, err := os.Create(filepath.Join(h.dir, "output"))
	if err != nil {
		return "", err
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	failed := cmd.Run()
	text, err := os.ReadFile(file.Name())
	return string(text), errors.Join(failed, err)
}

func (h *host) install(t *testing.T, pack string, properties ...string) {
	t.Helper()
	if log, err := h.msiexec("/i", pack, properties...); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
}

// removed removes what is installed, and looks for what is left.
func (h *host) removed(t *testing.T, properties ...string) {
	t.Helper()
	for _, code := range h.codes(t) {
		if log, err := h.msiexec("/x", code, properties...); err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
	}
	if n := h.products(t); n != 0 {
		t.Errorf("%d products are left", n)
	}
	if _, err := os.Stat(h.path(`C:\Program Files\procmon`)); !os.IsNotExist(err) {
		t.Errorf("files are left: %v", err)
	}
	if s := h.service(t); s != "" {
		t.Errorf("a service is left: %s", s)
	}
	if h.knows(t, `HKLM\SOFTWARE\procmon`, "") {
		t.Error("HKLM\\SOFTWARE\\procmon is left")
	}
	if h.knows(t, `HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\procmon-exporter`, "") {
		t.Error("the source of events is left")
	}
}

// codes are the product codes of what is installed of ours.
func (h *host) codes(t *testing.T) []string {
	t.Helper()
	const uninstall = `HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall`
	var codes []string
	for line := range strings.Lines(h.registry(t, uninstall)) {
		key := strings.TrimSpace(line)
		if i := strings.LastIndexByte(key, '\\'); i >= 0 && strings.HasPrefix(key[i+1:], "{") && strings.Contains(h.registry(t, key), "procmon exporter") {
			codes = append(codes, key[i+1:])
		}
	}
	return codes
}

func (h *host) products(t *testing.T) int { t.Helper(); return len(h.codes(t)) }

// service is how the service is registered, empty without one.
func (h *host) service(t *testing.T) string {
	t.Helper()
	return h.registry(t, `HKLM\SYSTEM\CurrentControlSet\Services\procmon-exporter`)
}

// configured looks for texts in the service's registration, whose fields one blank parts.
func (h *host) configured(t *testing.T, want ...string) {
	t.Helper()
	got := strings.Join(strings.Fields(strings.ReplaceAll(h.service(t), `\"`, `"`)), " ")
	for _, text := range want {
		if !strings.Contains(got, text) {
			t.Errorf("%s is missing in %s", text, got)
		}
	}
}

func (h *host) knows(t *testing.T, key, value string) bool {
	t.Helper()
	return strings.Contains(h.registry(t, key), value) && h.registry(t, key) != ""
}

// registry returns a key with its values, empty where there is none.
func (h *host) registry(t *testing.T, key string) string {
	t.Helper()
	out, err := h.w.command(h.w.program, "reg", "query", key).Output()
	if err != nil {
		return ""
	}
	return string(out)
}

// runs asks the service for a snapshot, with its token and without.
func (h *host) runs(t *testing.T, port, version string) {
	t.Helper()
	url := "http://127.0.0.1:" + port + "/snapshot"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := answers(request, http.StatusUnauthorized, nil); err != nil {
		t.Error(err)
	}
	request.Header.Set("Authorization", "Bearer s3cret")
	var s *procmon.Snapshot
	if err := answers(request, http.StatusOK, &s); err != nil {
		t.Fatal(err)
	}
	if got := s.System.AgentVersion; got != procmon.Some(version) {
		t.Errorf("version %v answers, want %s", got, version)
	}
}

func answers(request *http.Request, code int, s **procmon.Snapshot) error {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != code {
		return fmt.Errorf("%s: %s, want %d", request.URL, response.Status, code)
	}
	if s == nil {
		return nil
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	*s, err = procmon.Decode(body)
	return err
}
