//go:build unix

package scraper_test

import (
	"bytes"
	stdjson "encoding/json"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	experiment "github.com/go-json-experiment/json"
	goccy "github.com/goccy/go-json"

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

// plainSnapshot is a snapshot for JSON packages that go by struct tags.
type plainSnapshot struct {
	Hostname  string    `json:"hostname"`
	Timestamp time.Time `json:"timestamp"`
	OS        *string   `json:"os"`
	Processor *string   `json:"processor"`
	Cores     *uint32   `json:"cores"`
	Threads   *uint32   `json:"threads"`
	RAM       *float64  `json:"ram_gb"`
	UsedRAM   *float64  `json:"used_ram_gb"`
	FreeRAM   *float64  `json:"free_ram_gb"`
	Boot      time.Time `json:"boot_time"`
	CPU       *float64  `json:"cpu"`
	Processes []struct {
		PID        uint32    `json:"pid"`
		PPID       *uint32   `json:"ppid"`
		Name       string    `json:"name"`
		CPU        *float64  `json:"cpu"`
		Memory     *float64  `json:"memory"`
		Cmdline    *string   `json:"cmdline"`
		Username   *string   `json:"username"`
		Start      time.Time `json:"start_time"`
		Exe        *string   `json:"exe"`
		CPUSeconds *float64  `json:"cpu_seconds"`
		WorkingSet *uint64   `json:"working_set_bytes"`
		Private    *uint64   `json:"private_bytes"`
		Threads    *uint32   `json:"threads"`
		Handles    *uint32   `json:"handles"`
		Read       *uint64   `json:"read_bytes"`
		Written    *uint64   `json:"write_bytes"`
		Session    *uint32   `json:"session_id"`
	} `json:"processes"`
}

// One op decodes one snapshot of 250 processes. procmon.Decode alone also validates, and
// says which field is wrong.
func BenchmarkDecode(b *testing.B) {
	data := encode(fleetHost("WIN-HOST-001", time.Now(), 250))
	into := func(unmarshal func([]byte, any) error) func() (int, error) {
		return func() (int, error) {
			var s plainSnapshot
			err := unmarshal(data, &s)
			return len(s.Processes), err
		}
	}
	for _, d := range []struct {
		name   string
		decode func() (int, error)
	}{
		{"procmon", func() (int, error) {
			s, err := procmon.Decode(data)
			if err != nil {
				return 0, err
			}
			return len(s.Processes), nil
		}},
		{"encoding-json", into(stdjson.Unmarshal)},
		{"go-json-experiment", into(func(data []byte, v any) error { return experiment.Unmarshal(data, v) })},
		{"goccy-go-json", into(goccy.Unmarshal)},
	} {
		b.Run(d.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				if n, err := d.decode(); err != nil || n != 250 {
					b.Fatal(n, err)
				}
			}
			reportCPU(b, before)
		})
	}
}
