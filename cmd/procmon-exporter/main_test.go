package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/procmon/procmon"
)

// build makes the command once, as it is released.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "procmon-exporter")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "procmon-exporter")
	return program, buildFor(program, runtime.GOOS, runtime.GOARCH)
})

func buildFor(program, goos, goarch string) error {
	text, err := os.ReadFile("buildflags")
	if err != nil {
		return err
	}
	args := []string{"build"}
	for line := range strings.Lines(string(text)) {
		if flag := strings.TrimSpace(line); !strings.HasPrefix(flag, "#") {
			args = append(args, flag)
		}
	}
	cmd := exec.Command("go", append(args, "-ldflags", "-s -w -X main.version=9.8.7", "-o", program, ".")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

func TestMain(m *testing.M) {
	code := m.Run()
	if program, err := build(); err == nil {
		os.RemoveAll(filepath.Dir(program))
	}
	os.Exit(code)
}

func TestScripts(t *testing.T) {
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	testscript.Run(t, testscript.Params{
		Files: scripts,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+env.Getenv("PATH"))
			address, err := freeAddress()
			env.Setenv("ADDR", address)
			env.Setenv("PORT", address[strings.LastIndex(address, ":")+1:])
			b := newBackend()
			env.Values["backend"] = b
			env.Setenv("BACKEND", b.server.URL)
			env.Defer(b.server.Close)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exitcode": exitCode, "get": get, "nowhere": nowhere, "pushed": pushed, "snapshot": snapshot, "occupy": occupy, "terminate": terminate,
		},
	})
}

// freeAddress returns a loopback address that nobody listened on a moment ago.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// occupy listens on an address until the script ends.
func occupy(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", args[0])
	ts.Check(err)
	ts.Defer(func() { l.Close() })
}

// terminate asks what runs in the background to end, as service managers do.
func terminate(ts *testscript.TestScript, _ bool, _ []string) {
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	}
}

// exitCode runs "exitcode CODE PROGRAM ARGS…": the program says one line on stderr, which is
// left in the file stderr, and ends with that code.
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != want {
		ts.Fatalf("got %v, want exit code %d", err, want)
	}
	text := ts.ReadFile("stderr")
	if strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "procmon-exporter: ") {
		ts.Fatalf("want one line of the program, got:\n%s", text)
	}
}

// get runs "get URL CODE TEXT [TOKEN]": it asks until the answer is so, and has that text.
func get(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(20 * time.Second)
	tries := time.NewTicker(10 * time.Millisecond)
	defer tries.Stop()
	for ; ; <-tries.C {
		last, body := "", []byte{}
		request, err := http.NewRequest(http.MethodGet, args[0], nil)
		ts.Check(err)
		if len(args) > 3 {
			request.Header.Set("Authorization", "Bearer "+args[3])
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			body, err = io.ReadAll(response.Body)
			response.Body.Close()
			last = strconv.Itoa(response.StatusCode)
		}
		if err == nil && last == args[1] && bytes.Contains(body, []byte(args[2])) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: %v, code %s, %.500s", args[0], err, last, body)
		}
	}
}

// nowhere runs "nowhere URL TEXT TOKEN": the answer, which is 200, does not have that text.
func nowhere(ts *testscript.TestScript, _ bool, args []string) {
	request, err := http.NewRequest(http.MethodGet, args[0], nil)
	ts.Check(err)
	request.Header.Set("Authorization", "Bearer "+args[2])
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	if response.StatusCode != http.StatusOK || bytes.Contains(body, []byte(args[1])) {
		ts.Fatalf("%s: %s, and %q must not be in %s", args[0], response.Status, args[1], body)
	}
}

// snapshot runs "snapshot FILE TEXT…": the file is a snapshot with every one of the texts.
func snapshot(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	s, err := procmon.Decode([]byte(text))
	ts.Check(err)
	if len(s.Processes) == 0 {
		ts.Fatalf("no processes in %s", text)
	}
	for _, want := range args[1:] {
		if !strings.Contains(text, want) {
			ts.Fatalf("%q is missing", want)
		}
	}
}

// backend takes pushes with the key K3Y.
type backend struct {
	server *httptest.Server
	taken  chan *procmon.Snapshot
}

func newBackend() *backend {
	b := &backend{taken: make(chan *procmon.Snapshot, 100)}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost {
			http.Error(w, "only POST", http.StatusMethodNotAllowed)
			return
		}
		if r.Header.Get("Authorization") != "Token K3Y" {
			http.Error(w, "wrong key", http.StatusUnauthorized)
			return
		}
		s, err := procmon.Decode(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		b.taken <- s
		w.WriteHeader(http.StatusCreated)
	}))
	return b
}

// pushed runs "pushed N": it waits until the backend has taken so many snapshots more.
func pushed(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var last time.Time
	for range n {
		select {
		case s := <-ts.Value("backend").(*backend).taken:
			if !s.Timestamp.After(last) {
				ts.Fatalf("%v was pushed after %v", s.Timestamp, last)
			}
			last = s.Timestamp
		case <-time.After(20 * time.Second):
			ts.Fatalf("nothing was pushed")
		}
	}
}

func TestLinksNoServer(t *testing.T) {
	for _, goos := range []string{"linux", "windows"} {
		list := exec.Command("go", "list", "-deps", ".")
		list.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
		out, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(out), "github.com/procmon/procmon/exporter\n") {
			t.Fatalf("%s: the list lacks what must be there:\n%s", goos, out)
		}
		for _, banned := range []string{"badger", "/webui", "/storage", "/scraper", "prometheus/prometheus/", "kin-openapi", "gorilla/mux"} {
			for line := range strings.Lines(string(out)) {
				if strings.Contains(line, banned) {
					t.Errorf("%s: links %s", goos, strings.TrimSpace(line))
				}
			}
		}
	}
}

func TestSize(t *testing.T) {
	const most = 14_000_000 // bytes
	for _, goos := range []string{"linux", "windows"} {
		program := filepath.Join(t.TempDir(), "procmon-exporter")
		if err := buildFor(program, goos, "amd64"); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(program)
		if err != nil {
			t.Fatal(err)
		}
		if t.Logf("%s/amd64: %d bytes", goos, info.Size()); info.Size() > most {
			t.Errorf("%s/amd64: %d bytes, at most %d are allowed", goos, info.Size(), most)
		}
	}
}
