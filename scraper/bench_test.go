//go:build unix

package scraper_test

import (
	"bytes"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/scraper"
)

// cpu returns the CPU time of this process so far, user and kernel:
// https://man7.org/linux/man-pages/man2/getrusage.2.html
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func reportCPU(b *testing.B, before time.Duration) {
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/1e6, "cpu-ms/op")
}

// One op is one scrape of 250 processes over loopback: request, answer, decompression, JSON,
// validation, into a store that does nothing. The exporter's CPU is not in it. The floor is
// an HTTP client that reads the same bytes and does nothing with them.
func BenchmarkScrape(b *testing.B) {
	address := startChild(b)
	for _, encoding := range []string{"zstd", "gzip", "identity"} {
		b.Run(encoding, func(b *testing.B) {
			store := &memory{}
			m := newManager(b, scraper.Options{Appender: store})
			j := job("bench", address)
			j.Path = "/" + encoding
			apply(b, m, j)
			scrape := m.ScrapeNow()
			scrape(b.Context())
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				scrape(b.Context())
				store.records = store.records[:0]
			}
			reportCPU(b, before)
			if s := m.Targets()[0]; s.Health != procmon.HealthUp || s.LastProcesses != 250 {
				b.Fatalf("got %+v", s)
			}
			apply(b, m)
		})
		b.Run("floor-"+encoding, func(b *testing.B) {
			transport := &http.Transport{DisableCompression: true}
			defer transport.CloseIdleConnections()
			req, err := http.NewRequest(http.MethodGet, "http://"+address+"/"+encoding, http.NoBody)
			if err != nil {
				b.Fatal(err)
			}
			var body bytes.Buffer
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				resp, err := transport.RoundTrip(req)
				if err != nil {
					b.Fatal(err)
				}
				body.Reset()
				_, err = io.Copy(&body, resp.Body)
				_ = resp.Body.Close()
				if err != nil {
					b.Fatal(err)
				}
			}
			reportCPU(b, before)
		})
	}
}
