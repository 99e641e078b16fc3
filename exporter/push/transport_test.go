package push_test

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/procmon/procmon/exporter/push"
	"github.com/procmon/procmon/exporter/push/spool"
)

// file writes one that is removed by itself: Wine cannot do what t.TempDir does.
func file(t *testing.T, content []byte) string {
	t.Helper()
	f, err := os.CreateTemp("", "push")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(f.Name()) })
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// directory returns one for a spool, which is removed when it is empty but for what the
// spool leaves.
func directory(t *testing.T) string {
	t.Helper()
	path, err := os.MkdirTemp("", "push")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		entries, _ := os.ReadDir(path)
		for _, e := range entries {
			os.Remove(filepath.Join(path, e.Name()))
		}
		os.Remove(path)
	})
	return path
}

// pushOnce pushes until the server has one snapshot or a delivery has failed.
func pushOnce(t *testing.T, o push.Options) push.Stats {
	t.Helper()
	o.Key, o.Mode = "K3Y", push.Always
	o.Snapshot = func(_ context.Context, dst []byte) ([]byte, error) { return append(dst, "{}"...), nil }
	p, err := push.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- p.Run(ctx) }()
	for s := p.Stats(); s.Delivered+s.Failures == 0; s = p.Stats() {
		runtime.Gosched()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return p.Stats()
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshake that fails
	server.StartTLS()
	defer server.Close()
	roots := file(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	if got := pushOnce(t, push.Options{URL: server.URL, CAFile: roots}); got.Delivered != 1 {
		t.Errorf("with the certificate: %+v", got)
	}
	if got := pushOnce(t, push.Options{URL: server.URL}); got.Delivered != 0 || got.Waiting != 1 {
		t.Errorf("without the certificate: %+v", got)
	}
}

func TestProxy(t *testing.T) {
	var asked, credentials string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, credentials = r.URL.String(), r.Header.Get("Proxy-Authorization")
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
	}))
	defer proxy.Close()
	through := strings.Replace(proxy.URL, "http://", "http://u:p@", 1)
	got := pushOnce(t, push.Options{URL: "http://procmon.invalid/api/process-data/", ProxyURL: through})
	if got.Delivered != 1 || asked != "http://procmon.invalid/api/process-data/" || credentials != "Basic dTpw" {
		t.Errorf("got %+v; the proxy was asked for %q by %q", got, asked, credentials)
	}
}

func TestNewRefusesTransport(t *testing.T) {
	text := file(t, []byte("no certificate"))
	for _, test := range []struct {
		name string
		push.Options
		want string
	}{
		{"proxy scheme", push.Options{ProxyURL: "ftp://u:secret@host"}, `the push proxy URL "ftp://u:xxxxx@host" is not of the form http://HOST:PORT; https, socks5 and socks5h are allowed too`},
		{"proxy host", push.Options{ProxyURL: "http://"}, `the push proxy URL "http:" is not of the form http://HOST:PORT; https, socks5 and socks5h are allowed too`},
		{"no proxy URL", push.Options{ProxyURL: "http://u:secret@a b/"}, `the push proxy URL is wrong: invalid character " " in host name`},
		{"no CA file", push.Options{CAFile: text + ".none"}, "read the push CA file: open " + text + ".none: "},
		{"no certificate", push.Options{CAFile: text}, "read the push CA file " + text + ": there is no PEM certificate in it"},
		{"spool", push.Options{Spool: spool.Options{MaxSize: 7}}, "the spool's largest size of 7 bytes is too small; the smallest is 1MiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := push.New(test.Options)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
