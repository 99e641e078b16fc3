package webui_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/procmon/procmon/webui"
)

func TestPages(t *testing.T) {
	c := start(t, webui.Options{})
	index := string(builtPages["index.html"].Data)
	for _, test := range []struct {
		path, contentType, cache, body string
	}{
		{"/", "text/html; charset=utf-8", "no-cache", index},
		{"/?sort=-cpu", "text/html; charset=utf-8", "no-cache", index},
		{"/targets", "text/html; charset=utf-8", "no-cache", index},
		{"/targets/", "text/html; charset=utf-8", "no-cache", index},
		{"/search?q=cpu%3E50", "text/html; charset=utf-8", "no-cache", index},
		{"/top", "text/html; charset=utf-8", "no-cache", index},
		{"/hosts/alpha/compare?a=1", "text/html; charset=utf-8", "no-cache", index},
		{"/hosts/alpha/compare?a=1", "text/html; charset=utf-8", "no-cache", index},
		{"/search?q=%3Cb%3E", "text/html; charset=utf-8", "no-cache", index},
		{"/top", "text/html; charset=utf-8", "no-cache", index},
		{"/hosts/alpha", "text/html; charset=utf-8", "no-cache", index},
		{"/hosts/..%2F..%2Fetc%2Fpasswd", "text/html; charset=utf-8", "no-cache", index},
		{"/favicon.svg", "image/svg+xml", "no-cache", "<svg/>"},
		{"/assets/index-DkE3Gf2x.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "console.log(1)"},
		{"/assets/logo.png", "image/png", "no-cache", "png"},
	} {
		t.Run(test.path, func(t *testing.T) {
			c := &client{t, c.server}
			got := c.get(test.path)
			h := got.header
			if diff := cmp.Diff([]any{200, test.contentType, test.cache, test.body}, []any{got.status, h.Get("Content-Type"), h.Get("Cache-Control"), got.body}); diff != "" {
				t.Error(diff)
			}
			head := c.do(http.MethodHead, test.path)
			if head.status != 200 || head.body != "" || head.header.Get("Content-Type") != test.contentType {
				t.Errorf("HEAD: %d %v %q", head.status, head.header, head.body)
			}
			for _, encoding := range []string{"identity", "gzip", "zstd"} {
				again := c.get(test.path, "Accept-Encoding: "+encoding, "If-None-Match: "+h.Get("ETag"))
				if again.status != http.StatusNotModified || again.body != "" {
					t.Errorf("unchanged, %s: %d %q", encoding, again.status, again.body)
				}
			}
			if got := c.do(http.MethodPost, test.path); got.status != 405 || got.header.Get("Allow") != "GET, HEAD" {
				t.Errorf("POST: %d, Allow %q", got.status, got.header.Get("Allow"))
			}
		})
	}
}

// Code and data of a view load while the browser still reads the page.
func TestPagesNameWhatTheyNeed(t *testing.T) {
	c := start(t, webui.Options{Store: history()})
	const script = "</assets/Host-Bx-_Q2k9.js>; rel=modulepreload"
	always := []string{
		"</assets/style-Bp57-y0w.css>; rel=preload; as=style; crossorigin",
		"</assets/shared-OsxZEk0Z.js>; rel=modulepreload",
		"</assets/index-DkE3Gf2x.js>; rel=modulepreload",
	}
	data := func(path string) string { return "<" + path + ">; rel=preload; as=fetch; crossorigin" }
	for _, test := range []struct {
		path string
		want []string
	}{
		{"/", []string{data("/api/v1/hosts?limit=100")}},
		{"/?q=&sort=&other=1", []string{data("/api/v1/hosts?limit=100")}},
		{"/?q=web", []string{data("/api/v1/hosts")}},
		{"/?state=down", []string{data("/api/v1/hosts")}},
		{"/?sort=-cpu", []string{data("/api/v1/hosts")}},
		{"/?group=job", []string{data("/api/v1/hosts")}},
		{"/targets/", []string{data("/api/v1/targets")}},
		{"/search?q=a", nil},
		{"/hosts/alpha", []string{script, data("/api/v1/hosts/alpha/tree?limit=300")}},
		{"/hosts/alpha/?open=all", []string{script, data("/api/v1/hosts/alpha/tree?limit=300&open=all")}},
		{"/hosts/alpha/?open=%3E&q=&details=1", []string{script, data("/api/v1/hosts/alpha/tree?limit=300")}},
		{"/hosts/alpha/?open=all&q=svc", []string{script, data("/api/v1/hosts/alpha/tree")}},
		{"/hosts/alpha/?sort=-cpu", []string{script, data("/api/v1/hosts/alpha/tree")}},
		{"/hosts/alpha?at=2026-11-22T20:15:00Z", []string{script}}, // the past is its code's to ask for
		{"/hosts/alpha/compare?a=1", nil},
		{"/hosts/a%3E%2Cb%20%22c%2F..", []string{script, data("/api/v1/hosts/a%3E%2Cb%20%22c%2F../tree?limit=300")}},
		{"/hosts/a>;b", []string{script, data("/api/v1/hosts/a%3E%3Bb/tree?limit=300")}},
		{"/hosts/a(!)*'+b", []string{script, data("/api/v1/hosts/a(!)*'%2Bb/tree?limit=300")}},
		{"/hosts/a%0D%0Ab", []string{script}}, // no name of a host
	} {
		got := c.get(test.path)
		want := append(slices.Clone(always), test.want...)
		if diff := cmp.Diff(want, got.header.Values("Link")); diff != "" || got.status != 200 {
			t.Errorf("%s: %d %s", test.path, got.status, diff)
		}
		again := c.get(test.path, "If-None-Match: "+got.header.Get("ETag"))
		if diff := cmp.Diff(want, again.header.Values("Link")); diff != "" || again.status != 304 {
			t.Errorf("%s, unchanged: %d %s", test.path, again.status, diff)
		}
	}
	if got := c.get("/api/v1/hosts/alpha/tree"); got.header.Get("Link") != "" {
		t.Errorf("data names %q", got.header.Get("Link"))
	}
}

func TestPagesAreInTheChosenColours(t *testing.T) {
	c := start(t, webui.Options{})
	for _, test := range []struct{ cookie, root string }{
		{"", `<html lang="en">`},
		{"procmon.theme=light", `<html data-theme="light" lang="en">`},
		{"other=1; procmon.theme=dark", `<html data-theme="dark" lang="en">`},
		{"procmon.theme=system", `<html lang="en">`},
		{`procmon.theme=x"onload="alert(1)`, `<html lang="en">`},
	} {
		got := c.get("/hosts/alpha", "Cookie: "+test.cookie)
		if got.status != 200 || !strings.HasPrefix(got.body, "<!doctype html>"+test.root) || got.header.Get("Vary") == "" {
			t.Errorf("%s: %d %v %.80s", test.cookie, got.status, got.header, got.body)
		}
		if same := c.get("/hosts/alpha", "Cookie: "+test.cookie, "If-None-Match: "+got.header.Get("ETag")); same.status != 304 {
			t.Errorf("%s, unchanged: %d", test.cookie, same.status)
		}
		if test.root == `<html lang="en">` {
			continue
		}
		if other := c.get("/hosts/alpha", "If-None-Match: "+got.header.Get("ETag")); other.status != 200 {
			t.Errorf("in other colours than %s: %d", test.cookie, other.status)
		}
	}
}

func TestNoSuchPage(t *testing.T) {
	c := start(t, webui.Options{})
	for _, path := range []string{
		"/nothing", "/hosts", "/hosts/", "/hosts/a/b/c", "/index.html", "/assets/", "/assets/gone-12345678.js", "//evil.example/", "/../pages.go",
		"/assets/../../webui.go", "/assets/..%2f..%2fwebui.go", "/%2e%2e/go.mod", "/etc/passwd", "/-/reload", "/metrics", "/%3Cscript%3E",
	} {
		got := c.get(path)
		if got.status != 404 || !strings.Contains(got.body, "There is no such page.") || strings.Contains(got.body, "script") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
		if ct := got.header.Get("Content-Type"); ct != "text/html; charset=utf-8" || got.header.Get("Location") != "" {
			t.Errorf("%s: %v", path, got.header)
		}
	}
}

func TestPagesNotBuilt(t *testing.T) {
	c := start(t, webui.Options{Pages: fstest.MapFS{}, Store: history()})
	for _, path := range []string{"/", "/hosts/alpha", "/targets"} {
		if got := c.get(path); got.status != 200 || !strings.Contains(got.body, "make build") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	c.get("/api/v1/hosts/alpha/tree")
}

// Whether or not the pages were built before this test was, something is there.
func TestEmbeddedPages(t *testing.T) {
	handler, err := webui.New(webui.Options{Store: &memory{}})
	if err != nil {
		t.Fatal(err)
	}
	got := &answerRecorder{discard: discard{header: http.Header{}}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	handler.ServeHTTP(got, req)
	if !strings.Contains(got.body.String(), "<title>procmon") {
		t.Errorf("got %s", got.body.String())
	}
}

type answerRecorder struct {
	discard
	body bytes.Buffer
}

func (r *answerRecorder) Write(p []byte) (int, error) { return r.body.Write(p) }

func TestCompression(t *testing.T) {
	store := &memory{}
	view := busyHost(20)
	store.keep("alpha", view.Snapshot)
	c := start(t, webui.Options{Store: store})
	for _, path := range []string{"/", "/api/v1/hosts/alpha/tree", "/api/v1/openapi.yaml"} {
		plain := c.get(path)
		for encoding, open := range map[string]func(io.Reader) (io.Reader, error){
			"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
			"zstd": func(r io.Reader) (io.Reader, error) {
				d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
				if err == nil {
					t.Cleanup(d.Close)
				}
				return d, err
			},
		} {
			got := c.get(path, "Accept-Encoding: "+encoding)
			if got.header.Get("Content-Encoding") != encoding || !strings.Contains(got.header.Get("Vary"), "Accept-Encoding") {
				t.Errorf("%s with %s: %v", path, encoding, got.header)
				continue
			}
			r, err := open(strings.NewReader(got.body))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if string(body) != plain.body || len(got.body) >= len(plain.body) {
				t.Errorf("%s with %s: %d bytes became %d and %d again", path, encoding, len(plain.body), len(got.body), len(body))
			}
		}
	}
}
