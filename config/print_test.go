package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/procmon/procmon/config"
)

func loadFull(t *testing.T) *config.Config {
	t.Helper()
	c, err := config.Load("testdata/full.good.yml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSecretsNeverPrint(t *testing.T) {
	c := loadFull(t)
	if got := string(c.Push.Tokens[0]); got != "hunter2-token" {
		t.Fatalf("got token %q", got)
	}
	asYAML, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(c.Push)
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("m", "c", c, "v", *c, "job", c.ScrapeConfigs[0], "token", c.Push.Tokens[0], "jobs", c.ScrapeConfigs)
	}
	texts := map[string]string{"yaml": string(asYAML), "json": string(asJSON), "slog": logged.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts[verb] = fmt.Sprintf(strings.Repeat(verb+" ", 6), c, *c, c.ScrapeConfigs, c.ScrapeConfigs[0], c.Push, c.Push.Tokens[0])
	}
	for name, text := range texts {
		if strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%s holds a secret:\n%s", name, text)
		}
	}
	if !strings.Contains(texts["yaml"], "<secret>") || !strings.Contains(texts["%v"], "job_name: found") {
		t.Errorf("a configuration does not print as YAML:\n%s", texts["%v"])
	}
}

func TestRelativePaths(t *testing.T) {
	c := loadFull(t)
	found := c.ScrapeConfigs[1]
	got := []string{
		c.Storage.Path, c.Web.ConfigFile, c.Push.TokensFile, c.ScrapeConfigs[0].HTTPClient.TLSConfig.CAFile,
		found.HTTPClient.Authorization.CredentialsFile, found.HTTPClient.TLSConfig.CAFile, found.FileSDConfigs[0].Files[0], found.FileSDConfigs[0].Files[1],
		c.ScrapeConfigs[2].HTTPClient.OAuth2.TLSConfig.CAFile,
	}
	want := []string{
		"/var/lib/procmon", "testdata/web.yml", "testdata/secrets/push.tokens", "testdata/tls/ca.crt",
		"testdata/secrets/exporter.token", "testdata/tls/ca.crt", "testdata/targets/*.yml", "/etc/procmon/targets.json",
		"testdata/tls/login.crt",
	}
	for i := range want {
		want[i] = filepath.FromSlash(want[i])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestDefaultsAndInheritance(t *testing.T) {
	type job struct {
		Interval, Timeout time.Duration
		Limit             config.ByteSize
		Redirects         bool
	}
	for _, tc := range []struct {
		name, text string
		want       job
	}{
		{"defaults", "scrape_configs: [{job_name: a}]", job{15 * time.Second, 10 * time.Second, 64 << 20, true}},
		{"of global", "global: {scrape_interval: 1m, scrape_timeout: 30s, body_size_limit: 1KB}\nscrape_configs: [{job_name: a}]",
			job{time.Minute, 30 * time.Second, 1 << 10, true}},
		{"short global interval", "global: {scrape_interval: 1s}\nscrape_configs: [{job_name: a}]", job{time.Second, time.Second, 64 << 20, true}},
		{"short interval", "scrape_configs: [{job_name: a, scrape_interval: 2s}]", job{2 * time.Second, 2 * time.Second, 64 << 20, true}},
		{"own", "scrape_configs: [{job_name: a, scrape_interval: 2s, scrape_timeout: 1s, body_size_limit: 1GB, follow_redirects: false}]",
			job{2 * time.Second, time.Second, 1 << 30, false}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := config.Parse("a.yml", []byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			j := c.ScrapeConfigs[0]
			got := job{j.ScrapeInterval.Duration(), j.ScrapeTimeout.Duration(), j.BodySizeLimit, j.HTTPClient.FollowRedirects}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEmptyIsDefault(t *testing.T) {
	for _, text := range []string{"", "\n", "# only this\n", "---\n", "~\n", "{}"} {
		got, err := config.Parse("a.yml", []byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(fmt.Sprint(config.Default()), fmt.Sprint(got)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// What a configuration prints is a configuration again, but for its secrets.
func TestPrintParses(t *testing.T) {
	first, err := config.Parse("a.yml", fmt.Append(nil, loadFull(t)))
	if err != nil {
		t.Fatal(err)
	}
	second, err := config.Parse("a.yml", fmt.Append(nil, first))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fmt.Sprint(first), fmt.Sprint(second)); diff != "" {
		t.Errorf("printed twice (-first +second):\n%s", diff)
	}
}

func TestLoadNamesTheMissingFile(t *testing.T) {
	_, err := config.Load("testdata/none.yml")
	if err == nil || !strings.Contains(err.Error(), filepath.FromSlash("testdata/none.yml")) {
		t.Errorf("got %v, want the path", err)
	}
}

func TestAliasBomb(t *testing.T) {
	text := "x: &a0 {a: b}\n"
	for i := 1; i < 12; i++ {
		one := fmt.Sprintf("*a%d", i-1)
		text += fmt.Sprintf("y%d: &a%d {<<: [%s]}\n", i, i, strings.Repeat(one+", ", 9)+one)
	}
	for _, data := range []string{
		"scrape_configs:\n  - job_name: a\n    http_headers: &a0 {a: {values: [b]}}\n" + mergeBomb(),
		text,
	} {
		if _, err := config.Parse("a.yml", []byte(data)); err == nil {
			t.Error("got no error")
		}
	}
}

// mergeBomb multiplies the headers of a first job by ten, eleven times.
func mergeBomb() string {
	text := ""
	for i := 1; i < 12; i++ {
		one := fmt.Sprintf("*a%d", i-1)
		text += fmt.Sprintf("  - job_name: j%d\n    http_headers: &a%d {<<: [%s]}\n", i, i, strings.Repeat(one+", ", 9)+one)
	}
	return text
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.good.yml", "testdata/*.bad.yml"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			f.Fatalf("%s: found %d files, err %v", pattern, len(names), err)
		}
		for _, name := range names {
			f.Add(readFile(f, name))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("a.yml", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "a.yml:") || strings.Contains(err.Error(), "\n") {
				t.Errorf("not one line that names the file: %q", err)
			}
			return
		}
		if err := c.Validate(); err != nil {
			t.Errorf("parsed and not valid: %v", err)
		}
	})
}
