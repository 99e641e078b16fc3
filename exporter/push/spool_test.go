package push_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/exporter/push"
	"github.com/procmon/procmon/exporter/push/spool"
)

func TestRetryAfter(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer answer
		asked  time.Duration
	}{
		{"429 in seconds", answer{code: 429, header: header("Retry-After", "100")}, 100 * time.Second},
		{"503 as a date", answer{code: 503, header: header("Retry-After", "Sat, 01 Jan 2000 00:00:50 GMT")}, 50 * time.Second},
		{"as a date of a server whose clock is ahead", answer{code: 503, header: http.Header{
			"Retry-After": {"Sat, 01 Jan 2000 05:00:50 GMT"}, "Date": {"Sat, 01 Jan 2000 05:00:00 GMT"}}}, 50 * time.Second},
		{"as a date of a server whose clock is behind", answer{code: 503, header: http.Header{
			"Retry-After": {"Fri, 31 Dec 1999 23:00:50 GMT"}, "Date": {"Fri, 31 Dec 1999 23:00:00 GMT"}}}, 50 * time.Second},
		{"for hours", answer{code: 503, header: header("Retry-After", "20000")}, 20000 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			different := map[string]bool{}
			for range 10 {
				synctest.Test(t, func(t *testing.T) {
					b := &backend{answers: []answer{test.answer, ok()}}
					run(t, b, 2*test.asked, nil)
					if len(b.got) < 2 {
						t.Fatalf("got %q", b.got)
					}
					at, _, _ := strings.Cut(b.got[1], " ")
					waited, err := time.ParseDuration(at)
					if err != nil || waited < test.asked || waited > test.asked*5/4+time.Second {
						t.Errorf("it came back after %v (%v), and was asked for %v", waited, err, test.asked)
					}
					different[at] = true
				})
			}
			if len(different) < 3 {
				t.Errorf("it came back after %v", different)
			}
		})
	}
}

// TestBacklogGoesThoughPulled says that what waits is delivered when somebody pulls.
func TestBacklogGoesThoughPulled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answers: []answer{{}}}
		began := time.Now()
		mended := time.AfterFunc(10*time.Minute+30*time.Second, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.answers = []answer{ok()}
		})
		defer mended.Stop()
		stats, _ := run(t, b, time.Hour, func(o *push.Options) {
			o.Mode = push.Fallback
			o.LastPull = func() time.Time { // from the tenth minute on
				if time.Since(began) < 10*time.Minute {
					return time.Time{}
				}
				return time.Now()
			}
		})
		if stats.Delivered != 10 || stats.Waiting != 0 || stats.Dropped != 0 {
			t.Errorf("got %+v", stats)
		}
	})
}

func TestTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []string
		stats, _ := run(t, &backend{answers: []answer{{}}}, 150*time.Second, func(o *push.Options) {
			n := 0
			o.Snapshot = func(_ context.Context, dst []byte) ([]byte, error) {
				n++
				calls = append(calls, fmt.Sprint("snapshot ", n))
				if n == 2 {
					return dst, nil // which the spool does not take
				}
				return append(dst, "{}"...), nil
			}
			o.Taken = func() { calls = append(calls, "taken") }
		})
		if diff := cmp.Diff([]string{"snapshot 1", "taken", "snapshot 2", "snapshot 3", "taken"}, calls); diff != "" {
			t.Error(diff)
		}
		if stats.Waiting != 2 {
			t.Errorf("got %+v", stats)
		}
	})
}

// TestDeliversWhatAnEarlierRunLeft stops a pusher whose server is away, and starts another.
func TestDeliversWhatAnEarlierRunLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := directory(t)
		onDisk := func(o *push.Options) { o.Spool = spool.Options{Path: path} }
		stats, _ := run(t, &backend{answers: []answer{{}}}, 30*time.Minute-time.Second, onDisk)
		if stats.Waiting != 30 || stats.WaitingBytes == 0 {
			t.Errorf("got %+v", stats)
		}
		b := &backend{answers: []answer{ok()}}
		stats, _ = run(t, b, 5*time.Minute-time.Second, onDisk)
		if stats.Waiting != 0 || stats.Delivered != 35 {
			t.Errorf("got %+v", stats)
		}
		var got, want []string
		for _, line := range b.got {
			got = append(got, line[strings.LastIndex(line, " ")+1:])
		}
		for _, n := range []int{30, 5} {
			for i := range n {
				want = append(want, fmt.Sprint("s", i))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		// What has piled up is no burst.
		at, _, _ := strings.Cut(b.got[len(b.got)-8], " ")
		if took, err := time.ParseDuration(at); err != nil || took < 13*time.Second {
			t.Errorf("it was delivered within %v (%v)", took, err)
		}
	})
}

func TestOneSpoolForOne(t *testing.T) {
	path := directory(t)
	used, err := spool.Open(spool.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	p, err := push.New(push.Options{Key: "K3Y", Spool: spool.Options{Path: path}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "push: open the spool "+path+": another process uses it") {
		t.Errorf("got %v", err)
	}
}
