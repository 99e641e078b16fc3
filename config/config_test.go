package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/config"
)

func TestExampleRunsAsItIs(t *testing.T) {
	c, err := config.Load("../procmon.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.ScrapeConfigs) != 1 {
		t.Fatalf("got %d jobs, want 1", len(c.ScrapeConfigs))
	}
	job := c.ScrapeConfigs[0]
	got := string(job.StaticConfigs[0].Targets[0]["__address__"])
	if want := "127.0.0.1:9910"; got != want || job.MetricsPath != "/snapshot" || job.Scheme != "http" {
		t.Errorf("got %s %s %s, want http %s /snapshot", job.Scheme, got, job.MetricsPath, want)
	}
}

// The example teaches by what is commented out, so that has to be right too.
func TestExampleUncommented(t *testing.T) {
	data := readFile(t, "../procmon.yaml")
	var lines []string
	for _, line := range strings.Split(string(data), "\n") {
		bare := strings.TrimLeft(line, " ")
		if text, ok := strings.CutPrefix(bare, "# "); ok && looksLikeYAML(text) {
			line = line[:len(line)-len(bare)] + text
		}
		lines = append(lines, line)
	}
	c, err := config.Parse("procmon.yaml", []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, strings.Join(lines, "\n"))
	}
	if len(c.ScrapeConfigs) != 3 || len(c.ScrapeConfigs[2].RelabelConfigs) != 2 || len(c.Push.Tokens) != 1 || c.Web.ConfigFile != "web.yml" {
		t.Errorf("the example did not uncomment as expected:\n%v", c)
	}
}

// looksLikeYAML tells an example from a sentence: its first word is a key, or a list begins.
func looksLikeYAML(text string) bool {
	word, _, _ := strings.Cut(strings.TrimLeft(text, " "), " ")
	return word == "-" || strings.HasSuffix(word, ":") && strings.ToLower(word) == word
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: found %d files, err %v", pattern, len(names), err)
	}
	return names
}

func TestGood(t *testing.T) {
	for _, name := range glob(t, "testdata/*.good.yml") {
		if _, err := config.Load(name); err != nil {
			t.Error(err)
		}
	}
}

func TestBad(t *testing.T) {
	want := badMessages()
	for _, path := range glob(t, "testdata/*.bad.yml") {
		name := strings.TrimSuffix(filepath.Base(path), ".bad.yml")
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(path)
			if err == nil {
				t.Fatal("got no error")
			}
			if diff := cmp.Diff(want[name], strings.TrimPrefix(err.Error(), filepath.FromSlash("testdata/"+name+".bad.yml"))); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the message holds a secret: %v", err)
			}
		})
		delete(want, name)
	}
	for name := range want {
		t.Errorf("testdata/%s.bad.yml is not there", name)
	}
}

func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}
