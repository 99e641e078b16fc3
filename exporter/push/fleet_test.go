package push_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/procmon/procmon/exporter/push"
)

// away is a real server that can go away and come back to the same address. Its goroutines
// are those of serve, which runs outside of the bubble in which time is not real.
type away struct {
	address string
	up      chan bool // what it shall be
	done    chan error

	mu  sync.Mutex
	got map[int][]int // by host
}

// numbers is the snapshot of these tests.
type numbers struct{ Host, N int }

func (s *away) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var n numbers
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &n)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.got[n.Host] = append(s.got[n.Host], n.N)
	s.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
}

func (s *away) serve() {
	var server *http.Server
	for up := range s.up {
		if !up {
			s.done <- server.Close()
			continue
		}
		l, err := net.Listen("tcp", s.address)
		if err == nil {
			s.address = l.Addr().String()
			server = &http.Server{Handler: s}
			go server.Serve(l)
		}
		s.done <- err
	}
}

func (s *away) be(t *testing.T, up bool) {
	t.Helper()
	s.up <- up
	if err := <-s.done; err != nil {
		t.Fatal(err)
	}
}

// when counts requests by the second in which they are made.
type when struct {
	transport http.RoundTripper
	mu        sync.Mutex
	seconds   map[int64]int
	refuse    bool // without asking: 300,000 refused connections take a minute
}

func (w *when) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.seconds[time.Now().Unix()]++
	refuse := w.refuse
	w.mu.Unlock()
	if refuse {
		return nil, syscall.ECONNREFUSED
	}
	return w.transport.RoundTrip(r)
}

// TestServerGoneForADay says that a fleet loses nothing and does not come back as a herd.
func TestServerGoneForADay(t *testing.T) {
	const (
		interval = time.Hour
		onDisk   = 50
	)
	hosts, gone := 500, 24*time.Hour
	if underRace {
		hosts = 200
	}
	if testing.Short() {
		hosts, gone = 100, 4*time.Hour
	}
	server := &away{address: "127.0.0.1:0", up: make(chan bool), done: make(chan error), got: map[int][]int{}}
	go server.serve()
	defer close(server.up)
	server.be(t, true)
	server.be(t, false)
	paths := make([]string, min(onDisk, hosts))
	for i := range paths {
		paths[i] = directory(t)
	}
	// A connection that is kept would wait for the network while time stands still.
	w := &when{transport: &http.Transport{DisableKeepAlives: true}, seconds: map[int64]int{}, refuse: true}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var fleet sync.WaitGroup
		pushers := make([]*push.Pusher, hosts)
		taken := make([]int, hosts)
		for i := range hosts {
			o := push.Options{
				Mode: push.Always, URL: "http://" + server.address + "/", Key: "K3Y", Interval: interval, Transport: w,
				Snapshot: func(_ context.Context, dst []byte) ([]byte, error) {
					return fmt.Appendf(dst, `{"Host":%d,"N":%d}`, i, taken[i]), nil
				},
				Taken: func() { taken[i]++ },
			}
			// The default is a day, and the last of the fleet come back some minutes later.
			o.Spool.MaxAge = gone + time.Hour
			if i < len(paths) {
				o.Spool.Path = paths[i]
			}
			p, err := push.New(o)
			if err != nil {
				t.Fatal(err)
			}
			pushers[i] = p
			fleet.Go(func() {
				if err := p.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(gone - 10*time.Minute) // of the bubble
		w.mu.Lock()
		w.refuse = false
		w.mu.Unlock()
		time.Sleep(10*time.Minute - time.Second)
		server.be(t, true)
		back := time.Now().Unix()
		time.Sleep(14 * time.Minute) // before the next snapshots, after the last of gone
		synctest.Wait()
		cancel()
		fleet.Wait()
		server.be(t, false)

		for i, p := range pushers {
			if got := p.Stats(); got.Dropped != 0 || got.Waiting != 0 {
				t.Fatalf("host %d: %+v", i, got)
			}
			want := make([]int, taken[i])
			for n := range want {
				want[n] = n
			}
			if got := server.got[i]; !slices.Equal(got, want) || len(want) < int(gone/interval) {
				t.Fatalf("host %d: got %v of %d", i, got, len(want))
			}
		}
		// The first minute and the ten after it.
		for _, span := range []struct{ from, to int64 }{{0, 60}, {0, 660}} {
			all, most := 0, 0
			for second := span.from; second < span.to; second++ {
				n := w.seconds[back+second]
				all, most = all+n, max(most, n)
			}
			t.Logf("seconds %d to %d: %d requests, at most %d in one", span.from, span.to, all, most)
			// A herd would be all of them; a fifth is far from what chance makes of a small fleet, of
			// which each host delivers some at once.
			if all < hosts/4 || most*5 > all && span.to == 60 || most > hosts {
				t.Errorf("seconds %d to %d: %d of %d requests come in one", span.from, span.to, most, all)
			}
		}
	})
}
