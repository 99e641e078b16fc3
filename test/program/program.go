// Package program builds and runs this module's programs for tests, as a user would run them.
package program

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Need skips the test if a program is not installed, unless CI=true: there nothing is skipped.
func Need(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed; .ci/run installs it", name)
	return ""
}

// Build compiles cmd/NAME and returns the path of the program.
func Build(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-o", path, "github.com/procmon/procmon/cmd/"+name)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	return path
}

// Address returns a loopback address that nobody listens on at this moment.
func Address(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A Process is a running program. It is killed when the test ends.
type Process struct {
	*exec.Cmd
	output lockedBuffer
	done   chan struct{}
}

// Start runs a program; what it prints is shown if the test fails.
func Start(t testing.TB, path string, args ...string) *Process {
	t.Helper()
	p := &Process{Cmd: exec.Command(path, args...), done: make(chan struct{})}
	p.Stdout, p.Stderr = &p.output, &p.output
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.Wait() // its state says how it ended
		close(p.done)
	}()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("%s printed:\n%s", filepath.Base(path), p.output.String())
		}
	})
	return p
}

// Kill ends the program at once, as kill -9 does, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.Process.Kill() // it may have ended by itself
	<-p.done
}

// Output returns what the program has printed so far.
func (p *Process) Output() string { return p.output.String() }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Until calls ready every few milliseconds until it returns nil. It fails the test when the
// program ends before that, or after a minute.
func (p *Process) Until(t testing.TB, what string, ready func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var err error
	for {
		attempt, cancelAttempt := context.WithTimeout(ctx, 10*time.Second)
		err = ready(attempt)
		cancelAttempt()
		if err == nil {
			return
		}
		select {
		case <-p.done:
			t.Fatalf("%s ended before %s: %v\n%s", filepath.Base(p.Path), what, p.ProcessState, p.Output())
		case <-ctx.Done():
			t.Fatalf("%s: %s: %v", filepath.Base(p.Path), what, err)
		case <-tick.C:
		}
	}
}

// Answers waits until a GET of url is answered with 200.
func (p *Process) Answers(t testing.TB, url string) {
	t.Helper()
	p.Until(t, "GET "+url, func(ctx context.Context) error {
		_, err := Get(ctx, url)
		return err
	})
}

// Get returns the body of a GET that is answered with 200.
func Get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", resp.Status, body.Bytes())
	}
	return body.Bytes(), nil
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
