//go:build linux

// Package wine_test runs what is built for Windows, under Wine and without a display. Wine
// stands in for Windows where it behaves like it; what it leaves empty (I/O, handles,
// private bytes) is tested on buffers laid out by the documentation, beside the code.
package wine_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// wine runs Windows programs in a prefix of its own.
type wine struct {
	program string // wine64 itself: Debian's wrapper wants a display
	server  string
	prefix  string
	lock    *os.File // one test binary at a time uses the prefix
}

// prepared is the Wine that all tests of this binary share.
var prepared = sync.OnceValues(prepare)

func TestMain(m *testing.M) {
	code := m.Run()
	if w, err := prepared(); err == nil {
		w.command(w.server, "-k").Run() // ends what still runs in our prefix, and nothing else
		w.lock.Close()
	}
	os.Exit(code)
}

// open returns Wine, or skips the test where it is not installed.
func open(t testing.TB) *wine {
	t.Helper()
	w, err := prepared()
	if err == nil {
		return w
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
	return nil
}

func prepare() (*wine, error) {
	w := &wine{}
	var err error
	if w.program, err = find("/usr/lib/wine/wine64", "wine64"); err != nil {
		return nil, fmt.Errorf("%w; Debian has it in the package wine64", err)
	}
	if w.server, err = find("/usr/lib/wine/wineserver64", "/usr/lib/wine/wineserver", "wineserver"); err != nil {
		return nil, err
	}
	version, err := exec.Command(w.program, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --version: %w", w.program, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "procmon-test-wine")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// The name has the version of Wine and of what make does.
	w.prefix = filepath.Join(dir, strings.Fields(string(version))[0]+"-1")
	if w.lock, err = os.OpenFile(w.prefix+".lock", os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(w.lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, err
	}
	done := filepath.Join(w.prefix, "prepared")
	if _, err := os.Stat(done); err != nil {
		if err := w.make(); err != nil {
			return nil, err
		}
		if err := os.WriteFile(done, nil, 0o600); err != nil {
			return nil, err
		}
	}
	// Wine's own processes shall stay from one program to the next. They inherit the output of
	// the first program that runs, so it has none: whoever read it would wait for their end.
	// A run that was killed leaves its own behind.
	_ = w.command(w.server, "-k").Run() // there is seldom one to end
	for _, args := range [][]string{{w.server, "-p"}, {w.program, "cmd.exe", "/c", "exit"}} {
		if err := w.command(args[0], args[1:]...).Run(); err != nil {
			return nil, fmt.Errorf("start Wine: %s: %w", strings.Join(args, " "), err)
		}
	}
	return w, nil
}

func find(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed", names[len(names)-1])
}

// make makes a prefix that Go programs run in.
func (w *wine) make() error {
	if err := os.RemoveAll(w.prefix); err != nil { // of an attempt that was broken off
		return err
	}
	shim := filepath.Join(w.prefix, "drive_c/windows/system32/bcryptprimitives.dll")
	for _, step := range []*exec.Cmd{
		w.command(w.program, "wineboot", "--init"),
		w.command(w.server, "-w"),
		exec.Command("go", "run", "./mkshim", shim),
		// It says that it is Windows 7 otherwise, on which Go does not run.
		w.command(w.program, "reg", "add", `HKCU\Software\Wine`, "/v", "Version", "/d", "win10", "/f"),
		w.command(w.server, "-w"),
	} {
		if out, err := step.CombinedOutput(); err != nil {
			return fmt.Errorf("prepare Wine: %s: %w\n%s", strings.Join(step.Args, " "), err, out)
		}
	}
	return nil
}

// environment is that of this process, without a display and with our prefix.
func (w *wine) environment() []string {
	var env []string
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name != "DISPLAY" && !strings.HasPrefix(name, "WINE") && !strings.HasPrefix(name, "PROCESS_MONITOR_") {
			env = append(env, v)
		}
	}
	return append(env, "WINEPREFIX="+w.prefix, "WINEARCH=win64", "WINEDEBUG=-all", "WINELOADER="+w.program, "LC_ALL=C.UTF-8",
		"WINEDLLOVERRIDES=mscoree=d;mshtml=d;winemenubuilder.exe=d")
}

func (w *wine) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = w.environment()
	return cmd
}

// run runs a Windows program to its end.
func (w *wine) run(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	var errors strings.Builder
	cmd := w.command(w.program, args...)
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, out, errors.String())
	}
	return string(out)
}

// start runs a Windows program until the test ends. What it writes is logged then.
func (w *wine) start(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	var output strings.Builder
	cmd := w.command(w.program, args...)
	cmd.Stdout, cmd.Stderr = &output, &output
	// Its children keep the output open.
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		stuck := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		defer stuck.Stop()
		cmd.Wait()
		t.Logf("%s wrote:\n%s", filepath.Base(args[0]), output.String())
	})
	return cmd
}

// build builds a command of this module for Windows.
func build(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name+".exe")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=9.8.7", "-o", program, "github.com/procmon/procmon/cmd/"+name)
	cmd.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}
