package push

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/procmon/procmon/exporter/push/spool"
)

const (
	firstDelay    = time.Second
	shortestDelay = 500 * time.Millisecond
	longestDelay  = 5 * time.Minute
	longestAsked  = 24 * time.Hour // of Retry-After

	fewWaiting = 3           // snapshots that are delivered one right after the other
	drainPause = time.Second // between two deliveries when more wait, on average
)

// verdict is what becomes of a snapshot after an attempt to deliver it.
type verdict int

const (
	delivered verdict = iota
	drop              // it will never be taken
	again             // it may be taken later
	atOnce            // it may be taken in another form
)

// attempt is the outcome of one request.
type attempt struct {
	verdict verdict
	problem string        // for the log; empty when delivered
	wait    time.Duration // that the server asked for; 0 if it did not
}

// deliver sends what is in the spool, oldest first, until ctx ends.
func (p *Pusher) deliver(ctx context.Context, queue *spool.Spool) {
	// A fleet that comes back from a power failure has much to say, all at once.
	if queue.Stats().Waiting > fewWaiting && !sleep(ctx, rand.N(min(p.o.Interval, time.Minute))) {
		return
	}
	failures := 0 // in a row
	logged := ""
	var buffer []byte
	for {
		next, ok := queue.Oldest(reuse(buffer))
		if !ok {
			if !p.await(ctx, queue) {
				return
			}
			continue
		}
		buffer = next.JSON
		a := p.send(ctx, next.JSON)
		if ctx.Err() != nil && a.verdict != delivered {
			return
		}
		wait := time.Duration(0)
		switch a.verdict {
		case delivered:
			p.delivered.Add(1)
			queue.Done(next)
			if failures > 0 {
				p.o.Logger.Info("the server takes snapshots again", "url", p.o.URL, "attempts", failures+1)
			}
			failures, logged = 0, ""
			wait = p.pause(queue)
		case drop:
			p.refused.Add(1)
			queue.Done(next)
			p.o.Logger.Error("the server refused a snapshot, which is dropped", "url", p.o.URL, "problem", a.problem)
			failures = 0
			wait = p.pause(queue)
		case atOnce:
			p.o.Logger.Info("the server takes no snapshots in this encoding", "url", p.o.URL, "encoding", a.problem)
		case again:
			p.failures.Add(1)
			failures++
			wait = max(backoff(failures), spread(a.wait))
			if a.problem != logged { // the same every few minutes tells nobody anything
				p.o.Logger.Warn("a snapshot was not delivered and waits", "url", p.o.URL, "problem", a.problem, "retry_in", wait.Round(time.Millisecond), "waiting", queue.Stats().Waiting)
				logged = a.problem
			}
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

// await waits until the spool has something to deliver. It reports false if ctx ended.
func (p *Pusher) await(ctx context.Context, queue *spool.Spool) bool {
	var again <-chan time.Time
	if queue.Stats().Waiting > 0 { // and cannot be read now
		t := time.NewTimer(min(p.o.Interval, longestDelay))
		defer t.Stop()
		again = t.C
	}
	select {
	case <-queue.Filled():
	case <-again:
	case <-ctx.Done():
		return false
	}
	return true
}

// pause returns how long to wait before the next of many: about drainPause, but never so
// long that more come than go.
func (p *Pusher) pause(queue *spool.Spool) time.Duration {
	if queue.Stats().Waiting <= fewWaiting {
		return 0
	}
	d := min(drainPause, p.o.Interval/4)
	return d/2 + rand.N(d+1)
}

// backoff returns how long to wait after so many failures in a row: anything up to a bound
// that doubles, so that a fleet does not come back all at once.
func backoff(failures int) time.Duration {
	bound := min(firstDelay<<min(failures-1, 16), longestDelay)
	return shortestDelay + rand.N(bound-shortestDelay+1)
}

// spread returns what the server asked for and up to a quarter more, at least a second: it
// may have asked the whole fleet.
func spread(asked time.Duration) time.Duration {
	if asked <= 0 {
		return 0
	}
	return asked + rand.N(max(asked/4, time.Second)+1)
}

// sleep reports whether it slept to the end: false means that ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// send makes one request. The body is compressed only for a server that said, by an
// Accept-Encoding header in an answer, how it takes it
// (https://www.rfc-editor.org/rfc/rfc9110#field.accept-encoding).
func (p *Pusher) send(ctx context.Context, snapshot []byte) attempt {
	coding := p.coding
	body, err := p.compressor.body(snapshot, coding)
	if err != nil {
		return attempt{verdict: again, problem: err.Error()}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.o.URL, bytes.NewReader(body))
	if err != nil {
		return attempt{verdict: again, problem: err.Error()}
	}
	request.Header.Set("Authorization", "Token "+p.o.Key)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "procmon-exporter")
	if coding != "" {
		request.Header.Set("Content-Encoding", coding)
	}
	response, err := p.client.Do(request)
	if err != nil {
		return attempt{verdict: again, problem: err.Error()}
	}
	defer response.Body.Close()
	const mostRead = 4 << 10 // bytes: a message, and enough to use the connection again
	answer, _ := io.ReadAll(io.LimitReader(response.Body, mostRead))
	if accepted := response.Header.Values("Accept-Encoding"); len(accepted) > 0 {
		p.coding = preferred(accepted, p.refuses)
	}
	return p.judge(response, string(answer), coding)
}

func (p *Pusher) judge(response *http.Response, answer, coding string) attempt {
	problem := response.Status
	if text := shorten(answer); text != "" {
		problem += ": " + text
	}
	code := response.StatusCode
	switch {
	case code >= 200 && code < 300:
		return attempt{verdict: delivered}
	case code == http.StatusUnsupportedMediaType && coding != "":
		p.refuses = append(p.refuses, coding) // whatever it says
		p.coding = preferred(response.Header.Values("Accept-Encoding"), p.refuses)
		return attempt{verdict: atOnce, problem: coding}
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge,
		code == http.StatusUnsupportedMediaType, code == http.StatusUnprocessableEntity:
		return attempt{verdict: drop, problem: problem}
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return attempt{verdict: again, problem: problem + " (is the API key right?)"}
	case code >= 300 && code < 400:
		return attempt{verdict: again, problem: problem + " (redirects are not followed; set the URL that they lead to)"}
	}
	return attempt{verdict: again, problem: problem, wait: retryAfter(response.Header, time.Now())}
}

// retryAfter reads a Retry-After header: seconds, or a date
// (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after) on the clock of the server, which its Date tells.
func retryAfter(header http.Header, now time.Time) time.Duration {
	asked := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(asked, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, longestAsked)
	}
	if at, err := http.ParseTime(asked); err == nil {
		if date, err := http.ParseTime(header.Get("Date")); err == nil {
			now = date
		}
		return min(max(at.Sub(now), 0), longestAsked)
	}
	return 0
}

// shorten makes what a server said fit for a line of the log.
func shorten(s string) string {
	const most = 300 // bytes
	if s = strings.ToValidUTF8(strings.TrimSpace(s), "\uFFFD"); len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	if s == "" {
		return ""
	}
	return fmt.Sprintf("%q", s)
}
