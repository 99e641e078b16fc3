package webui_test

import (
	"cmp"
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/webui"
)

// stub is a real store but for what it says of series.
type stub struct {
	*storage.Store
	err    error                 // that Series returns
	series func(context.Context) // called first; nil is nothing
}

func (s *stub) Series(ctx context.Context, q procmon.SeriesQuery) (procmon.Series, error) {
	if s.series != nil {
		s.series(ctx)
	}
	return procmon.Series{}, cmp.Or(ctx.Err(), s.err)
}

func TestQuestionThatTakesLong(t *testing.T) {
	store := &stub{Store: fleet(t), series: func(ctx context.Context) { <-ctx.Done() }}
	c := start(t, webui.Options{Store: store, QueryTimeout: 10 * time.Millisecond})
	for path, want := range map[string]string{
		"/api/v1/hosts/alpha/series": "the answer took longer than 10ms; ask for a shorter range, or for fewer metrics",
		"/api/v1/fleet/cpu":          "the answer took longer than 10ms; ask for a shorter range",
	} {
		got := c.get(path)
		if got.status != 503 || at(t, got.json(t), "error", "code") != "timeout" || got.message(t) != want {
			t.Errorf("%s: got %d %s", path, got.status, got.body)
		}
	}
}

// ask asks without an answer being waited for; done is closed at its end.
func (c *client) ask(ctx context.Context, path string) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server.URL+path, nil)
		if err != nil {
			c.t.Error(err)
			return
		}
		if res, err := c.server.Client().Do(req); err == nil {
			res.Body.Close()
		}
	}()
	return done
}

func TestQuestionsAtATime(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	store := &stub{Store: fleet(t), series: func(context.Context) {
		begun <- struct{}{}
		<-release
	}}
	c := start(t, webui.Options{Store: store, QueryTimeout: 20 * time.Millisecond, MaxQueries: 1})
	first := c.ask(t.Context(), "/api/v1/hosts/alpha/series")
	<-begun
	got := c.get("/api/v1/top")
	want := "the server answers 1 questions about the past already, and none ended within 20ms; try again later"
	if got.status != 503 || at(t, got.json(t), "error", "code") != "busy" || got.message(t) != want {
		t.Errorf("got %d %s", got.status, got.body)
	}
	close(release)
	<-first
	if got := c.get("/api/v1/search"); got.status != 200 {
		t.Errorf("after the first: got %d %s", got.status, got.body)
	}
}

// TestQuestionEndsWithItsRequest has a client go away, also from an answer that others could
// have shared.
func TestQuestionEndsWithItsRequest(t *testing.T) {
	begun, ended := make(chan struct{}, 3), make(chan struct{}, 3)
	store := &stub{Store: fleet(t), series: func(ctx context.Context) {
		begun <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
	}}
	c := start(t, webui.Options{Store: store, QueryTimeout: time.Hour})
	for _, path := range []string{"/api/v1/hosts/alpha/series", "/api/v1/fleet/cpu"} {
		ctx, leave := context.WithCancel(t.Context())
		done := c.ask(ctx, path)
		<-begun
		leave()
		<-done
		<-ended
	}
}

// TestSharedAnswer asks many times at once, and again, what is worked out once.
func TestSharedAnswer(t *testing.T) {
	var asked atomic.Int32
	store := &stub{Store: fleet(t), series: func(context.Context) { asked.Add(1) }}
	c := start(t, webui.Options{Store: store})
	var all []chan struct{}
	for range 10 {
		all = append(all, c.ask(t.Context(), "/api/v1/fleet/cpu"))
	}
	for _, done := range all {
		<-done
	}
	c.getOK("/api/v1/fleet/cpu")
	if got := asked.Load(); got != 3 { // hosts
		t.Errorf("the store was asked %d times, want 3", got)
	}
}
