package webui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
	"github.com/procmon/procmon/webui"
)

// BenchmarkFleet asks what the page of a fleet does: 1,000 hosts of 250 processes, for a quarter
// of an hour asked every 15 s. One op is one answer that nobody has asked for before.
func BenchmarkFleet(b *testing.B) {
	const hosts, snapshots = 1000, 60
	clock := newClock(time.Unix(workload.Base, 0).Add(snapshots * 15 * time.Second))
	store, err := storage.Open(b.TempDir(), storage.Options{Clock: clock.now, Memory: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	var filling sync.WaitGroup
	room := make(chan struct{}, 256)
	for i := range hosts {
		room <- struct{}{}
		filling.Go(func() {
			defer func() { <-room }()
			h := workload.New(1, i)
			for range snapshots {
				r := h.Record()
				r.Host = fmt.Sprintf("host-%04d", i)
				if err := store.Append(b.Context(), r); err != nil {
					b.Error(err)
				}
			}
		})
	}
	filling.Wait()
	handler, err := webui.New(webui.Options{Store: store, Pages: builtPages, Clock: clock.now})
	if err != nil {
		b.Fatal(err)
	}
	defer handler.Close()
	ask := func(b *testing.B, path string) {
		b.ReportAllocs()
		var sink discard
		for b.Loop() {
			clock.add(time.Minute / 4) // what others asked for is not good any more
			sink = discard{header: http.Header{}}
			handler.ServeHTTP(&sink, httptest.NewRequest(http.MethodGet, strings.ReplaceAll(path, "FROM", fmt.Sprint(clock.now().Unix()-300)), nil))
		}
		if sink.status != http.StatusOK {
			b.Fatal(sink.status)
		}
		b.ReportMetric(float64(sink.bytes), "body-B/op")
	}
	end := clock.now()
	for _, test := range []struct{ name, path string }{
		{"hosts", "/api/v1/hosts"},
		{"cpu", "/api/v1/fleet/cpu"},
		{"top", "/api/v1/top?per=name&from=FROM"},
		{"search", "/api/v1/search?q=chrome"},
	} {
		b.Run(test.name, func(b *testing.B) {
			clock.set(end)
			ask(b, test.path)
		})
	}
}
