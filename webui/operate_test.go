package webui_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/procmon/procmon/webui"
)

func TestHealth(t *testing.T) {
	var why error
	c := start(t, webui.Options{Ready: func() error { return why }})
	for _, test := range []struct {
		path   string
		why    error
		status int
		body   string
	}{
		{"/-/healthy", nil, 200, "procmon is healthy.\n"},
		{"/-/healthy", errors.New("opening"), 200, "procmon is healthy.\n"},
		{"/-/ready", nil, 200, "procmon is ready.\n"},
		{"/-/ready", errors.New("the store is opening"), 503, "procmon is not ready: the store is opening\n"},
	} {
		why = test.why
		got := c.get(test.path)
		if diff := cmp.Diff([]any{test.status, test.body}, []any{got.status, got.body}); diff != "" {
			t.Errorf("%s: %s", test.path, diff)
		}
	}
	if got := start(t, webui.Options{}).get("/-/ready"); got.status != 200 {
		t.Errorf("without a check: %d", got.status)
	}
}

func TestReload(t *testing.T) {
	var reloads int
	var failure error
	c := start(t, webui.Options{Reload: func(context.Context) error { reloads++; return failure }})
	own := c.server.URL
	for _, test := range []struct {
		name, method string
		headers      []string
		err          error
		status       int
		body         string
		reloads      int
	}{
		{"curl", "POST", nil, nil, 200, "reloaded\n", 1},
		{"PUT", "PUT", nil, nil, 200, "reloaded\n", 1},
		{"own page", "POST", []string{"Sec-Fetch-Site: same-origin", "Origin: " + own}, nil, 200, "reloaded\n", 1},
		{"own page in an old browser", "POST", []string{"Origin: " + own}, nil, 200, "reloaded\n", 1},
		{"bad file", "POST", nil, errors.New("procmon.yaml:3: global: not a map"), 500, "failed to reload the configuration: procmon.yaml:3: global: not a map\n", 1},
		{"page of another site", "POST", []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, nil, 403, "a page of another site may not reload the configuration\n", 0},
		{"page of another site in an old browser", "POST", []string{"Origin: https://evil.example"}, nil, 403, "a page of another site may not reload the configuration\n", 0},
		{"page of no site", "POST", []string{"Origin: null"}, nil, 403, "a page of another site may not reload the configuration\n", 0},
		{"GET", "GET", nil, nil, 405, "method \"GET\" is not allowed here, only POST, PUT\n", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &client{t, c.server}
			reloads, failure = 0, test.err
			got := c.do(test.method, "/-/reload", test.headers...)
			if diff := cmp.Diff([]any{test.status, test.body, test.reloads}, []any{got.status, got.body, reloads}); diff != "" {
				t.Error(diff)
			}
			if got.header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("answered as %s", got.header.Get("Content-Type"))
			}
		})
	}
}

func TestReceiverIsMounted(t *testing.T) {
	c := start(t, webui.Options{Receiver: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"a@2026-11-22T20:15:00Z","hostname":"a","timestamp":"2026-11-22T20:15:00Z"}`)
	})})
	for _, path := range []string{"/api/process-data/", "/api/process-data"} {
		if got := c.do(http.MethodPost, path); got.status != http.StatusCreated {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	c := start(t, webui.Options{
		Receiver: http.NotFoundHandler(), Metrics: http.NotFoundHandler(), Store: history(),
		Reload: func(context.Context) error { return nil }, AllowedHosts: []string{"procmon.example"},
	})
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
			"manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		"Access-Control-Allow-Origin": "", "Server": "",
	}
	for _, request := range []string{
		"GET /", "GET /hosts/alpha", "GET /assets/index-DkE3Gf2x.js", "GET /nothing", "POST /", "GET /metrics", "GET /-/ready", "POST /-/reload",
		"GET /api/latest/", "GET /api/v1/hosts/alpha/tree", "GET /api/v1/hosts/nobody", "GET /api/nothing", "DELETE /api/v1/hosts", "HEAD /api/v1/hosts",
		"OPTIONS /api/v1/hosts",
	} {
		method, path, _ := strings.Cut(request, " ")
		for _, host := range []string{"", "evil.example"} {
			headers := []string{"Origin: https://evil.example", "Sec-Fetch-Site: same-origin"}
			if host != "" {
				headers = append(headers, "Host: "+host)
			}
			got := c.do(method, path, headers...)
			for name, value := range want {
				if got.header.Get(name) != value {
					t.Errorf("%s of %q: %s is %q, want %q", request, host, name, got.header.Get(name), value)
				}
			}
			if cache := got.header.Get("Cache-Control"); strings.HasPrefix(path, "/api/") && cache != "no-store" {
				t.Errorf("%s: Cache-Control is %q", request, cache)
			}
			if host != "" && got.status != http.StatusForbidden {
				t.Errorf("%s of %q: %d", request, host, got.status)
			}
		}
	}
}

func TestAllowedHosts(t *testing.T) {
	only := start(t, webui.Options{AllowedHosts: []string{"procmon.example"}})
	every := start(t, webui.Options{})
	for _, test := range []struct {
		host string
		want int
	}{
		{"127.0.0.1:8000", 200}, {"10.1.2.3", 200}, {"[::1]:8000", 200}, {"[::1]", 200}, {"localhost:8000", 200}, {"LocalHost", 200},
		{"procmon.example", 200}, {"PROCMON.example:443", 200}, {"procmon.example.", 200},
		{"evil.example", 403}, {"procmon.example.evil.example:8000", 403}, {"127.0.0.1.evil.example", 403}, {"localhost.evil.example", 403},
	} {
		if got := only.get("/api/v1/hosts", "Host: "+test.host); got.status != test.want {
			t.Errorf("%s: got %d, want %d", test.host, got.status, test.want)
		}
		if got := every.get("/api/v1/hosts", "Host: "+test.host); got.status != 200 {
			t.Errorf("%s, all allowed: got %d", test.host, got.status)
		}
	}
}

func TestStoreFails(t *testing.T) {
	var log bytes.Buffer
	c := start(t, webui.Options{
		Store:  &memory{err: errors.New("disk on fire"), views: history().views, hosts: history().hosts},
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	for _, path := range []string{
		"/api/latest/", "/api/latest/?hostname=alpha", "/api/v1/hosts", "/api/v1/hosts/alpha",
		"/api/v1/hosts/alpha/snapshot", "/api/v1/hosts/alpha/tree",
	} {
		log.Reset()
		got := c.get(path)
		if got.status != 500 || strings.Contains(got.body, "fire") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
		if n := strings.Count(log.String(), "disk on fire"); n != 1 {
			t.Errorf("%s: logged %d times: %s", path, n, log.String())
		}
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	c := start(t, webui.Options{Store: history(), Registerer: registry, Metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{})})
	for _, request := range []string{
		"GET /api/v1/hosts/alpha", "GET /api/v1/hosts/nobody", "HEAD /api/v1/hosts/alpha", "WHATEVER /api/v1/hosts/alpha",
		"GET /hosts/alpha", "GET /targets", "GET /made-up-1", "GET /made-up-2", "GET /assets/index-DkE3Gf2x.js",
	} {
		method, path, _ := strings.Cut(request, " ")
		c.do(method, path)
	}
	want := `
# HELP procmon_http_requests_total HTTP requests answered, by route, method and status.
# TYPE procmon_http_requests_total counter
procmon_http_requests_total{code="200",handler="host",method="get"} 1
procmon_http_requests_total{code="200",handler="host",method="head"} 1
procmon_http_requests_total{code="404",handler="host",method="get"} 1
procmon_http_requests_total{code="405",handler="host",method="unknown"} 1
procmon_http_requests_total{code="200",handler="other",method="get"} 1
procmon_http_requests_total{code="404",handler="other",method="get"} 2
procmon_http_requests_total{code="200",handler="pages",method="get"} 2
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "procmon_http_requests_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	if got := c.get("/metrics"); got.status != 200 || !strings.Contains(got.body, "procmon_http_request_duration_seconds_bucket") {
		t.Errorf("/metrics: %d %s", got.status, got.body)
	}
	if _, err := webui.New(webui.Options{Store: history(), Registerer: registry}); err == nil {
		t.Error("the same metrics could be registered twice")
	}
}

func TestNewWithoutStore(t *testing.T) {
	if _, err := webui.New(webui.Options{}); err == nil {
		t.Error("made a server without a store")
	}
}
