package webui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
	"github.com/procmon/procmon/webui"
)

// BenchmarkStep goes through the snapshots of a host back and forth, as a page does whose time
// is stepped: from one that is not the newest. One op is one step, compressed as a browser asks.
func BenchmarkStep(b *testing.B) {
	const snapshots = 40
	for _, processes := range []int{250, 10_000} {
		clock := newClock(time.Unix(workload.Base, 0).Add((snapshots + 1) * workload.Step * time.Second))
		store, err := storage.Open(b.TempDir(), storage.Options{Clock: clock.now})
		if err != nil {
			b.Fatal(err)
		}
		h := workload.NewShaped(1, 1, workload.Shape{Processes: processes})
		var times []time.Time
		for range snapshots {
			r := h.Record()
			r.Host = "alpha"
			if err := store.Append(b.Context(), r); err != nil {
				b.Fatal(err)
			}
			times = append(times, r.Snapshot.Timestamp)
		}
		handler, err := webui.New(webui.Options{Store: store, Pages: builtPages, Clock: clock.now})
		if err != nil {
			b.Fatal(err)
		}
		for _, whole := range []bool{true, false} {
			b.Run(fmt.Sprintf("processes=%d/whole=%t", processes, whole), func(b *testing.B) {
				b.ReportAllocs()
				const turn = snapshots - 3 // from the third to the one before the newest, and back
				var sink discard
				before := 2
				for i := 1; b.Loop(); i++ {
					at := 2 + turn - abs(turn-i%(2*turn))
					query := url.Values{"at": {times[at].Format(time.RFC3339Nano)}}
					if !whole {
						query.Set("have", procmon.SnapshotID("alpha", times[before]))
						query.Set("previous", times[before-1].Format(time.RFC3339Nano))
					}
					r := httptest.NewRequest(http.MethodGet, "/api/v1/hosts/alpha/tree?"+query.Encode(), nil)
					r.Header.Set("Accept-Encoding", "gzip, deflate, br, zstd")
					sink = discard{header: http.Header{}}
					handler.ServeHTTP(&sink, r)
					before = at
				}
				if sink.status != http.StatusOK {
					b.Fatal(sink.status)
				}
				b.ReportMetric(float64(sink.bytes), "body-B/op")
			})
		}
		handler.Close()
		store.Close()
	}
}

func abs(n int) int { return max(n, -n) }
