package scraper_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/procmon/procmon/scraper"
)

func rule(t *testing.T, r relabel.Config) *relabel.Config {
	t.Helper()
	if r.Regex.Regexp == nil {
		r.Regex = relabel.DefaultRelabelConfig.Regex
	}
	if r.Replacement == "" {
		r.Replacement = relabel.DefaultRelabelConfig.Replacement
	}
	if r.Separator == "" {
		r.Separator = relabel.DefaultRelabelConfig.Separator
	}
	if err := r.Validate(model.UTF8Validation); err != nil {
		t.Fatal(err)
	}
	return &r
}

func set(t *testing.T, label, value string) *relabel.Config {
	return rule(t, relabel.Config{Action: relabel.Replace, TargetLabel: label, Replacement: value})
}

func TestLabels(t *testing.T) {
	type result struct {
		URL, Dropped      string
		Labels            map[string]string
		Interval, Timeout time.Duration
	}
	base := func() scraper.Job {
		j := job("j")
		j.Interval, j.Timeout = 15*time.Second, 10*time.Second
		return j
	}
	plain := map[string]string{"job": "j", "instance": "a:1"}
	const usual = "http://a:1/snapshot"
	for _, tc := range []struct {
		name   string
		target model.LabelSet
		edit   func(*scraper.Job)
		want   result
	}{
		{"defaults", nil, func(*scraper.Job) {}, result{usual, "", plain, 15 * time.Second, 10 * time.Second}},
		{"target labels", model.LabelSet{"room": "b2", "__meta_x": "y", "__tmp": "z"}, func(*scraper.Job) {},
			result{usual, "", map[string]string{"job": "j", "instance": "a:1", "room": "b2"}, 15 * time.Second, 10 * time.Second}},
		{"path, scheme and parameters of the target", model.LabelSet{"__scheme__": "https", "__metrics_path__": "/x y", "__param_a": "1", "__param_b": "&"}, func(j *scraper.Job) {
			j.Params = url.Values{"a": {"0", "2"}}
		}, result{"https://a:1/x%20y?a=1&a=2&b=%26", "", plain, 15 * time.Second, 10 * time.Second}},
		{"interval and timeout of the target", model.LabelSet{"__scrape_interval__": "1m", "__scrape_timeout__": "45s"}, func(*scraper.Job) {},
			result{usual, "", plain, time.Minute, 45 * time.Second}},
		{"relabelled address", nil, func(j *scraper.Job) { j.Relabel = []*relabel.Config{set(t, "__address__", "b:2")} },
			result{"http://b:2/snapshot", "", map[string]string{"job": "j", "instance": "b:2"}, 15 * time.Second, 10 * time.Second}},
		{"relabelled job and instance", nil, func(j *scraper.Job) {
			j.Relabel = []*relabel.Config{set(t, "job", "k"), set(t, "instance", "i")}
		}, result{usual, "", map[string]string{"job": "k", "instance": "i"}, 15 * time.Second, 10 * time.Second}},
		{"dropped", nil, func(j *scraper.Job) {
			j.Relabel = []*relabel.Config{rule(t, relabel.Config{Action: relabel.Drop, SourceLabels: model.LabelNames{"__address__"}, Regex: relabel.MustNewRegexp("a:.*")})}
		}, result{Dropped: "dropped by relabelling"}},
		{"no address", nil, func(j *scraper.Job) {
			j.Relabel = []*relabel.Config{rule(t, relabel.Config{Action: relabel.LabelDrop, Regex: relabel.MustNewRegexp("__address__")})}
		}, result{Dropped: "no address"}},
		{"an address that is a path", model.LabelSet{"__address__": "a:1/../x"}, func(*scraper.Job) {}, result{Dropped: `the address "a:1/../x" is not host:port`}},
		{"an address with a password", model.LabelSet{"__address__": "u:p@a:1"}, func(*scraper.Job) {}, result{Dropped: `the address "u:p@a:1" is not host:port`}},
		{"an address that is none", model.LabelSet{"__address__": "a:b:c d"}, func(*scraper.Job) {}, result{Dropped: `the address "a:b:c d" makes no URL`}},
		{"scheme", model.LabelSet{"__scheme__": "file"}, func(*scraper.Job) {}, result{Dropped: `the scheme is "file" and must be http or https`}},
		{"interval", model.LabelSet{"__scrape_interval__": "0s"}, func(*scraper.Job) {}, result{Dropped: `the label __scrape_interval__ is "0s" and must be a duration of more than 0, like 15s`}},
		{"timeout", model.LabelSet{"__scrape_timeout__": "x"}, func(*scraper.Job) {}, result{Dropped: `the label __scrape_timeout__ is "x" and must be a duration of more than 0, like 15s`}},
		{"timeout over interval", model.LabelSet{"__scrape_interval__": "5s"}, func(*scraper.Job) {}, result{Dropped: "the scrape timeout of 10s is more than the interval of 5s"}},
		{"value", model.LabelSet{"room": "\xff"}, func(*scraper.Job) {}, result{Dropped: `the label "room" with value "\xff" is not valid UTF-8`}},
		{"host", model.LabelSet{"host": "a\x1b[2J"}, func(*scraper.Job) {}, result{Dropped: `the label host: "a\x1b[2J" is not a name of 1 to 253 bytes without control characters`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, _ *fleet, m *scraper.Manager, _ *memory) {
				j := base()
				address := "a:1"
				if a := tc.target["__address__"]; a != "" {
					address = string(a)
				}
				j.Discovery = discovery.Configs{static(tc.target, address)}
				tc.edit(&j)
				apply(t, m, j)
				runManager(t, m)
				pass(0)
				var got result
				for _, s := range m.Targets() {
					got = result{s.ScrapeURL, "", s.Labels, s.Interval, s.Timeout}
					if s.DiscoveredLabels["__address__"] != address || s.DiscoveredLabels["job"] != "j" {
						t.Errorf("discovered labels: %v", s.DiscoveredLabels)
					}
				}
				if dropped, n := m.Dropped(); n == 1 {
					got.Dropped = dropped[0].Reason
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("target (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTwinsAreScrapedOnce(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, _ *memory) {
		a := f.add(t, "a:1", host("a"))
		j := job("j")
		j.Discovery = discovery.Configs{static(nil, "a:1", "a:1"), static(nil, "a:1")}
		apply(t, m, j)
		runManager(t, m)
		pass(10 * time.Second)
		if n := len(a.times()); len(m.Targets()) != 1 || n < 9 || n > 11 {
			t.Errorf("%d targets, %d scrapes in 10 s", len(m.Targets()), n)
		}
	})
}

func TestDroppedAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, _ *fleet, m *scraper.Manager, _ *memory) {
		apply(t, m, job("j", slices.Repeat([]string{"not/an/address"}, 5000)...))
		runManager(t, m)
		pass(0)
		if some, n := m.Dropped(); n != 5000 || len(some) != 100 {
			t.Errorf("got %d of %d", len(some), n)
		}
	})
}

func TestRequest(t *testing.T) {
	var got http.Header
	address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		host("h")(w, r)
	}))
	m := newManager(t, scraper.Options{Appender: &memory{}, UserAgent: "procmon/1.2"})
	j := job("j", address)
	j.HTTPClient.BearerToken = "secret"
	apply(t, m, j)
	stop := runManager(t, m)
	eventually(t, "up", func() bool { return up(m) == 1 })
	stop()
	want := http.Header{
		"Accept": {"application/json"}, "Accept-Encoding": {"zstd, gzip"}, "User-Agent": {"procmon/1.2"},
		"Authorization": {"Bearer secret"}, "X-Prometheus-Scrape-Timeout-Seconds": {"1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestEncodings(t *testing.T) {
	plain := encode(snapshot("h", time.Now(), 250))
	for name, h := range map[string]http.Handler{
		"none": encoded("", plain), "identity": encoded("identity", plain), "gzip": encoded("gzip", gzipped(plain)), "zstd": encoded("zstd", zstded(plain)),
		"BOM": encoded("", append([]byte("\ufeff"), plain...)),
		"charset": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "Application/JSON; charset=utf-8")
			_, _ = w.Write(plain)
		}),
		"redirects": redirect(encoded("zstd", zstded(plain))),
	} {
		t.Run(name, func(t *testing.T) {
			store := &memory{}
			m := newManager(t, scraper.Options{Appender: store})
			apply(t, m, job("j", serve(t, h)))
			runManager(t, m)
			eventually(t, "stored", func() bool { r, _ := store.all(); return len(r) > 0 })
			records, _ := store.all()
			if got := string(encode(records[0].Snapshot)); got != string(plain) {
				t.Errorf("stored something else, of %d bytes", len(got))
			}
		})
	}
}

func redirect(h http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/moved") {
			h.ServeHTTP(w, r)
		} else {
			http.Redirect(w, r, "/moved", http.StatusFound)
		}
	}
}
