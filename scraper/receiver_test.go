package scraper_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/scraper"
)

const key = "a-key-of-the-test"

func keys(t *testing.T, path string, tokens ...string) *scraper.Keys {
	t.Helper()
	k, err := scraper.LoadKeys(tokens, path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newReceiver(t *testing.T, o scraper.ReceiverOptions) *scraper.Receiver {
	t.Helper()
	if o.Appender == nil {
		o.Appender = &memory{}
	}
	r, err := scraper.NewReceiver(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// post sends a body and returns the answer.
func post(t *testing.T, h http.Handler, data []byte, edit func(*http.Request)) *http.Response {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "/api/process-data/", bytes.NewReader(data))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Token "+key)
	if edit != nil {
		edit(req)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Result()
}

func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

func documented(t *testing.T) ([]byte, time.Time) {
	t.Helper()
	data, err := os.ReadFile("../testdata/documented.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := procmon.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return data, s.Timestamp
}

func TestPushOfTheDocumentedPayload(t *testing.T) {
	data, taken := documented(t)
	store, registry := &memory{}, prometheus.NewPedanticRegistry()
	r := newReceiver(t, scraper.ReceiverOptions{Appender: store, Keys: keys(t, "", key), Registerer: registry, Retention: time.Hour,
		Now: func() time.Time { return taken.Add(time.Minute) }})
	resp := post(t, r, data, nil)
	if resp.StatusCode != http.StatusCreated || resp.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("got %s: %s", resp.Status, text(t, resp))
	}
	want := map[string]any{
		"id": "machine-name@2026-11-22T12:00:00Z", "hostname": "machine-name", "timestamp": "2026-11-22T12:00:00Z",
	}
	if diff := cmp.Diff(want, mustJSON(t, []byte(text(t, resp)))); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	snapshot, err := procmon.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	records, _ := store.all()
	wantRecords := []procmon.Record{{Host: "machine-name", Labels: map[string]string{"job": "push", "instance": "machine-name"}, Snapshot: snapshot}}
	if diff := cmp.Diff(wantRecords, records); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP procmon_pushes_total Requests that deliver snapshots, by the code of the answer.
# TYPE procmon_pushes_total counter
procmon_pushes_total{code="201"} 1
procmon_pushes_total{code="400"} 0
procmon_pushes_total{code="401"} 0
procmon_pushes_total{code="413"} 0
procmon_pushes_total{code="415"} 0
procmon_pushes_total{code="429"} 0
procmon_pushes_total{code="503"} 0
`)); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	data, taken := documented(t)
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	const unauthorized = `{"error":{"code":"unauthorized","message":"the header Authorization must be \"Token KEY\" with a key of push.tokens or push.tokens_file"}}`
	const large = `{"error":{"code":"body_too_large","message":"the body is larger than the push.max_body_size of 4KB"}}`
	invalid := func(message string) string {
		return fmt.Sprintf(`{"error":{"code":"invalid_snapshot","message":%q}}`, message)
	}
	moved := func(d time.Duration) []byte { return encode(snapshot("h", taken.Add(d), 1)) }
	for _, tc := range []struct {
		name   string
		data   []byte
		edit   func(*http.Request)
		status int
		want   string
		header [2]string
	}{
		{"no key", data, func(r *http.Request) { r.Header.Del("Authorization") }, 401, unauthorized, [2]string{"WWW-Authenticate", `Token realm="procmon"`}},
		{"wrong key", data, header("Authorization", "Token b"), 401, unauthorized, [2]string{}},
		{"empty key", data, header("Authorization", "Token "), 401, unauthorized, [2]string{}},
		{"wrong scheme", data, header("Authorization", "Basic "+key), 401, unauthorized, [2]string{}},
		{"two headers", data, func(r *http.Request) { r.Header.Add("Authorization", "Token "+key) }, 401, unauthorized, [2]string{}},
		{"GET", nil, func(r *http.Request) { r.Method = "GET" }, 405, `{"error":{"code":"method_not_allowed","message":"the method is GET; POST is allowed"}}`, [2]string{"Allow", "POST"}},
		{"form", data, header("Content-Type", "application/x-www-form-urlencoded"), 415, `{"error":{"code":"unsupported_media_type","message":"the content type is \"application/x-www-form-urlencoded\"; application/json is allowed"}}`, [2]string{}},
		{"brotli", data, header("Content-Encoding", "br"), 415, `{"error":{"code":"unsupported_encoding","message":"the content encoding is \"br\"; zstd, gzip and identity are allowed"}}`, [2]string{"Accept-Encoding", "zstd, gzip, identity"}},
		{"encoded twice", data, func(r *http.Request) { r.Header["Content-Encoding"] = []string{"gzip", "zstd"} }, 415, `{"error":{"code":"unsupported_encoding","message":"the content encoding is \"gzip,zstd\"; zstd, gzip and identity are allowed"}}`, [2]string{}},
		{"large", bytes.Repeat([]byte(" "), 4097), nil, 413, large, [2]string{}},
		{"large, without its length", bytes.Repeat([]byte(" "), 4097), func(r *http.Request) { r.ContentLength = -1 }, 413, large, [2]string{}},
		{"gzip bomb", gzipped(make([]byte, 1<<20)), header("Content-Encoding", "gzip"), 413, large, [2]string{}},
		{"zstd bomb", zstded(make([]byte, 1<<20)), header("Content-Encoding", "zstd"), 413, large, [2]string{}},
		{"not gzip", data, header("Content-Encoding", "gzip"), 400, `{"error":{"code":"invalid_encoding","message":"the body is not valid gzip: gzip: invalid header"}}`, [2]string{}},
		{"empty", nil, nil, 400, invalid(decodeError("")), [2]string{}},
		{"pid twice", []byte(`{"processes":[{"pid":1,"name":"a"},{"pid":1,"name":"a"}]}`), nil, 400,
			invalid("processes[1].pid: 1 is the pid of processes[0] already; each pid is allowed once"), [2]string{}},
		{"without processes", []byte(`{"hostname":"h","timestamp":"2026-11-22T12:00:00Z"}`), nil, 400, invalid("processes: missing"), [2]string{}},
		{"from the future", moved(time.Hour), nil, 400, invalid("timestamp: 2026-11-22T13:00:00Z is 1h0m0s ahead of the server's clock; at most 10m is allowed; is the clock of the host right?"), [2]string{}},
		{"from the past", moved(-25 * time.Hour), nil, 400, invalid("timestamp: 2026-11-21T11:00:00Z is 25h0m0s old; at most the retention time of 24h0m0s is allowed; is the clock of the host right?"), [2]string{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			store := &memory{}
			r := newReceiver(t, scraper.ReceiverOptions{Appender: store, Keys: keys(t, "", key), MaxBodySize: 4096, Retention: 24 * time.Hour, Now: func() time.Time { return taken }})
			resp := post(t, r, tc.data, tc.edit)
			if got := text(t, resp); resp.StatusCode != tc.status || got != tc.want {
				t.Errorf("got %d %s\nwant %d %s", resp.StatusCode, got, tc.status, tc.want)
			}
			if tc.header[0] != "" && resp.Header.Get(tc.header[0]) != tc.header[1] {
				t.Errorf("got header %v, want %v", resp.Header, tc.header)
			}
			if records, _ := store.all(); len(records) != 0 {
				t.Errorf("%d records were stored", len(records))
			}
		})
	}
}

func TestEdgesOfTimestamps(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	r := newReceiver(t, scraper.ReceiverOptions{Keys: keys(t, "", key), Retention: time.Hour, Now: func() time.Time { return now }})
	for offset, want := range map[time.Duration]int{
		10 * time.Minute: 201, 10*time.Minute + time.Nanosecond: 400, -time.Hour: 201, -time.Hour - time.Nanosecond: 400,
	} {
		if got := post(t, r, encode(snapshot("h", now.Add(offset), 0)), nil).StatusCode; got != want {
			t.Errorf("%v from now: got %d, want %d", offset, got, want)
		}
	}
}

func TestWithoutKeysNobodyMayPush(t *testing.T) {
	r := newReceiver(t, scraper.ReceiverOptions{})
	for _, header := range []string{"Token " + key, "Token", "", "Bearer x"} {
		resp := post(t, r, nil, func(r *http.Request) { r.Header.Set("Authorization", header) })
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%q: got %s", header, resp.Status)
		}
	}
}

// unread fails the test if anything is read from it.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read before the key was known")
	return 0, io.EOF
}

func TestKeyBeforeBody(t *testing.T) {
	r := newReceiver(t, scraper.ReceiverOptions{Keys: keys(t, "", key)})
	post(t, r, nil, func(req *http.Request) {
		req.Body = io.NopCloser(unread{t})
		req.ContentLength = -1
		req.Header.Set("Authorization", "Token wrong")
	})
}

func TestStoreFails(t *testing.T) {
	store := &memory{fails: errStore}
	r := newReceiver(t, scraper.ReceiverOptions{Appender: store, Keys: keys(t, "", key)})
	resp := post(t, r, encode(snapshot("h", time.Now(), 1)), nil)
	want := `{"error":{"code":"unavailable","message":"the snapshot could not be stored; the server's log says why"}}`
	if got := text(t, resp); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "10" || got != want {
		t.Errorf("got %s, Retry-After %q, %s", resp.Status, resp.Header.Get("Retry-After"), got)
	}
}

func TestPushRate(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	r := newReceiver(t, scraper.ReceiverOptions{Keys: keys(t, "", key, "another-key"), RateLimit: 0.5, Burst: 2, Now: func() time.Time { return now }})
	data := encode(snapshot("h", now, 1))
	push := func(key, address string) *http.Response {
		return post(t, r, data, func(req *http.Request) {
			req.Header.Set("Authorization", "Bearer "+key)
			req.RemoteAddr = address
		})
	}
	for i, want := range []int{201, 201, 429} {
		if got := push(key, "10.0.0.1:1").StatusCode; got != want {
			t.Errorf("push %d: got %d, want %d", i, got, want)
		}
	}
	if got := push(key, "10.0.0.1:2").Header.Get("Retry-After"); got != "2" {
		t.Errorf("got Retry-After %q, want 2", got)
	}
	for _, other := range [][2]string{{key, "10.0.0.2:1"}, {"another-key", "10.0.0.1:1"}} {
		if got := push(other[0], other[1]).StatusCode; got != 201 {
			t.Errorf("%v: got %d: one sender is held back by another", other, got)
		}
	}
	now = now.Add(2 * time.Second)
	if got := push(key, "10.0.0.1:1").StatusCode; got != 201 {
		t.Errorf("after two seconds: got %d", got)
	}
}

func TestGuessingIsSlow(t *testing.T) {
	now := time.Now()
	r := newReceiver(t, scraper.ReceiverOptions{Keys: keys(t, "", key), Now: func() time.Time { return now }})
	codes := map[int]int{}
	for range 200 {
		codes[post(t, r, nil, func(req *http.Request) { req.Header.Set("Authorization", "Token guess") }).StatusCode]++
	}
	if codes[401] == 0 || codes[401] > 100 || codes[401]+codes[429] != 200 {
		t.Errorf("got %v", codes)
	}
	if got := post(t, r, encode(snapshot("h", now, 1)), nil).StatusCode; got != 201 {
		t.Errorf("the right key from the same address: got %d", got)
	}
}

func TestPushesInFlight(t *testing.T) {
	r := newReceiver(t, scraper.ReceiverOptions{Keys: keys(t, "", key), MaxInFlight: 1})
	slow, feed := io.Pipe()
	first := make(chan int, 1)
	started := make(chan struct{})
	go func() {
		first <- post(t, r, nil, func(req *http.Request) {
			req.ContentLength = -1
			req.Body = io.NopCloser(io.MultiReader(readFunc(func() { close(started) }), slow))
		}).StatusCode
	}()
	<-started
	resp := post(t, r, encode(snapshot("h", time.Now(), 1)), nil)
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("got %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	_, _ = feed.Write(encode(snapshot("h", time.Now(), 1)))
	_ = feed.Close()
	if got := <-first; got != 201 {
		t.Errorf("the first one: got %d", got)
	}
	if got := post(t, r, encode(snapshot("h", time.Now(), 1)), nil).StatusCode; got != 201 {
		t.Errorf("afterwards: got %d", got)
	}
}

// readFunc is an empty reader that calls itself when it is read.
type readFunc func()

func (f readFunc) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

func TestSlowBodyEnds(t *testing.T) {
	r := newReceiver(t, scraper.ReceiverOptions{Keys: keys(t, "", key), ReadTimeout: 100 * time.Millisecond})
	address := serve(t, r)
	slow, feed := io.Pipe()
	defer feed.Close()
	req, err := http.NewRequest(http.MethodPost, "http://"+address, slow)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Token "+key)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := text(t, resp); resp.StatusCode != http.StatusRequestTimeout || !strings.Contains(got, "100ms") {
		t.Errorf("got %s %s", resp.Status, got)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func TestReceiverApply(t *testing.T) {
	r := newReceiver(t, scraper.ReceiverOptions{Keys: keys(t, "", key)})
	data := encode(snapshot("h", time.Now(), 1))
	r.Apply(keys(t, "", "another"), int64(len(data))-1, 0)
	if got := post(t, r, data, nil).StatusCode; got != 401 {
		t.Errorf("the old key: got %d", got)
	}
	if got := post(t, r, data, func(r *http.Request) { r.Header.Set("Authorization", "Token another") }).StatusCode; got != 413 {
		t.Errorf("the new limit: got %d", got)
	}
}

func TestTokensFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hash, err := scraper.HashToken("a-long-and-random-key-1")
	if err != nil {
		t.Fatal(err)
	}
	write("# of room b2\n\n  first-key  \n" + hash + "\n")
	now := time.Now()
	r := newReceiver(t, scraper.ReceiverOptions{Keys: keys(t, path, "listed-key"), Now: func() time.Time { return now }})
	check := func(when string, want map[string]int) {
		t.Helper()
		for key, code := range want {
			got := post(t, r, encode(snapshot("h", now, 1)), func(r *http.Request) { r.Header.Set("Authorization", "Token "+key) }).StatusCode
			if got != code {
				t.Errorf("%s, %s: got %d, want %d", when, key, got, code)
			}
		}
	}
	check("at first", map[string]int{"first-key": 201, "listed-key": 201, "a-long-and-random-key-1": 201, hash: 401, "#": 401, "second-key-2": 401})
	write("second-key-2\n")
	now = now.Add(2 * time.Second)
	check("after a change", map[string]int{"first-key": 401, "listed-key": 201, "a-long-and-random-key-1": 401, "second-key-2": 201})
	write("third key is bad\n")
	now = now.Add(2 * time.Second)
	check("after a bad change", map[string]int{"listed-key": 201, "second-key-2": 201})
}

func TestBadKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte("good\nhunter2 hunter3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, path, want string
		tokens           []string
	}{
		{"empty", "", "token 2: an empty key", []string{"a", ""}},
		{"space", "", "token 1: a key must not have white space or control characters in it", []string{"hunter2 x"}},
		{"half a hash", "", "token 1: it begins like a hash and is none; procmon token hash makes one", []string{"sha256:hunter2"}},
		{"in the file", path, "read tokens: " + path + ":2: a key must not have white space or control characters in it", nil},
		{"no file", path + "x", "read tokens: stat " + path + "x: no such file or directory", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := scraper.LoadKeys(tc.tokens, tc.path)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestHashToken(t *testing.T) {
	random := scraper.NewToken()
	first, err := scraper.HashToken(random)
	if err != nil {
		t.Fatal(err)
	}
	second, err := scraper.HashToken(random)
	if err != nil {
		t.Fatal(err)
	}
	if first == second || strings.Contains(first, random) || !strings.HasPrefix(first, "sha256:") {
		t.Errorf("got %q and %q", first, second)
	}
	for _, weak := range []string{"", "has white space in its middle"} {
		if _, err := scraper.HashToken(weak); err == nil {
			t.Errorf("%q: got no error", weak)
		}
	}
}
