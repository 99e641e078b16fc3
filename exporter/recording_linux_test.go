package exporter_test

import (
	"bytes"
	"context"
	"errors"

	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter"
	"github.com/procmon/procmon/exporter/push"
)

// recording makes each answer of a collection of its own, with events.
var recording = exporter.Options{CPUSampleDelay: -1, ShareFor: -1, Events: true}

const (
	cursorHeader = "Procmon-Events-Cursor"
	afterHeader  = "Procmon-Events-After"
)

// record serves an exporter that records events, or skips where it cannot.
func record(t testing.TB, o exporter.Options) string {
	t.Helper()
	_, url := recorder(t, o)
	return url
}

// recorder is record and returns the exporter too.
func recorder(t testing.TB, o exporter.Options) (*exporter.Exporter, string) {
	t.Helper()
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	e := open(t, o)
	url := serveIt(t, e)
	if text := log.String(); strings.Contains(text, "not recorded") {
		t.Skipf("the proc connector is not to be had here: %s", text)
	}
	return e, url
}

// TestRecordingInAnotherNamespace has TestRecordingThatIsRefused run where the kernel refuses.
func TestRecordingInAnotherNamespace(t *testing.T) {
	again := exec.Command(os.Args[0], "-test.run=^TestRecordingThatIsRefused$", "-test.v")
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := again.CombinedOutput()
	if errors.Is(err, os.ErrPermission) {
		t.Skip("this machine does not let us make namespaces:", err)
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestRecordingThatIsRefused")) {
		t.Errorf("%v: %s", err, out)
	}
}

// client is one that pulls snapshots and repeats cursors, if it is named.
type client struct {
	url    string
	named  bool
	cursor string
	ends   map[uint32]int // how often the end of a pid came
}

func (c *client) pull(t testing.TB) {
	t.Helper()
	header := http.Header{}
	if c.named && c.cursor != "" {
		header.Set(afterHeader, c.cursor)
	}
	response, body := get(t, "GET", c.url+"/snapshot", header)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", response.Status, body)
	}
	c.cursor = response.Header.Get(cursorHeader)
	s := decode(t, body)
	if s.Events == nil || c.cursor == "" {
		t.Fatalf("events are %v, the cursor is %q", s.Events, c.cursor)
	}
	for i := range s.Events {
		if e := &s.Events[i]; e.Kind == procmon.Ended {
			c.ends[e.PID]++
		}
	}
}

// await pulls until the end of a process has come.
func (c *client) await(t testing.TB, pid int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); c.ends[uint32(pid)] == 0; c.pull(t) {
		if time.Now().After(deadline) {
			t.Fatalf("the end of %d did not come", pid)
		}
	}
}

// once checks that the ends of some processes came once each.
func (c *client) once(t testing.TB, pids []int) {
	t.Helper()
	for _, pid := range pids {
		if n := c.ends[uint32(pid)]; n != 1 {
			t.Errorf("the end of %d came %d times", pid, n)
		}
	}
}

func shortLived(t testing.TB) int {
	t.Helper()
	child := exec.Command("true")
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	return child.Process.Pid
}

func TestEveryClientGetsEveryEventOnce(t *testing.T) {
	url := record(t, recording)
	clients := []*client{{url: url, named: true}, {url: url, named: true}, {url: url}}
	for _, c := range clients {
		c.ends = map[uint32]int{}
		c.pull(t)
	}
	var pids []int
	for i := range 9 {
		pids = append(pids, shortLived(t))
		get(t, "GET", url+"/metrics", nil)
		get(t, "HEAD", url+"/snapshot", nil)
		clients[i%3].pull(t)
	}
	for _, c := range clients {
		for _, pid := range pids {
			c.await(t, pid)
		}
		c.pull(t)
		c.once(t, pids)
	}
}

// TestLostAnswerIsGivenAgain asks twice after the same cursor.
func TestLostAnswerIsGivenAgain(t *testing.T) {
	url := record(t, recording)
	c := &client{url: url, named: true, ends: map[uint32]int{}}
	c.pull(t)
	before := c.cursor
	pid := shortLived(t)
	c.await(t, pid)
	c.cursor = before
	clear(c.ends)
	c.pull(t)
	c.once(t, []int{pid})
}

// TestOneCollectionHasOneSetOfEvents: a collection that is handed out again has no events
// more, since a server stores it once.
func TestOneCollectionHasOneSetOfEvents(t *testing.T) {
	o := recording
	o.ShareFor = time.Hour
	url := record(t, o)
	response, first := get(t, "GET", url+"/snapshot", http.Header{afterHeader: {"0123456789abcdef.0"}})
	cursor := response.Header.Get(cursorHeader)
	shortLived(t)
	for _, encoding := range []string{"identity", "gzip", "identity"} {
		response, again := get(t, "GET", url+"/snapshot", http.Header{afterHeader: {"0123456789abcdef.0"}, "Accept-Encoding": {encoding}})
		if encoding == "identity" && !bytes.Equal(first, again) || response.Header.Get(cursorHeader) != cursor {
			t.Errorf("%s: got another answer, or cursor %q after %q", encoding, response.Header.Get(cursorHeader), cursor)
		}
	}
	_, rest := get(t, "GET", url+"/snapshot", http.Header{afterHeader: {cursor}})
	if s := decode(t, rest); s.Events == nil || len(s.Events) != 0 {
		t.Errorf("got %+v", s.Events)
	}
	if _, again := get(t, "GET", url+"/snapshot", http.Header{afterHeader: {"0123456789abcdef.0"}}); !bytes.Equal(first, again) {
		t.Error("another client's range has changed the answer")
	}
}

func TestCursorsOfOthers(t *testing.T) {
	url := record(t, recording)
	c := &client{url: url, named: true, ends: map[uint32]int{}}
	pid := shortLived(t)
	c.await(t, pid)
	for _, test := range []struct {
		name   string
		header []string
		code   int
		body   string
	}{
		{"of an earlier run", []string{"0123456789abcdef.99"}, 200, `"kind":"end"`},
		{"of this run", []string{c.cursor}, 200, `"events":[`},
		{"empty", []string{""}, 400, "header Procmon-Events-After: it is not of the form RUN.NUMBER; send what Procmon-Events-Cursor of an earlier answer said, or leave it out"},
		{"no number", []string{"0123456789abcdef"}, 400, "it does not end in a number of at most 64 bits"},
		{"a negative number", []string{"0123456789abcdef.-1"}, 400, "it does not end in a number of at most 64 bits"},
		{"a number too large", []string{"0123456789abcdef.99999999999999999999"}, 400, "it does not end in a number"},
		{"a run too short", []string{"0123.1"}, 400, "it is not of the form RUN.NUMBER"},
		{"not a run", []string{"0123456789abcdeg.1"}, 400, "it is not of the form RUN.NUMBER"},
		{"twice", []string{c.cursor, c.cursor}, 400, "it is there 2 times; once is allowed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			response, body := get(t, "GET", url+"/snapshot", http.Header{afterHeader: test.header})
			if response.StatusCode != test.code || !strings.Contains(string(body), test.body) {
				t.Errorf("got %s and %.200s", response.Status, body)
			}
		})
	}
}

func TestWithoutRecordingThereAreNoEvents(t *testing.T) {
	response, body := get(t, "GET", serve(t, fast)+"/snapshot", http.Header{afterHeader: {"0123456789abcdef.99"}})
	if cursor := response.Header.Get(cursorHeader); cursor != "" || bytes.Contains(body, []byte(`"events"`)) || decode(t, body).Events != nil {
		t.Errorf("got cursor %q and events", cursor)
	}
}

func TestPushesCarryEvents(t *testing.T) {
	bodies := make(chan []byte, 1)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusCreated)
		bodies <- body
	}))
	defer backend.Close()
	o := recording
	o.Push = push.Options{Key: "K", URL: backend.URL, Mode: push.Always, Interval: time.Second}
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	e := open(t, o)
	if strings.Contains(log.String(), "not recorded") {
		t.Skip(log.String())
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- e.Run(ctx) }()
	ends := map[uint32]int{}
	var pids []int
	for range 3 {
		pids = append(pids, shortLived(t))
		for deadline := time.After(20 * time.Second); ends[uint32(pids[len(pids)-1])] == 0; {
			select {
			case body := <-bodies:
				for _, event := range decode(t, body).Events {
					if event.Kind == procmon.Ended {
						ends[event.PID]++
					}
				}
			case <-deadline:
				t.Fatalf("the end of a process was not pushed; those of %v were", slices.Sorted(maps.Keys(ends)))
			}
		}
	}
	(&client{ends: ends}).once(t, pids)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestEventsArePushedUntilTaken makes snapshots that the spool does not take at first.
func TestEventsArePushedUntilTaken(t *testing.T) {
	var log bytes.Buffer
	o := recording
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	e := open(t, o)
	if strings.Contains(log.String(), "not recorded") {
		t.Skip(log.String())
	}
	ended := func(pid int) bool {
		body, err := exporter.AppendSnapshot(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(decode(t, body).Events, func(e procmon.Event) bool { return e.Kind == procmon.Ended && e.PID == uint32(pid) })
	}
	pid := shortLived(t)
	for deadline := time.Now().Add(20 * time.Second); !ended(pid); {
		if time.Now().After(deadline) {
			t.Fatal("the end did not come")
		}
	}
	if !ended(pid) {
		t.Error("the end was in a snapshot that was not taken, and not in the next")
	}
	exporter.Taken(e)
	if ended(pid) {
		t.Error("the end was in a snapshot that was taken, and in the next too")
	}
}

// TestGroupsCountWhatNoTableShows runs programs between two collections.
func TestGroupsCountWhatNoTableShows(t *testing.T) {
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Skip(err)
	}
	program, err := os.ReadFile(cat)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "betweentimes")
	if err := os.WriteFile(path, program, 0o700); err != nil {
		t.Fatal(err)
	}
	e, url := recorder(t, recording)
	c := &client{url: url, named: true, ends: map[uint32]int{}}
	c.pull(t)
	const runs = 3
	var last int
	for range runs {
		child := exec.Command(path)
		stdin, err := child.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Skipf("%s does not run under another name: %v", cat, err)
		}
		last = child.Process.Pid
		exporter.AwaitStart(t, e, last)
		if err := errors.Join(stdin.Close(), child.Wait()); err != nil {
			t.Fatal(err)
		}
	}
	c.await(t, last)
	_, body := get(t, "GET", url+"/metrics", nil)
	var got []string
	for line := range strings.Lines(string(body)) {
		if strings.Contains(line, `{group="betweentimes"}`) && strings.Contains(line, "s_total") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	want := []string{`procmon_group_ends_total{group="betweentimes"} 3`, `procmon_group_starts_total{group="betweentimes"} 3`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEventsAreRedacted(t *testing.T) {
	o := recording
	o.Redact = func(line string) string { return strings.ReplaceAll(line, "hunter2", "***") }
	e, url := recorder(t, o)
	child := exec.Command("sh", "-c", "read line; exit 3", "--password=hunter2")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	exporter.AwaitStart(t, e, child.Process.Pid)
	stdin.Close()
	_ = child.Wait()
	for deadline := time.Now().Add(20 * time.Second); ; {
		_, body := get(t, "GET", url+"/snapshot", http.Header{afterHeader: {"0123456789abcdef.0"}})
		if bytes.Contains(body, []byte("hunter2")) {
			t.Fatal("the secret was handed out")
		}
		if bytes.Contains(body, []byte(`"cmdline":"sh -c read line; exit 3 --password=***","username":`)) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the process did not show")
		}
	}
}
