package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/config/agent"
)

const example = "../../deploy/exporter.yaml"

var sameExpression = cmp.Comparer(func(a, b agent.Regexp) bool {
	return (a.Regexp == nil) == (b.Regexp == nil) && (a.Regexp == nil || a.String() == b.String())
})

func TestExampleIsTheDefault(t *testing.T) {
	got, err := agent.Load(example)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(agent.Default(), got, sameExpression); diff != "" {
		t.Errorf("(-default +example):\n%s", diff)
	}
}

// The example teaches by what is commented out, so that has to be right too.
func TestExampleUncommented(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		bare := strings.TrimLeft(line, " ")
		if text, ok := strings.CutPrefix(bare, "# "); ok && looksLikeYAML(text) {
			line = line[:len(line)-len(bare)] + text
		}
		lines = append(lines, line)
	}
	got, err := agent.Parse("dir/exporter.yaml", []byte(strings.Join(lines, "")))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, strings.Join(lines, ""))
	}
	if got.Web.TokenFile != filepath.FromSlash("dir/token") || got.Push.Spool.Path != filepath.FromSlash("dir/spool") || got.Push.ProxyURL == "" ||
		len(got.Metrics.Groups) != 2 || got.Metrics.Groups[1].Exe == nil || len(got.Metrics.Processes.Names) != 1 || len(got.CommandLines.Patterns) != 1 {
		t.Errorf("the example did not uncomment as expected:\n%+v", got)
	}
}

// looksLikeYAML tells an example from a sentence: its first word is a key, or a list begins.
func looksLikeYAML(text string) bool {
	word, _, _ := strings.Cut(strings.TrimLeft(text, " "), " ")
	word = strings.TrimSpace(word)
	return word == "-" || strings.HasSuffix(word, ":") && strings.ToLower(word) == word
}

func TestGood(t *testing.T) {
	got, err := agent.Load("testdata/full.good.yml")
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Duration(got.Push.Interval); d != 90*time.Second {
		t.Errorf("the interval is %v", d)
	}
	if !got.Metrics.Groups[0].Name.MatchString("W3WP.EXE") || got.Push.Spool.MaxSize != 1<<30 || got.Collector.Process.IO || !got.Collector.Process.CPU {
		t.Errorf("got %+v", got)
	}
	for name, text := range map[string]string{"empty": "", "comment": "# nothing\n", "null": "~\n", "nulls": "web:\npush:\n  spool:\n"} {
		got, err := agent.Parse("a.yml", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(agent.Default(), got, sameExpression); diff != "" {
			t.Errorf("%s (-default +got):\n%s", name, diff)
		}
	}
}

func TestBad(t *testing.T) {
	want := badMessages()
	names, err := filepath.Glob("testdata/*.bad.yml")
	if err != nil || len(names) == 0 {
		t.Fatal("no files", err)
	}
	for _, path := range names {
		name := strings.TrimSuffix(filepath.Base(path), ".bad.yml")
		t.Run(name, func(t *testing.T) {
			_, err := agent.Load(path)
			if err == nil {
				t.Fatal("got no error")
			}
			if diff := cmp.Diff(want[name], strings.TrimPrefix(err.Error(), path)); diff != "" {
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

func TestSet(t *testing.T) {
	for _, tc := range []struct{ key, text, want, problem string }{
		{"web.listen_address", ":9910", ":9910", ""},
		{"web.token_file", "12", "12", ""},
		{"web.token_file", "", "", ""},
		{"web.token_file", "~", "~", ""},
		{"web.allow_anonymous", "true", "true", ""},
		{"web.allow_anonymous", "perhaps", "", "is not true or false"},
		{"push.interval", "60", "1m", ""},
		{"push.interval", "0.5", "500ms", ""},
		{"push.interval", "NaN", "", `"NaN" is not from 0 to 31622400 seconds`},
		{"push.interval", "soon", "", `"soon" is neither a number of seconds, like 60 or 0.5, nor a duration, like 90s, 1m30s or 24h`},
		{"push.spool.max_size", "64MiB", "64MB", ""},
		{"metrics.max_series", "12", "12", ""},
		{"metrics.max_series", "many", "", "is not a whole number, or too large a one"},
		{"metrics.none", "12", "", "unknown key"},
		{"web.listen_address.deep", "12", "", "unknown key"},
	} {
		c := agent.Default()
		err := c.Set(tc.key, tc.text)
		if tc.problem != "" {
			if e, ok := errors.AsType[*agent.Error](err); !ok || e.Key != tc.key || e.Problem != tc.problem {
				t.Errorf("%s=%s: got %v, want %s", tc.key, tc.text, err, tc.problem)
			}
			continue
		}
		if got, getErr := c.Get(tc.key); err != nil || getErr != nil || got != tc.want {
			t.Errorf("%s=%s: got %q, %v, %v; want %q", tc.key, tc.text, got, err, getErr, tc.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	names, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(names) == 0 {
		f.Fatal("no files", err)
	}
	for _, name := range append(names, example) {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := agent.Parse("a.yml", data)
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
