package scraper_test

import (
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	promconfig "github.com/prometheus/common/config"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/scraper"
)

func TestTLSAndAuthentication(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "procmon" || password != "hunter2" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		host("h")(w, r)
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	s.StartTLS()
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		edit func(*promconfig.HTTPClientConfig)
		want string // of the error; empty for a good scrape
	}{
		{"right", func(*promconfig.HTTPClientConfig) {}, ""},
		{"unknown authority", func(c *promconfig.HTTPClientConfig) { c.TLSConfig.CAFile = "" }, "certificate signed by unknown authority"},
		{"other name", func(c *promconfig.HTTPClientConfig) { c.TLSConfig.ServerName = "other" }, "not other"},
		{"wrong password", func(c *promconfig.HTTPClientConfig) { c.BasicAuth.PasswordFile = ca }, "HTTP status 401 Unauthorized: who are you?"},
		{"no password file", func(c *promconfig.HTTPClientConfig) { c.BasicAuth.PasswordFile = password + "x" }, "unable to read file " + password + "x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newManager(t, scraper.Options{Appender: &memory{}})
			j := job("j", strings.TrimPrefix(s.URL, "https://"))
			j.Scheme = "https"
			j.HTTPClient.TLSConfig.CAFile = ca
			j.HTTPClient.BasicAuth = &promconfig.BasicAuth{Username: "procmon", PasswordFile: password}
			tc.edit(&j.HTTPClient)
			apply(t, m, j)
			stop := runManager(t, m)
			eventually(t, "scraped", func() bool { return m.Targets() != nil && m.Targets()[0].Health != procmon.HealthUnknown })
			got := m.Targets()[0]
			stop()
			if tc.want == "" && got.Health != procmon.HealthUp || !strings.Contains(got.LastError, tc.want) || strings.Contains(got.LastError, "hunter2") {
				t.Errorf("got %s, %q, want %q", got.Health, got.LastError, tc.want)
			}
		})
	}
}
