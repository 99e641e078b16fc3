package webui_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/webui"
)

var now = time.Date(2026, 11, 22, 20, 15, 0, 0, time.UTC)

// memory is a store of what it is made with. It has no history.
type memory struct {
	webui.History
	hosts []procmon.HostSummary
	views []procmon.View // oldest first
	err   error          // instead of any answer
}

func (m *memory) Hosts(context.Context) ([]procmon.HostSummary, error) { return m.hosts, m.err }

func (m *memory) Host(_ context.Context, name string) (procmon.HostSummary, error) {
	for _, h := range m.hosts {
		if procmon.HostKey(h.Host) == procmon.HostKey(name) {
			return h, m.err
		}
	}
	return procmon.HostSummary{}, errors.Join(procmon.ErrNotFound, m.err)
}

func (m *memory) At(_ context.Context, host string, at time.Time) (procmon.View, error) {
	for _, v := range slices.Backward(m.views) {
		if procmon.HostKey(v.Host) == procmon.HostKey(host) && (at.IsZero() || !v.Snapshot.Timestamp.After(at)) {
			return v, m.err
		}
	}
	if m.err != nil {
		return procmon.View{}, m.err
	}
	return procmon.View{}, procmon.ErrNotFound
}

func (m *memory) Latest(context.Context) (procmon.View, error) {
	if len(m.views) == 0 {
		return procmon.View{}, errors.Join(procmon.ErrNotFound, m.err)
	}
	return m.views[len(m.views)-1], m.err
}

func (m *memory) Changed() <-chan struct{} { return nil }

func (m *memory) Neighbour(_ context.Context, host string, at time.Time, offset int) (time.Time, error) {
	var times []time.Time
	now := -1
	for _, v := range m.views {
		if procmon.HostKey(v.Host) != procmon.HostKey(host) {
			continue
		}
		if at.IsZero() || !v.Snapshot.Timestamp.After(at) {
			now = len(times)
		}
		times = append(times, v.Snapshot.Timestamp)
	}
	if now < 0 {
		return time.Time{}, errors.Join(procmon.ErrNotFound, m.err)
	}
	return times[min(max(now+offset, 0), len(times)-1)], m.err
}

// keep adds a snapshot, newer than all before, and the summary of its host.
func (m *memory) keep(host string, s *procmon.Snapshot) {
	m.views = append(m.views, procmon.View{Record: procmon.Record{Host: host, Snapshot: s}})
	for i := range m.hosts {
		if m.hosts[i].Host == host {
			m.hosts[i].LastSeen = s.Timestamp
			return
		}
	}
	m.hosts = append(m.hosts, procmon.HostSummary{Host: host, FirstSeen: s.Timestamp, LastSeen: s.Timestamp, System: s.System, Processes: len(s.Processes)})
}

var builtPages = fstest.MapFS{
	"index.html": {Data: []byte(`<!doctype html><html lang="en"><title>procmon</title>
    <script type="module" crossorigin src="/assets/index-DkE3Gf2x.js"></script>
    <link rel="modulepreload" crossorigin href="/assets/shared-OsxZEk0Z.js">
    <link rel="stylesheet" crossorigin href="/assets/style-Bp57-y0w.css"><!--` + strings.Repeat("pages ", 500) + "-->")},
	"favicon.svg":              {Data: []byte("<svg/>")},
	"assets/index-DkE3Gf2x.js": {Data: []byte("console.log(1)")},
	"assets/Host-Bx-_Q2k9.js":  {Data: []byte("console.log(2)")},
	"assets/logo.png":          {Data: []byte("png")},
}

// start serves o, with what it leaves out filled in, and returns where.
func start(t *testing.T, o webui.Options) *client {
	t.Helper()
	if o.Store == nil {
		o.Store = &memory{}
	}
	if o.Pages == nil {
		o.Pages = builtPages
	}
	if o.Clock == nil {
		o.Clock = func() time.Time { return now }
	}
	handler, err := webui.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, handler)
}

func serve(t *testing.T, handler *webui.Server) *client {
	t.Helper()
	t.Cleanup(handler.Close)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	server.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{t: t, server: server}
}

// client asks a server over real HTTP, and holds every answer under /api against openapi.yaml.
type client struct {
	t      *testing.T
	server *httptest.Server
}

type answer struct {
	status int
	header http.Header
	body   string
}

// json returns the body decoded.
func (a *answer) json(t *testing.T) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v in:\n%s", err, a.body)
	}
	return v
}

func (c *client) do(method, path string, headers ...string) *answer {
	c.t.Helper()
	return c.send(method, path, "", headers...)
}

// send asks for path, which goes out as it is; each header is "Name: value".
func (c *client) send(method, path, body string, headers ...string) *answer {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	raw, query, _ := strings.Cut(path, "?")
	req.URL.RawPath, req.URL.RawQuery = raw, query
	if req.URL.Path, err = url.PathUnescape(raw); err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		} else {
			req.Header.Set(name, value)
		}
	}
	res, err := c.server.Client().Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	a := &answer{res.StatusCode, res.Header, string(content)}
	if strings.HasPrefix(path, "/api/") && res.Header.Get("Content-Encoding") == "" {
		checkAgainstFile(c.t, req, a)
	}
	return a
}

func (c *client) get(path string, headers ...string) *answer {
	c.t.Helper()
	return c.do(http.MethodGet, path, headers...)
}

// getOK returns the decoded answer of a request that must succeed.
func (c *client) getOK(path string) any {
	c.t.Helper()
	a := c.get(path)
	if a.status != http.StatusOK {
		c.t.Fatalf("GET %s: %d: %s", path, a.status, a.body)
	}
	return a.json(c.t)
}

// message returns what an error under /api says.
func (a *answer) message(t *testing.T) string {
	t.Helper()
	object, _ := a.json(t).(map[string]any)
	failure, _ := object["error"].(map[string]any)
	message, _ := failure["message"].(string)
	return message
}
