package exporter_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/procmon/procmon/exporter"
	"github.com/procmon/procmon/exporter/internal/crowd"
)

// crowded opens an exporter that collects anew at each call, on a host with 1,000 idle
// processes that it has seen for long.
func crowded(b *testing.B) *exporter.Exporter {
	b.Helper()
	crowd.Spawn(b, 1000)
	e := open(b, exporter.Options{CPUSampleDelay: -1, ShareFor: -1})
	// Static facts are read again after a process's first two seconds.
	for until := time.Now().Add(4 * time.Second); time.Now().Before(until); {
		if err := exporter.Collect(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
	return e
}

// BenchmarkCollect makes whole collections of at least 1,000 idle processes: the table, CPU
// use, groups and the facts of the host. One op is one collection. cpu-ms/op is its CPU
// time; the same run measures, in turns, the bare loop over the same processes
// (floor-ms/op) and gopsutil with cached static facts (gopsutil-ms/op).
func BenchmarkCollect(b *testing.B) {
	e := crowded(b)
	floor, peer := crowd.NewFloor(b), crowd.Peer{}
	peer.Read(b)
	var ours, least, theirs time.Duration
	measure := func(sum *time.Duration, f func()) {
		start := crowd.CPUTime(b)
		f()
		*sum += crowd.CPUTime(b) - start
	}
	b.ReportAllocs()
	for b.Loop() {
		measure(&ours, func() {
			if err := exporter.Collect(b.Context(), e); err != nil {
				b.Fatal(err)
			}
		})
		b.StopTimer()
		measure(&least, floor.Read)
		measure(&theirs, func() { peer.Read(b) })
		b.StartTimer()
	}
	perOp := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(b.N) }
	b.ReportMetric(perOp(ours), "cpu-ms/op")
	b.ReportMetric(perOp(least), "floor-ms/op")
	b.ReportMetric(perOp(theirs), "gopsutil-ms/op")
	b.ReportMetric(float64(ours)/float64(least), "x-floor")
	b.ReportMetric(float64(ours)/float64(theirs), "x-gopsutil")
}

// BenchmarkServe answers requests with collections of at least 1,000 processes. One op is
// one collection and its answer.
func BenchmarkServe(b *testing.B) {
	e := crowded(b)
	for _, request := range []struct{ name, path, encoding string }{
		{"snapshot", "/snapshot", "identity"}, {"snapshot-gzip", "/snapshot", "gzip"}, {"snapshot-zstd", "/snapshot", "zstd"}, {"metrics-gzip", "/metrics", "gzip"},
	} {
		b.Run(request.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, request.path, nil)
			r.Header.Set("Accept-Encoding", request.encoding)
			b.ReportAllocs()
			var length float64
			for b.Loop() {
				w := &discard{header: http.Header{}}
				e.Handler().ServeHTTP(w, r)
				length += float64(w.length)
			}
			b.ReportMetric(length/float64(b.N), "bytes-sent/op")
		})
	}
}

// discard is a client that reads everything and keeps nothing.
type discard struct {
	header http.Header
	length int
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(int)     {}
func (d *discard) Write(b []byte) (int, error) {
	d.length += len(b)
	return io.Discard.Write(b)
}
