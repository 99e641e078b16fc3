package exporter_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter"
	"github.com/procmon/procmon/exporter/push"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fast makes a first collection that does not wait.
var fast = exporter.Options{CPUSampleDelay: -1, Version: "1.2.3"}

func open(t testing.TB, o exporter.Options) *exporter.Exporter {
	t.Helper()
	e, err := exporter.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// serve returns the URL of an exporter.
func serve(t testing.TB, o exporter.Options) string {
	t.Helper()
	return serveIt(t, open(t, o))
}

func serveIt(t testing.TB, e *exporter.Exporter) string {
	t.Helper()
	s := httptest.NewUnstartedServer(e.Handler())
	s.Config = exporter.NewServer(e.Handler())
	s.Start()
	t.Cleanup(func() { http.DefaultClient.CloseIdleConnections(); s.Close() })
	return s.URL
}

// get returns an answer and its body as it came: without decompression.
func get(t testing.TB, method, url string, header http.Header) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "identity")
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

func decode(t testing.TB, body []byte) *procmon.Snapshot {
	t.Helper()
	s, err := procmon.Decode(body)
	if err != nil {
		t.Fatalf("%v in %.200s", err, body)
	}
	return s
}

func find(s *procmon.Snapshot, pid int) *procmon.Process {
	for i := range s.Processes {
		if s.Processes[i].PID == uint32(pid) {
			return &s.Processes[i]
		}
	}
	return nil
}

func TestSnapshot(t *testing.T) {
	url := serve(t, fast)
	response, body := get(t, "GET", url+"/snapshot", nil)
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Vary": "Accept-Encoding", "Cache-Control": "no-store",
		"X-Content-Type-Options": "nosniff", "Content-Encoding": "", "Content-Length": strconv.Itoa(len(body)),
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	s := decode(t, body)
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if s.Hostname != hostname || s.System.AgentVersion.Value != "1.2.3" || time.Since(s.Timestamp).Abs() > time.Minute {
		t.Errorf("got hostname %q, agent %q, timestamp %v", s.Hostname, s.System.AgentVersion.Value, s.Timestamp)
	}
	p := find(s, os.Getpid())
	if p == nil {
		t.Fatalf("this process is not among %d", len(s.Processes))
	}
	if p.PPID != procmon.Some(uint32(os.Getppid())) || !strings.Contains(p.Cmdline.Value, os.Args[0]) || !p.WorkingSetBytes.Known || !p.StartTime.Known {
		t.Errorf("got %+v", p)
	}
}

func TestEncodings(t *testing.T) {
	unzip := func(b []byte) ([]byte, error) {
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	}
	unzstd := func(b []byte) ([]byte, error) {
		d, err := zstd.NewReader(nil)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		return d.DecodeAll(b, nil)
	}
	as := func(b []byte) ([]byte, error) { return b, nil }
	for _, test := range []struct {
		name, accept, want string
		decode             func([]byte) ([]byte, error)
	}{
		{"gzip", "gzip", "gzip", unzip},
		{"zstd", "zstd", "zstd", unzstd},
		{"both", "gzip, zstd", "zstd", unzstd},
		{"by weight", "zstd;q=0.1, gzip;q=0.9", "gzip", unzip},
		{"none we have", "br, deflate", "", as},
		{"anything", "*", "zstd", unzstd},
		{"anything but", "zstd;q=0, *;q=0.5", "gzip", unzip},
		{"forbidden", "gzip;q=0", "", as},
		{"nonsense", "gzip;q=NaN, ;;;=,zstd;q=2", "", as},
		{"upper case and spaces", " GZIP ; Q=1.0 ", "gzip", unzip},
	} {
		for _, path := range []string{"/snapshot", "/metrics"} {
			t.Run(test.name+path, func(t *testing.T) {
				o := fast
				o.ShareFor = time.Hour
				url := serve(t, o)
				response, body := get(t, "GET", url+path, http.Header{"Accept-Encoding": {test.accept}})
				if got := response.Header.Get("Content-Encoding"); got != test.want {
					t.Fatalf("got %q, want %q", got, test.want)
				}
				text, err := test.decode(body)
				if err != nil {
					t.Fatal(err)
				}
				if path == "/metrics" && !bytes.Contains(text, []byte("\nprocmon_host_processes ")) {
					t.Errorf("got %.300s", text)
				}
				if path == "/snapshot" {
					_, plain := get(t, "GET", url+path, nil)
					if !bytes.Equal(plain, text) {
						t.Error("the same collection is another one without compression")
					}
				}
			})
		}
	}
}

func TestRoutes(t *testing.T) {
	url := serve(t, fast)
	for _, test := range []struct {
		method, path string
		code         int
		body         string
	}{
		{"GET", "/", 200, "procmon-exporter on"},
		{"GET", "/-/healthy", 200, "healthy"},
		{"GET", "/-/ready", 200, "ready"},
		{"HEAD", "/snapshot", 200, ""},
		{"HEAD", "/metrics", 200, ""},
		{"GET", "/nothing", 404, ""},
		{"GET", "/snapshot/", 404, ""},
		{"POST", "/snapshot", 405, "only GET and HEAD"},
		{"PUT", "/", 405, "only GET and HEAD"},
		{"DELETE", "/nothing", 405, "only GET and HEAD"},
	} {
		t.Run(test.method+test.path, func(t *testing.T) {
			response, body := get(t, test.method, url+test.path, nil)
			if response.StatusCode != test.code || !strings.Contains(string(body), test.body) {
				t.Errorf("got %s and %q", response.Status, body)
			}
			if test.code == 405 && response.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow is %q", response.Header.Get("Allow"))
			}
		})
	}
}

func TestLandingPageObeysItsPolicy(t *testing.T) {
	response, body := get(t, "GET", serve(t, fast)+"/", nil)
	if got := response.Header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'") {
		t.Errorf("the policy is %q", got)
	}
	for _, banned := range []string{"<script", "<style", "style=", " on", "http://", "https://"} {
		page := strings.ReplaceAll(string(body), "procmon-exporter on", "")
		if strings.Contains(page, banned) {
			t.Errorf("%q stands in %s", banned, body)
		}
	}
}

func TestBearerToken(t *testing.T) {
	o := fast
	o.BearerToken = "s3cret"
	url := serve(t, o)
	for _, test := range []struct {
		name, path, authorization string
		code                      int
	}{
		{"none", "/snapshot", "", 401},
		{"wrong", "/snapshot", "Bearer s3cre", 401},
		{"another scheme", "/snapshot", "Token s3cret", 401},
		{"right", "/snapshot", "Bearer s3cret", 200},
		{"right in lower case", "/snapshot", "bearer s3cret", 200},
		{"metrics", "/metrics", "", 401},
		{"landing page", "/", "", 401},
		{"health", "/-/healthy", "", 200},
		{"readiness", "/-/ready", "", 200},
		{"health by another path", "/-/healthy/../../snapshot", "", 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			response, body := get(t, "GET", url+test.path, http.Header{"Authorization": {test.authorization}})
			if response.StatusCode != test.code || strings.Contains(string(body), "s3cret") {
				t.Errorf("got %s and %.200s", response.Status, body)
			}
		})
	}
}

func TestCollectionsAreShared(t *testing.T) {
	timestamps := func(o exporter.Options, callers int) map[time.Time]bool {
		url := serve(t, o)
		var mu sync.Mutex
		seen := map[time.Time]bool{}
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				_, body := get(t, "GET", url+"/snapshot", nil)
				s := decode(t, body)
				mu.Lock()
				defer mu.Unlock()
				seen[s.Timestamp] = true
			})
		}
		all.Wait()
		return seen
	}
	shared, own := fast, fast
	shared.ShareFor, own.ShareFor = time.Hour, -1
	if got := timestamps(shared, 20); len(got) != 1 {
		t.Errorf("20 callers within the time got %d collections, want 1", len(got))
	}
	url := serve(t, own)
	_, a := get(t, "GET", url+"/snapshot", nil)
	_, b := get(t, "GET", url+"/snapshot", nil)
	if decode(t, a).Timestamp.Equal(decode(t, b).Timestamp) {
		t.Error("a later caller got a collection that is not shared")
	}
}

// TestReadersKeepTheirCollection reads slowly while others make the next collections.
func TestReadersKeepTheirCollection(t *testing.T) {
	o := fast
	o.ShareFor = -1
	url := serve(t, o)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				_, body := get(t, "GET", url+"/snapshot", nil)
				if find(decode(t, body), os.Getpid()) == nil {
					t.Error("this process is missing")
				}
				get(t, "GET", url+"/metrics", nil)
			}
		})
	}
	all.Wait()
}

func TestCPUIsMeasured(t *testing.T) {
	busy := exec.Command("sh", "-c", "while :; do :; done")
	if err := busy.Start(); err != nil {
		t.Skip("no sh:", err)
	}
	defer busy.Wait()
	defer busy.Process.Kill()
	for deadline := time.Now().Add(20 * time.Second); ; { // where others are busy too, its turn may not come while one looks
		var out bytes.Buffer
		if err := open(t, exporter.Options{}).WriteSnapshot(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		s := decode(t, out.Bytes())
		p := find(s, busy.Process.Pid)
		if p == nil || !p.CPU.Known || p.CPU.Value > 150 || !s.System.CPU.Known {
			t.Fatalf("a busy process is %+v, the busy host's CPU %v", p, s.System.CPU)
		}
		if p.CPU.Value > 0 && s.System.CPU.Value > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a busy process is %+v, the busy host's CPU %v", p, s.System.CPU)
		}
	}
}

func TestCancelledCollection(t *testing.T) {
	e := open(t, exporter.Options{CPUSampleDelay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := e.WriteSnapshot(ctx, io.Discard); err == nil {
		t.Error("a collection that was given up succeeded")
	}
}

func TestRunPushesUntilPulled(t *testing.T) {
	pushed := make(chan *procmon.Snapshot, 10)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/api/process-data/" || r.Header.Get("Authorization") != "Token K" {
			t.Error(err, r.URL, r.Header)
		}
		s, err := procmon.Decode(body)
		if err != nil {
			t.Error(err)
		}
		pushed <- s
		w.WriteHeader(http.StatusCreated)
	}))
	defer backend.Close()
	o := fast
	o.Push = push.Options{Key: "K", URL: backend.URL + "/api/process-data/"}
	e := open(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx) }()
	select {
	case s := <-pushed:
		if find(s, os.Getpid()) == nil {
			t.Error("this process was not pushed")
		}
	case <-time.After(20 * time.Second):
		t.Error("nothing was pushed")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestPullsSilencePushes(t *testing.T) {
	for _, test := range []struct {
		name, method string
		wait         time.Duration
		pushes       bool
	}{{"pulled", "GET", 500 * time.Millisecond, false}, {"looked at", "HEAD", 20 * time.Second, true}} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), test.wait)
			defer cancel()
			var pushed atomic.Bool
			backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				pushed.Store(true)
				w.WriteHeader(http.StatusCreated)
				cancel()
			}))
			defer backend.Close()
			o := fast
			o.Push = push.Options{Key: "K", URL: backend.URL}
			e := open(t, o)
			e.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(test.method, "/snapshot", nil))
			if err := e.Run(ctx); err != nil {
				t.Fatal(err)
			}
			if got := pushed.Load(); got != test.pushes {
				t.Errorf("pushed: %v, want %v", got, test.pushes)
			}
		})
	}
}
