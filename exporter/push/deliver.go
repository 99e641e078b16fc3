package push

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	firstDelay   = time.Second
	longestDelay = 5 * time.Minute
	longestAsked = time.Hour // of Retry-After
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

// deliver sends what is in the queue, oldest first, until ctx ends.
func (p *Pusher) deliver(ctx context.Context) {
	failures := 0 // in a row
	logged := ""
	for {
		next := p.queue.oldest()
		if next == nil {
			select {
			case <-p.queue.filled:
				continue
			case <-ctx.Done():
				return
			}
		}
		a := p.send(ctx, next)
		if ctx.Err() != nil {
			return
		}
		switch a.verdict {
		case delivered:
			p.delivered.Add(1)
			p.queue.done(next)
			if failures > 0 {
				p.o.Logger.Info("the server takes snapshots again", "url", p.o.URL, "attempts", failures+1)
			}
			failures, logged = 0, ""
			continue
		case drop:
			p.dropped.Add(1)
			p.queue.done(next)
			p.o.Logger.Error("the server refused a snapshot, which is dropped", "url", p.o.URL, "problem", a.problem)
			failures = 0
			continue
		case atOnce:
			p.o.Logger.Info("the server takes no compressed snapshots", "url", p.o.URL)
			continue
		}
		p.failures.Add(1)
		failures++
		wait := max(a.wait, backoff(failures))
		if a.problem != logged { // the same every few minutes tells nobody anything
			p.o.Logger.Warn("a snapshot was not delivered and waits", "url", p.o.URL, "problem", a.problem, "retry_in", wait.Round(time.Millisecond), "waiting", p.queue.len())
			logged = a.problem
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

// backoff returns how long to wait after so many failures in a row: doubling, with jitter,
// so that a fleet does not come back all at once.
func backoff(failures int) time.Duration {
	d := min(firstDelay<<min(failures-1, 16), longestDelay)
	return d/2 + rand.N(d/2+1)
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
// Accept-Encoding header in an answer, that it takes it
// (https://www.rfc-editor.org/rfc/rfc9110#field.accept-encoding).
func (p *Pusher) send(ctx context.Context, snapshot *item) attempt {
	compressed := p.compress
	body, length, err := snapshot.body(compressed)
	if err != nil {
		return attempt{verdict: drop, problem: err.Error()}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.o.URL, body)
	if err != nil {
		return attempt{verdict: drop, problem: err.Error()}
	}
	request.ContentLength = length
	request.GetBody = func() (io.ReadCloser, error) {
		b, _, err := snapshot.body(compressed)
		return b, err
	}
	request.Header.Set("Authorization", "Token "+p.o.Key)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "procmon-exporter")
	if compressed {
		request.Header.Set("Content-Encoding", "gzip")
	}
	response, err := p.client.Do(request)
	if err != nil {
		return attempt{verdict: again, problem: err.Error()}
	}
	defer response.Body.Close()
	const mostRead = 4 << 10 // bytes: a message, and enough to use the connection again
	answer, _ := io.ReadAll(io.LimitReader(response.Body, mostRead))
	if accepted := response.Header.Values("Accept-Encoding"); len(accepted) > 0 {
		p.compress = takesGzip(accepted)
	}
	return p.judge(response, string(answer), compressed)
}

func (p *Pusher) judge(response *http.Response, answer string, compressed bool) attempt {
	problem := response.Status
	if text := shorten(answer); text != "" {
		problem += ": " + text
	}
	code := response.StatusCode
	switch {
	case code >= 200 && code < 300:
		return attempt{verdict: delivered}
	case code == http.StatusUnsupportedMediaType && compressed:
		p.compress = false
		return attempt{verdict: atOnce}
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge,
		code == http.StatusUnsupportedMediaType, code == http.StatusUnprocessableEntity:
		return attempt{verdict: drop, problem: problem}
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return attempt{verdict: again, problem: problem + " (is the API key right?)"}
	case code >= 300 && code < 400:
		return attempt{verdict: again, problem: problem + " (redirects are not followed; set the URL that they lead to)"}
	}
	return attempt{verdict: again, problem: problem, wait: retryAfter(response.Header.Get("Retry-After"), time.Now())}
}

func takesGzip(accepted []string) bool {
	for part := range strings.SplitSeq(strings.Join(accepted, ","), ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, ok := strings.CutPrefix(strings.TrimSpace(weight), "q=")
			return !ok || strings.Trim(q, "0.") != ""
		}
	}
	return false
}

// retryAfter reads a Retry-After header: seconds, or a date
// (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after).
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, longestAsked)
	}
	if at, err := http.ParseTime(header); err == nil {
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
