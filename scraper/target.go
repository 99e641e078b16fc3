package scraper

import (
	"context"
	"hash/fnv"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/procmon/procmon"
)

// target is one endpoint and the loop that scrapes it.
type target struct {
	spec   *spec
	pool   *pool
	labels map[string]string // of spec; shared by all records, never changed
	req    *http.Request
	log    *slog.Logger

	// Of the loop alone.
	decoder procmon.Decoder
	cursor  string // up to where events are stored; see afterHeader

	cancel context.CancelFunc
	done   chan struct{} // closed when the loop has ended

	mu    sync.Mutex
	state state
}

// state is what the last scrapes of a target came to.
type state struct {
	health    procmon.Health
	host      string // what the last good scrape delivered
	live      string // host that is stored and not marked stale
	scraped   time.Time
	took      time.Duration
	err       string
	processes int
}

func newTarget(p *pool, s *spec) (*target, error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", procmon.ContentType)
	req.Header.Set("Accept-Encoding", "zstd, gzip")
	req.Header.Set("User-Agent", p.m.opts.UserAgent)
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", strconv.FormatFloat(s.timeout.Seconds(), 'f', -1, 64))
	return &target{
		spec: s, pool: p, labels: s.labels.Map(), req: req,
		log:   p.m.opts.Logger.With("job", s.job, "target", s.url.Redacted()),
		state: state{health: procmon.HealthUnknown},
	}, nil
}

// start begins the loop, with a first scrape after the delay.
func (t *target) start(ctx context.Context, delay time.Duration) {
	ctx, t.cancel = context.WithCancel(ctx)
	t.done = make(chan struct{})
	go func() {
		defer close(t.done)
		t.run(ctx, delay)
	}()
}

// run scrapes once after the delay, and then whenever the clock passes the target's offset
// in a new interval. Scrapes never overlap, since a timeout is at most an interval.
func (t *target) run(ctx context.Context, delay time.Duration) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		began := time.Now()
		t.scrape(ctx)
		timer.Reset(time.Until(t.next(began)))
	}
}

// next returns when the scrape after the one of that instant is due. It is at least half an
// interval later, so that a clock which is being adjusted does not cause two in a row.
func (t *target) next(after time.Time) time.Time {
	interval := t.spec.interval
	phase := (t.offset() - time.Duration(after.UnixNano()%int64(interval)) + interval) % interval
	if phase < interval/2 {
		phase += interval
	}
	next := after.Add(phase)
	for now := time.Now(); next.Before(now); {
		next = next.Add(interval)
	}
	return next
}

// step is what offsets are multiples of. Waking up for a scrape and going to sleep after it
// costs about as much as the scrape does, so those that are due at nearly the same time share it,
// and the sync of the store too.
const step = 100 * time.Millisecond

// offset is the place of the target within its interval. It depends on nothing but what is
// scraped, so that it stays over restarts and relabelling.
func (t *target) offset() time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.spec.endpoint())) // a hash takes everything
	offset := time.Duration(h.Sum64() % uint64(t.spec.interval))
	return offset.Truncate(min(step, t.spec.interval/10))
}

// scrape does one scrape and reports what it came to.
func (t *target) scrape(ctx context.Context) {
	began := time.Now()
	host, processes, err := t.collect(ctx)
	if err != nil && ctx.Err() != nil {
		return // the target is being stopped; that is not its fault
	}
	took := time.Since(began)
	t.pool.m.metrics.scraped(err)

	t.mu.Lock()
	before := t.state
	t.state.scraped, t.state.took = began, took
	if err == nil {
		t.state.health, t.state.err = procmon.HealthUp, ""
		t.state.host, t.state.live, t.state.processes = host, host, processes
	} else {
		t.state.health, t.state.err = procmon.HealthDown, err.Error()
	}
	t.mu.Unlock()

	switch {
	case err == nil && before.live != "" && procmon.HostKey(before.live) != procmon.HostKey(host):
		t.markStale(ctx, before.live, began)
	case err != nil && before.live != "":
		if t.markStale(ctx, before.live, began) {
			t.mu.Lock()
			t.state.live = ""
			t.mu.Unlock()
		}
	}
	switch {
	case err != nil && before.health != procmon.HealthDown:
		t.log.Warn("target is down", "err", err)
	case err == nil && before.health == procmon.HealthDown:
		t.log.Info("target is up again", "host", host)
	}
}

// collect fetches, validates and stores one snapshot.
func (t *target) collect(ctx context.Context) (host string, processes int, err error) {
	m := t.pool.m
	s, cursor, err := t.fetch(ctx)
	if err != nil {
		m.claims.withdraw(t)
		return "", 0, err
	}
	host = t.spec.labels.Get(hostLabel)
	if host == "" {
		host = s.Hostname
	}
	if owner := m.claims.take(t, procmon.HostKey(host), time.Now()); owner != nil {
		return "", 0, &failure{reason: reasonConflict, text: conflictText(host, owner, t)}
	}
	err = m.intake.store(ctx, procmon.Record{Host: host, Labels: t.labels, Snapshot: s})
	if err == nil {
		t.setCursor(cursor)
	}
	return host, len(s.Processes), err
}

func (t *target) setCursor(cursor string) {
	if cursor == t.cursor {
		return
	}
	t.cursor = cursor
	if cursor == "" {
		t.req.Header.Del(afterHeader)
	} else {
		t.req.Header.Set(afterHeader, cursor)
	}
}

// fetch returns a snapshot, and up to where its events go.
func (t *target) fetch(ctx context.Context) (s *procmon.Snapshot, cursor string, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.spec.timeout)
	defer cancel()
	client, limit := t.pool.transport()
	a, err := t.pool.m.bodies.fetch(client, t.req.WithContext(ctx), t.spec.timeout, limit)
	if err != nil {
		return nil, "", err
	}
	defer a.release()
	s, err = t.pool.m.intake.decode(t.decoder.Decode, a.body)
	return s, a.cursor, err
}

// markStale reports whether the store knows now that the host is out of reach, or need not
// since another target delivers it.
func (t *target) markStale(ctx context.Context, host string, at time.Time) bool {
	if t.pool.m.claims.taken(procmon.HostKey(host), t) {
		return true
	}
	if err := t.pool.m.opts.Appender.MarkStale(ctx, host, at); err != nil {
		t.log.Error("cannot mark the host as stale", "host", host, "err", err)
		return false
	}
	return true
}

// follow takes over from a target that scraped the same endpoint.
func (t *target) follow(old *target) {
	old.mu.Lock()
	t.state = old.state
	old.mu.Unlock()
	t.setCursor(old.cursor)
	t.pool.m.claims.move(old, t)
}

// retire says goodbye for a stopped target that nothing follows.
func (t *target) retire(ctx context.Context) {
	t.mu.Lock()
	live := t.state.live
	t.mu.Unlock()
	t.pool.m.claims.drop(t)
	if live != "" {
		t.markStale(ctx, live, time.Now())
	}
}

func (t *target) status() procmon.TargetStatus {
	t.mu.Lock()
	s := t.state
	t.mu.Unlock()
	if s.err == "" {
		s.err = t.pool.m.claims.conflict(t, s.host)
	}
	return procmon.TargetStatus{
		Job: t.spec.job, ScrapeURL: t.spec.url.Redacted(), Labels: t.labels, DiscoveredLabels: t.spec.discovered.Map(),
		Health: s.health, Host: s.host, LastScrape: s.scraped, LastDuration: s.took, LastError: s.err,
		LastProcesses: s.processes, Interval: t.spec.interval, Timeout: t.spec.timeout,
	}
}
