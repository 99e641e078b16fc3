package scraper_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/scraper"
)

func body(text string) http.HandlerFunc {
	return encoded("", []byte(text))
}

func encoded(encoding string, data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", procmon.ContentType)
		if encoding != "" {
			w.Header().Set("Content-Encoding", encoding)
		}
		_, _ = w.Write(data)
	}
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(data)
	_ = z.Close()
	return b.Bytes()
}

func zstded(data []byte) []byte {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	defer z.Close()
	return z.EncodeAll(data, nil)
}

// hang answers only when the client has gone.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// drip sends a byte at a time and never ends.
func drip(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", procmon.ContentType)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := io.WriteString(w, " "); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// gigabyte sends 1 GB, and counts what it got rid of.
type gigabyte struct {
	sized bool
	sent  atomic.Int64
}

func (g *gigabyte) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", procmon.ContentType)
	if g.sized {
		w.Header().Set("Content-Length", fmt.Sprint(1<<30))
	}
	chunk := bytes.Repeat([]byte(" "), 64<<10)
	for sent := 0; sent < 1<<30; sent += len(chunk) {
		n, err := w.Write(chunk)
		g.sent.Add(int64(n))
		if err != nil {
			return
		}
	}
}

// hijack answers with bytes of its own and closes the connection.
func hijack(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, answer)
	}
}

func at(offset time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body(string(encode(snapshot("h", time.Now().Add(offset).Truncate(time.Second), 1))))(w, r)
	}
}

func with(processes string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body(fmt.Sprintf(`{"hostname":"h","timestamp":%q,"processes":%s}`, time.Now().UTC().Format(time.RFC3339), processes))(w, r)
	}
}

// decodeError returns what the decoder says of a text that is no JSON.
func decodeError(text string) string {
	_, err := procmon.Decode([]byte(text))
	if err == nil || !strings.HasPrefix(err.Error(), "invalid JSON: ") {
		return fmt.Sprintf("the decoder says %v", err)
	}
	return err.Error()
}

// hugeWindow is a zstd frame that asks its reader for a window of 512 MiB.
func hugeWindow() []byte {
	frame := binary.LittleEndian.AppendUint32(nil, 0xFD2FB528)
	return append(frame, 0x00, 19<<3, 0x01, 0x00, 0x00)
}

func TestFaults(t *testing.T) {
	chunked, sized := &gigabyte{}, &gigabyte{sized: true}
	bomb := bytes.Repeat([]byte(" "), 64<<20)
	refused := closedAddress(t)
	for _, tc := range []struct {
		name    string
		handler http.Handler // nil: nothing listens
		reason  string
		want    string
	}{
		{"refused", nil, "connect", "connect to " + refused + ": connection refused; is procmon-exporter running and listening there?"},
		{"hang", http.HandlerFunc(hang), "timeout", "no answer within the scrape timeout of 700ms"},
		{"drip", http.HandlerFunc(drip), "timeout", "the answer was not complete within the scrape timeout of 700ms"},
		{"closed at once", hijack(""), "connect", "ADDRESS closed the connection without an answer"},
		{"closed half-way", hijack("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"hostname\":"), "read", "the connection was closed before the answer was complete"},
		{"closed half-way, chunked", hijack("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{\"host"), "read", "the connection was closed before the answer was complete"},
		{"closed half-way, zstd", hijack("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: zstd\r\nContent-Length: 500\r\n\r\n" + string(zstded(bomb)[:12])), "read", "the connection was closed before the answer was complete"},
		{"not HTTP", hijack("SSH-2.0-OpenSSH_9.2p1\r\n"), "connect", `request to ADDRESS: net/http: HTTP/1.x transport connection broken: malformed HTTP response "SSH-2.0-OpenSSH_9.2p1"`},
		{"1 GB", chunked, "body_size", "the answer is larger than the body_size_limit of 1MB"},
		{"1 GB with its length", sized, "body_size", "the answer is larger than the body_size_limit of 1MB"},
		{"gzip bomb", encoded("gzip", gzipped(bomb)), "body_size", "the answer is larger than the body_size_limit of 1MB"},
		{"zstd bomb", encoded("zstd", zstded(bomb)), "body_size", "the answer is larger than the body_size_limit of 1MB"},
		{"zstd bomb of frames", encoded("zstd", bytes.Repeat(zstded(bomb[:512<<10]), 64)), "body_size", "the answer is larger than the body_size_limit of 1MB"},
		{"zstd window", encoded("zstd", hugeWindow()), "encoding", "the answer is not valid zstd: window size exceeded"},
		{"not zstd", encoded("zstd", []byte(`{"hostname":"h"}`)), "encoding", "the answer is not valid zstd: invalid input: magic number mismatch"},
		{"not gzip", encoded("gzip", []byte(`{"hostname":"h"}`)), "encoding", "the answer is not valid gzip: gzip: invalid header"},
		{"gzip cut short", encoded("gzip", gzipped([]byte(`{"hostname":"h"}`))[:20]), "encoding", "the answer is not valid gzip: unexpected EOF"},
		{"brotli", encoded("br", []byte("{}")), "encoding", `the content encoding of the answer is "br"; zstd, gzip and identity are allowed`},
		{"status", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "bad token\x1b[2J", http.StatusUnauthorized)
		}), "http_status", "the target answered HTTP status 401 Unauthorized: bad token\ufffd[2J"},
		{"redirected in circles", http.RedirectHandler("/snapshot", http.StatusFound), "connect", "request to ADDRESS: stopped after 10 redirects"},
		{"content type", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }), "content_type", `the content type of the answer is "text/html; charset=utf-8" and must be application/json; is the path /snapshot right?`},
		{"empty", body(""), "invalid", decodeError("")},
		{"not JSON", body(`{"hostname": `), "invalid", decodeError(`{"hostname": `)},
		{"null", body(`null`), "invalid", "this null is not a snapshot, which is a JSON object"},
		{"processes null", body(`{"processes":null}`), "invalid", "processes: this null is not a list of processes"},
		{"NaN", with(`[{"pid":1,"name":"a","cpu":NaN}]`), "invalid", decodeError(`{"hostname":"h","timestamp":"2026-11-22T12:00:00Z","processes":[{"pid":1,"name":"a","cpu":NaN}]}`)},
		{"negative pid", with(`[{"pid":-4,"name":"a"}]`), "invalid", "processes[0].pid: -4 is not a whole number from 0 to 4294967295"},
		{"pid twice", with(`[{"pid":4,"name":"a"},{"pid":4,"name":"b"}]`), "invalid", "processes[1].pid: 4 is the pid of processes[0] already; each pid is allowed once"},
		{"clock a year ahead", at(365 * 24 * time.Hour), "timestamp", "ahead of the server's clock; at most 10m is allowed; is the clock of the host right?"},
		{"clock eleven minutes ahead", at(11 * time.Minute), "timestamp", "ahead of the server's clock; at most 10m is allowed; is the clock of the host right?"},
		{"clock a year behind", at(-365 * 24 * time.Hour), "timestamp", "old; at most the retention time of 24h0m0s is allowed; is the clock of the host right?"},
		{"control characters", body("{\"hostname\":\"a\\u001b[2J\\u202e\",\"timestamp\":\"2026-11-22T12:00:00Z\",\"processes\":[]}"), "invalid", `hostname: "a\x1b[2J\u202e" is not a name of 1 to 253 bytes without control characters`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			address := refused
			if tc.handler != nil {
				address = serve(t, tc.handler)
			}
			good := serve(t, host("good"))
			store, registry := &memory{}, prometheus.NewPedanticRegistry()
			m := newManager(t, scraper.Options{Appender: store, Registerer: registry, Retention: 24 * time.Hour})
			j := job("j")
			j.Timeout, j.Interval = 700*time.Millisecond, 700*time.Millisecond
			j.Discovery = discovery.Configs{static(model.LabelSet{"instance": "bad"}, address), static(model.LabelSet{"instance": "good"}, good)}
			apply(t, m, j)
			stop := runManager(t, m)
			eventually(t, "two good scrapes and a bad one", func() bool {
				return status(m, "bad").Health == procmon.HealthDown && len(store.of("good")) >= 2
			})
			bad, neighbour := status(m, "bad"), status(m, "good")
			stop()

			got := strings.ReplaceAll(bad.LastError, address, "ADDRESS")
			want := strings.ReplaceAll(tc.want, address, "ADDRESS")
			if tc.reason == "timestamp" {
				_, got, _ = strings.Cut(got, " is ")
				_, got, _ = strings.Cut(got, " ")
			}
			if got != want {
				t.Errorf("error\n got %q\nwant %q", got, want)
			}
			if bad.LastScrape.IsZero() || bad.LastProcesses != 0 || bad.Host != "" {
				t.Errorf("got %+v", bad)
			}
			if n := len(store.of("bad")); n != 0 {
				t.Errorf("%d bad snapshots were stored", n)
			}
			if _, stale := store.all(); len(stale) != 0 {
				t.Errorf("got %v, want no host marked stale: none of them was ever there", stale)
			}
			if neighbour.Health != procmon.HealthUp || neighbour.LastError != "" {
				t.Errorf("the good target suffered: %+v", neighbour)
			}
			if n := failures(t, registry, tc.reason); n < 1 {
				t.Errorf("got %v failures counted for reason %s", n, tc.reason)
			}
		})
	}
	t.Cleanup(func() {
		const slack = 16 << 20 // bytes that lie in the sockets' buffers
		if n := chunked.sent.Load(); n > slack {
			t.Errorf("took %d bytes of an endless answer", n)
		}
		if n := sized.sent.Load(); n > slack {
			t.Errorf("took %d bytes of an answer that said it was too large", n)
		}
	})
}

func failures(t *testing.T, g prometheus.Gatherer, reason string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "procmon_scrape_failures_total" {
			continue
		}
		for _, m := range f.Metric {
			if m.Label[0].GetValue() == reason {
				return m.Counter.GetValue()
			}
		}
	}
	t.Fatalf("there is no counter for reason %s", reason)
	return 0
}

// closedAddress returns an address where nothing listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestMetricsLint(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := newManager(t, scraper.Options{Appender: &memory{}, Registerer: registry})
	if _, err := scraper.NewReceiver(scraper.ReceiverOptions{Appender: &memory{}, Registerer: registry}); err != nil {
		t.Fatal(err)
	}
	address := serve(t, host("h"))
	twin := job("twin", address)
	twin.Path = "/other" // same job and instance labels on two targets must not fail the collection
	twin.Discovery = discovery.Configs{static(model.LabelSet{"job": "j", "host": "twin"}, address)}
	apply(t, m, job("j", address), twin)
	runManager(t, m)
	eventually(t, "up", func() bool { return status(m, address).Health == procmon.HealthUp })
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if n, err := testutil.GatherAndCount(registry, "procmon_target_up"); err != nil || n != 1 {
		t.Errorf("got %d series of procmon_target_up, err %v", n, err)
	}
}
