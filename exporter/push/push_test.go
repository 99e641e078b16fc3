package push_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"github.com/procmon/procmon/exporter/push"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend answers pushes from a script, the last answer again and again, and remembers them.
type backend struct {
	mu      sync.Mutex
	answers []answer
	got     []string // "SECONDS ENCODING BODY" of each request
	began   time.Time
}

type answer struct {
	code   int // 0 fails to connect
	header http.Header
	body   string
}

func (b *backend) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	encoding, body := r.Header.Get("Content-Encoding"), io.Reader(r.Body)
	if encoding == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		body = unzipped
	}
	if encoding == "zstd" {
		d, err := zstd.NewReader(r.Body, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer d.Close()
		body = d
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	if encoding == "" && r.ContentLength != int64(len(text)) {
		return nil, fmt.Errorf("a length of %d is announced for %d bytes", r.ContentLength, len(text))
	}
	if got, want := r.Header.Get("Authorization"), "Token K3Y"; got != want {
		return nil, fmt.Errorf("got authorization %q, want %q", got, want)
	}
	how := r.Method
	if encoding != "" {
		how += "+" + encoding
	}
	b.got = append(b.got, fmt.Sprintf("%v %s %s", time.Since(b.began).Round(time.Second), how, text))
	a := b.answers[0]
	if len(b.answers) > 1 {
		b.answers = b.answers[1:]
	}
	if a.code == 0 {
		return nil, errors.New("connection refused")
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	return &http.Response{StatusCode: a.code, Status: fmt.Sprint(a.code, " ", http.StatusText(a.code)), Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

func ok() answer { return answer{code: http.StatusCreated} }

func header(name, value string) http.Header { return http.Header{name: {value}} }

// run pushes for a time, in a bubble of synctest, snapshots that are numbered from s0.
func run(t *testing.T, b *backend, d time.Duration, change func(*push.Options)) (push.Stats, string) {
	t.Helper()
	var log bytes.Buffer
	b.began = time.Now()
	n := 0
	o := push.Options{
		Key: "K3Y", Interval: time.Minute, Mode: push.Always, Transport: b,
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Snapshot: func(_ context.Context, dst []byte) ([]byte, error) {
			n++
			return fmt.Appendf(dst, "s%d", n-1), nil
		},
	}
	if change != nil {
		change(&o)
	}
	p, err := push.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := p.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return p.Stats(), log.String()
}

func TestPushes(t *testing.T) {
	neverDrops := push.Stats{}
	for _, test := range []struct {
		name    string
		answers []answer
		run     time.Duration
		change  func(*push.Options)
		want    []string
		stats   push.Stats
		logs    string
	}{
		{"at once and at every interval", []answer{ok()}, 150 * time.Second, nil,
			[]string{"0s POST s0", "1m0s POST s1", "2m0s POST s2"}, push.Stats{Delivered: 3}, ""},
		{"without a key", []answer{ok()}, time.Hour, func(o *push.Options) { o.Key = "" }, nil, neverDrops, ""},
		{"off", []answer{ok()}, time.Hour, func(o *push.Options) { o.Mode = push.Off }, nil, neverDrops, ""},
		{"fallback when nobody ever pulled", []answer{ok()}, 90 * time.Second, func(o *push.Options) { o.Mode = push.Fallback },
			[]string{"0s POST s0", "1m0s POST s1"}, push.Stats{Delivered: 2}, ""},
		{"fallback when somebody stopped pulling", []answer{ok()}, 270 * time.Second, func(o *push.Options) {
			o.Mode = push.Fallback
			pulled := time.Now().Add(30 * time.Second)
			o.LastPull = func() time.Time { return pulled }
		}, []string{"4m0s POST s0"}, push.Stats{Delivered: 1}, ""},
		{"fallback while somebody pulls", []answer{ok()}, time.Hour, func(o *push.Options) {
			o.Mode = push.Fallback
			o.LastPull = func() time.Time { return time.Now().Add(-2 * time.Minute) }
		}, nil, neverDrops, ""},
		{"a bad request is dropped", []answer{{code: 400, body: `{"error":{"message":"processes[0].pid: missing"}}`}, ok()}, 90 * time.Second, nil,
			[]string{"0s POST s0", "1m0s POST s1"}, push.Stats{Delivered: 1, Dropped: 1}, "processes[0].pid: missing"},
		{"a snapshot that is too large is dropped", []answer{{code: 413}, ok()}, 90 * time.Second, nil,
			[]string{"0s POST s0", "1m0s POST s1"}, push.Stats{Delivered: 1, Dropped: 1}, "413"},
		{"zstd when the server takes it", []answer{{code: 201, header: header("Accept-Encoding", "gzip, zstd")}, ok()}, 90 * time.Second, nil,
			[]string{"0s POST s0", "1m0s POST+zstd s1"}, push.Stats{Delivered: 2}, ""},
		{"gzip when the server takes no zstd", []answer{{code: 201, header: header("Accept-Encoding", "zstd;q=0.0, GZIP;Q=0.5")}, ok()}, 90 * time.Second, nil,
			[]string{"0s POST s0", "1m0s POST+gzip s1"}, push.Stats{Delivered: 2}, ""},
		{"not compressed when the server forbids it", []answer{{code: 201, header: header("Accept-Encoding", "gzip;q=0, br, *;q=1")}, ok()}, 90 * time.Second, nil,
			[]string{"0s POST s0", "1m0s POST s1"}, push.Stats{Delivered: 2}, ""},
		{"gzip after 415", []answer{{code: 201, header: header("Accept-Encoding", "zstd")}, {code: 415, header: header("Accept-Encoding", "zstd, gzip")}, ok()}, 130 * time.Second, nil,
			[]string{"0s POST s0", "1m0s POST+zstd s1", "1m0s POST+gzip s1", "2m0s POST+gzip s2"}, push.Stats{Delivered: 3}, "encoding=zstd"},
		{"identity after 415", []answer{{code: 201, header: header("Accept-Encoding", "gzip")}, {code: 415}, {code: 201, header: header("Accept-Encoding", "gzip")}}, 130 * time.Second, nil,
			[]string{"0s POST s0", "1m0s POST+gzip s1", "1m0s POST s1", "2m0s POST s2"}, push.Stats{Delivered: 3}, ""},
		{"415 to identity", []answer{{code: 415}, ok()}, 30 * time.Second, nil,
			[]string{"0s POST s0"}, push.Stats{Dropped: 1}, "415"},
		{"a redirect is not followed", []answer{{code: 302, header: header("Location", "http://elsewhere/")}}, 500 * time.Millisecond, nil,
			[]string{"0s POST s0"}, push.Stats{Failures: 1, Waiting: 1, OldestWaiting: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}, "redirects are not followed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{answers: test.answers}
				stats, log := run(t, b, test.run, test.change)
				if diff := cmp.Diff(test.want, b.got); diff != "" {
					t.Error(diff)
				}
				if (stats.WaitingBytes > 0) != (stats.Waiting > 0) {
					t.Errorf("%d snapshots wait and have %d bytes", stats.Waiting, stats.WaitingBytes)
				}
				stats.WaitingBytes = 0
				if diff := cmp.Diff(test.stats, stats); diff != "" {
					t.Error(diff)
				}
				if !strings.Contains(log, test.logs) || strings.Contains(log, "K3Y") {
					t.Errorf("the log is %s", log)
				}
			})
		})
	}
}

func TestTriesAgainWithBackoff(t *testing.T) {
	for _, test := range []struct {
		name string
		answer
	}{{"unauthorized", answer{code: 401}}, {"no connection", answer{}}, {"broken", answer{code: 500}}, {"not found", answer{code: 404}}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{answers: []answer{test.answer, test.answer, test.answer, test.answer, test.answer, ok()}}
				stats, log := run(t, b, 100*time.Second, nil)
				// At least 0.5, 1, 2, 4 and 8 s pass, at most twice that.
				if want := (push.Stats{Delivered: 2, Failures: 5}); stats != want {
					t.Errorf("got %+v, want %+v after %q", stats, want, b.got)
				}
				if n := strings.Count(log, "was not delivered"); n != 1 {
					t.Errorf("%d lines about one problem:\n%s", n, log)
				}
				if !strings.Contains(log, "takes snapshots again") {
					t.Errorf("nothing about its end:\n%s", log)
				}
			})
		})
	}
}

func TestOldestFirstAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answers: []answer{{}}}
		down := 300 * time.Minute
		recovered := time.AfterFunc(down-30*time.Second, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.answers, b.got = []answer{ok()}, nil
		})
		defer recovered.Stop()
		stats, _ := run(t, b, down+10*time.Minute-time.Second, nil)
		// 310 snapshots were taken, 240 fit into the queue, and the oldest gave way.
		if stats.Dropped == 0 || stats.Waiting != 0 || stats.Delivered+stats.Dropped != 310 {
			t.Errorf("got %+v", stats)
		}
		last := -1
		for _, line := range b.got {
			var n int
			_, snapshot, _ := strings.Cut(line, " s")
			if _, err := fmt.Sscan(snapshot, &n); err != nil || n <= last {
				t.Fatalf("%q comes after s%d", line, last)
			}
			last = n
		}
		if last != 309 {
			t.Errorf("the last is s%d", last)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		push.Options
		want string
	}{
		{"mode", push.Options{Mode: "sometimes"}, `"sometimes" is not a push mode; allowed are off, fallback and always`},
		{"interval", push.Options{Interval: time.Millisecond}, "the push interval 1ms is too short; the shortest is 1s"},
		{"scheme", push.Options{URL: "ftp://host/"}, `the push URL "ftp://host/" is not of the form http://HOST:PORT/PATH or https://HOST:PORT/PATH`},
		{"password", push.Options{URL: "//user:secret@host"}, `the push URL "//user:xxxxx@host" is not of the form http://HOST:PORT/PATH or https://HOST:PORT/PATH`},
		{"no URL", push.Options{URL: "http://a b/"}, `the push URL "http://a b/" is wrong: invalid character " " in host name`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := push.New(test.Options)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
