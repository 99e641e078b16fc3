package webui_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/webui"
)

// page is what a page has: it takes messages in, as one in a browser does.
type page struct {
	t    *testing.T
	conn *websocket.Conn
	tree map[string]any
	host map[string]any
	all  map[string]any // hosts of the fleet, by name

	trees, deltas int
}

func (c *client) open() *page {
	c.t.Helper()
	conn, _, err := websocket.Dial(c.t.Context(), c.server.URL+"/api/v1/live", &websocket.DialOptions{CompressionMode: websocket.CompressionNoContextTakeover})
	if err != nil {
		c.t.Fatal(err)
	}
	conn.SetReadLimit(64 << 20)
	c.t.Cleanup(func() { _ = conn.CloseNow() })
	return &page{t: c.t, conn: conn}
}

func (p *page) say(format string, args ...any) {
	p.t.Helper()
	if err := p.conn.Write(p.t.Context(), websocket.MessageText, fmt.Appendf(nil, format, args...)); err != nil {
		p.t.Fatal(err)
	}
}

// next takes in the next message, which has to be as openapi.yaml says.
func (p *page) next() map[string]any {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	defer cancel()
	_, data, err := p.conn.Read(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	m, _ := decode(p.t, string(data)).(map[string]any)
	schema := describedAPI(p.t).doc.Components.Schemas
	for name, of := range map[string]string{"host": "Host", "tree": "Tree", "delta": "TreeDelta"} {
		value, there := m[name]
		if !there {
			continue
		}
		if err := schema[of].Value.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
			p.t.Errorf("%s: %v", name, err)
		}
	}
	if err := schema["LiveMessage"].Value.VisitJSON(m, openapi3.EnableJSONSchema2020()); err != nil {
		p.t.Errorf("%.300s: %v", data, err)
	}
	p.take(m)
	return m
}

func (p *page) take(m map[string]any) {
	if host, ok := m["host"].(map[string]any); ok {
		p.host = host
	}
	if tree, ok := m["tree"].(map[string]any); ok {
		p.tree = tree
		p.trees++
	}
	if delta, ok := m["delta"].(map[string]any); ok {
		if p.tree["id"] != delta["from"] {
			p.t.Fatalf("a delta from %v, and the page has %v", delta["from"], p.tree["id"])
		}
		p.tree = applied(p.tree, delta)
		p.deltas++
	}
	if fleet, ok := m["fleet"].(map[string]any); ok {
		if fleet["full"] == true {
			p.all = map[string]any{}
		}
		for _, host := range fleet["hosts"].([]any) {
			p.all[host.(map[string]any)["host"].(string)] = host
		}
		for _, name := range fleet["gone"].([]any) {
			delete(p.all, name.(string))
		}
	}
}

// applied makes a tree of the one before and a TreeDelta.
func applied(before, delta map[string]any) map[string]any {
	tree := map[string]any{}
	for name, value := range delta {
		if name != "from" && name != "rows" && name != "changes" {
			tree[name] = value
		}
	}
	old := before["rows"].([]any)
	rows := []any{}
	for _, part := range delta["rows"].([]any) {
		if run, ok := part.([]any); ok {
			first, count := int(run[0].(float64)), int(run[1].(float64))
			rows = append(rows, old[first:first+count]...)
		} else {
			rows = append(rows, part)
		}
	}
	var parents []int // of each depth the row that came last
	for i := range rows {
		row := map[string]any{}
		for name, value := range rows[i].(map[string]any) {
			row[name] = value
		}
		changes, _ := delta["changes"].(map[string]any)[strconv.Itoa(i)].(map[string]any)
		for name, value := range changes {
			if row[name] = value; value == nil {
				delete(row, name)
			}
		}
		depth := int(row["depth"].(float64))
		delete(row, "parent")
		if depth > 0 {
			row["parent"] = float64(parents[depth-1])
		}
		parents = append(parents[:depth], i)
		rows[i] = row
	}
	tree["rows"] = rows
	return tree
}

// randomSnapshot makes of s what may follow: processes come, go, change, and lose facts.
func randomSnapshot(rnd *rand.Rand, s *procmon.Snapshot, at time.Time) *procmon.Snapshot {
	next := &procmon.Snapshot{Hostname: "random", Timestamp: at, System: procmon.System{CPU: procmon.Some(rnd.Float64()), Threads: procmon.Some(uint32(8))}, Processes: []procmon.Process{}}
	used := map[uint32]bool{}
	for _, p := range s.Processes {
		if rnd.IntN(8) == 0 {
			continue
		}
		if rnd.IntN(2) == 0 {
			p.CPUSeconds.Value += rnd.Float64()
			p.WorkingSetBytes = procmon.Opt[uint64]{Value: rnd.Uint64N(1 << 32), Known: rnd.IntN(5) > 0}
		}
		if rnd.IntN(20) == 0 {
			p.Name = hostile[rnd.IntN(len(hostile))]
			p.PPID = procmon.Some(uint32(rnd.IntN(40)))
		}
		used[p.PID] = true
		next.Processes = append(next.Processes, p)
	}
	for range rnd.IntN(6) {
		pid := uint32(rnd.IntN(60))
		if used[pid] {
			continue
		}
		used[pid] = true
		p := procmon.Process{
			PID: pid, Name: hostile[rnd.IntN(len(hostile))], PPID: procmon.Opt[uint32]{Value: uint32(rnd.IntN(60)), Known: rnd.IntN(4) > 0},
			CPUSeconds: procmon.Opt[float64]{Value: rnd.Float64(), Known: rnd.IntN(4) > 0}, ReadBytes: procmon.Some(rnd.Uint64N(1 << 40)),
		}
		if rnd.IntN(5) > 0 {
			p.StartTime = procmon.Some(at.Add(-time.Duration(rnd.IntN(20)) * time.Second))
		}
		next.Processes = append(next.Processes, p)
	}
	rnd.Shuffle(len(next.Processes), func(i, j int) {
		next.Processes[i], next.Processes[j] = next.Processes[j], next.Processes[i]
	})
	return next
}

// clockAt is a clock that tests move.
type clockAt struct{ nanos atomic.Int64 }

func (c *clockAt) now() time.Time      { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *clockAt) set(at time.Time)    { c.nanos.Store(at.UnixNano()) }
func newClock(at time.Time) *clockAt   { c := &clockAt{}; c.set(at); return c }
func (c *clockAt) add(d time.Duration) { c.nanos.Add(int64(d)) }

func openStore(t *testing.T, clock *clockAt) *storage.Store {
	t.Helper()
	store, err := storage.Open(t.TempDir(), storage.Options{Clock: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// TestDeltas holds what pages have, after each snapshot and after connecting again with an old
// tree, against what GET answers.
func TestDeltas(t *testing.T) {
	clock := newClock(now)
	store := openStore(t, clock)
	c := start(t, webui.Options{Store: store, Clock: clock.now})
	rnd := rand.New(rand.NewPCG(1, 2))
	s := &procmon.Snapshot{}
	appendNext := func() {
		t.Helper()
		clock.add(time.Duration(1+rnd.IntN(20)) * time.Second)
		s = randomSnapshot(rnd, s, clock.now())
		if err := store.Append(t.Context(), procmon.Record{Host: "Random", Snapshot: s}); err != nil {
			t.Fatal(err)
		}
	}
	appendNext()
	stays := c.open()
	stays.say(`{"subscribe":"host","host":"RANDOM"}`)
	stays.next()
	var olds []map[string]any
	for range 25 {
		appendNext()
		want := c.getOK("/api/v1/hosts/random/tree").(map[string]any)
		for stays.tree["id"] != want["id"] {
			stays.next()
		}
		if diff := cmp.Diff(want, stays.tree); diff != "" {
			t.Fatalf("(-GET +live):\n%s", diff)
		}
		olds = append(olds, want)
		again := c.open()
		again.tree = olds[rnd.IntN(len(olds))]
		again.say(`{"subscribe":"host","host":"random","have":%q}`, again.tree["id"])
		had := again.tree["id"]
		m := again.next()
		if m["tree"] != nil || had != want["id"] && m["delta"] == nil {
			t.Errorf("resume: got %v", m)
		}
		got := again.tree
		delete(got, "next") // of an old one that was whole
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("resumed from %v (-GET +live):\n%s", had, diff)
		}
		_ = again.conn.CloseNow()
	}
	if stays.trees != 1 || stays.deltas == 0 {
		t.Errorf("%d trees and %d deltas", stays.trees, stays.deltas)
	}
	again := c.open()
	for _, have := range []string{"random@2026-01-01T00:00:00Z", "random@", "else@2026-11-22T20:15:00Z", "\u202e", fmt.Sprint(olds[0]["id"]) + `","previous":"2026-11-22T20:15:00Z`} {
		again.say(`{"subscribe":"host","host":"random","have":"%s"}`, have)
		for m := again.next(); m["tree"] == nil; m = again.next() {
			if m["delta"] != nil {
				t.Errorf("a delta from %q", have)
			}
		}
	}
}

// TestSteps goes through time at random, back and forth, as a page does that holds a tree: what
// it makes of the answers is what GET answers to who holds nothing.
func TestSteps(t *testing.T) {
	clock := newClock(now)
	store := openStore(t, clock)
	c := start(t, webui.Options{Store: store, Clock: clock.now})
	rnd := rand.New(rand.NewPCG(3, 4))
	s := &procmon.Snapshot{}
	var times []time.Time
	for range 20 {
		clock.add(time.Duration(1+rnd.IntN(20)) * time.Second)
		s = randomSnapshot(rnd, s, clock.now())
		times = append(times, s.Timestamp)
		if err := store.Append(t.Context(), procmon.Record{Host: "Random", Snapshot: s}); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(query url.Values) map[string]any {
		return c.getOK("/api/v1/hosts/random/tree?" + query.Encode()).(map[string]any)
	}
	held := ask(url.Values{})
	deltas := 0
	for range 60 {
		query := url.Values{"at": {times[rnd.IntN(len(times))].Format(time.RFC3339Nano)}}
		if rnd.IntN(2) == 0 {
			query = url.Values{"at": {held["timestamp"].(string)}, "offset": {strconv.Itoa(rnd.IntN(7) - 3)}}
		}
		want := ask(query)
		query.Set("have", held["id"].(string))
		if previous, ok := held["previous"].(string); ok {
			query.Set("previous", previous)
		}
		got := ask(query)
		if got["from"] != nil {
			deltas++
			if got["from"] != held["id"] {
				t.Fatalf("a delta from %v for who holds %v", got["from"], held["id"])
			}
			got = applied(held, got)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-whole +delta):\n%s", query.Encode(), diff)
		}
		held = got
	}
	if deltas != 60 {
		t.Errorf("%d of 60 answers were deltas", deltas)
	}
	for _, have := range []url.Values{
		{"have": {"random@2026-01-01T00:00:00Z"}}, {"have": {"random@"}}, {"have": {"else@2026-11-22T20:15:00Z"}}, {"have": {"\u202e"}}, {"have": {""}},
		{"have": {held["id"].(string)}, "previous": {"2026-11-22T20:15:00Z"}}, // its rates would be others
	} {
		if got := ask(have); got["from"] != nil {
			t.Errorf("%v: got a delta from %v", have, got["from"])
		}
	}
}

// TestStepThatNobodyWaitsFor is one that another has overtaken while the store was read.
func TestStepThatNobodyWaitsFor(t *testing.T) {
	handler, err := webui.New(webui.Options{Store: &memory{views: []procmon.View{busyHost(3)}}, Pages: builtPages})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, want := range []bool{true, false} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/hosts/alpha/tree", nil))
		if got := answer.Body.Len() > 0; got != want {
			t.Errorf("%d bytes were written", answer.Body.Len())
		}
		cancel()
	}
}

// TestLiveFleet has hosts come and change, and a target fail.
func TestLiveFleet(t *testing.T) {
	clock := newClock(now)
	store := openStore(t, clock)
	var down atomic.Bool
	targets := func() []procmon.TargetStatus {
		if down.Load() {
			return []procmon.TargetStatus{{Host: "alpha", Health: procmon.HealthDown, LastError: "refused"}}
		}
		return []procmon.TargetStatus{{Host: "alpha", Health: procmon.HealthUp}}
	}
	c := start(t, webui.Options{Store: store, Clock: clock.now, Targets: targets})
	fleet, host := c.open(), c.open()
	fleet.say(`{"subscribe":"fleet"}`)
	if m := fleet.next(); at(t, m, "fleet", "full") != true || len(fleet.all) != 0 {
		t.Errorf("got %v", m)
	}
	host.say(`{"subscribe":"host","host":"alpha"}`)
	if m := host.next(); at(t, m, "error", "code") != "not_found" {
		t.Errorf("got %v", m)
	}
	for i, name := range []string{"alpha", "beta"} {
		r := procmon.Record{Host: name, Snapshot: &procmon.Snapshot{Hostname: name, Timestamp: clock.now().Add(-time.Minute), Processes: []procmon.Process{}}}
		if err := store.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		for len(fleet.all) <= i {
			if m := fleet.next(); at(t, m, "fleet", "full") != false {
				t.Errorf("got %v", m)
			}
		}
	}
	host.next()
	if host.tree["host"] != "alpha" || host.host["state"] != "up" {
		t.Errorf("got %v, %v", host.tree, host.host)
	}
	down.Store(true)
	for host.host["state"] != "down" {
		host.next()
	}
	for at(t, fleet.all["alpha"], "state") != "down" {
		if m := fleet.next(); len(list(t, m, "fleet", "hosts")) != 1 {
			t.Errorf("got %v", m)
		}
	}
	want := map[string]any{}
	for _, h := range list(t, c.getOK("/api/v1/hosts"), "hosts") {
		want[h.(map[string]any)["host"].(string)] = h
	}
	if diff := cmp.Diff(want, fleet.all); diff != "" {
		t.Errorf("(-GET +live):\n%s", diff)
	}
}

func TestLiveRefuses(t *testing.T) {
	c := start(t, webui.Options{Store: fleet(t), MaxLive: 1})
	if got := c.get("/api/v1/live"); got.status != 400 || !strings.Contains(got.message(t), "Upgrade") {
		t.Errorf("without upgrade: %d %s", got.status, got.body)
	}
	dial := func(origin string) int {
		conn, res, err := websocket.Dial(t.Context(), c.server.URL+"/api/v1/live", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
		if err == nil {
			_ = conn.CloseNow()
		}
		return res.StatusCode
	}
	for _, origin := range []string{"https://evil.example", "null", "http://127.0.0.1:1", "https://"} {
		if got := dial(origin); got != 403 {
			t.Errorf("%s: %d", origin, got)
		}
	}
	p := c.open()
	for _, message := range []string{`{`, `[]`, `{"subscribe":"all"}`, `{"subscribe":"host"}`, `{"subscribe":"host","host":"a\u0000"}`, `{"colour":"red"}`, `{"subscribe":5}`} {
		p.say("%s", message)
		if m := p.next(); at(t, m, "error", "code") != "bad_message" {
			t.Errorf("%s: got %v", message, m)
		}
	}
	if got := dial(c.server.URL); got != 503 {
		t.Errorf("one more than are allowed: %d", got)
	}
	p.say(`{"subscribe":"%s"}`, strings.Repeat("a", 5000))
	if _, _, err := p.conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Errorf("too large: %v", err)
	}
}

// TestManyPages come, some read and some do not, and all end with the server.
func TestManyPages(t *testing.T) {
	clock := newClock(now)
	store := openStore(t, clock)
	handler, err := webui.New(webui.Options{Store: store, Clock: clock.now, Pages: builtPages})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, handler)
	step := func(i int) {
		r := procmon.Record{Host: "alpha", Snapshot: fleetSnapshot("alpha", i)}
		if err := store.Append(t.Context(), r); err != nil {
			t.Error(err)
		}
	}
	step(0)
	last := []byte(fleetTime(fleetSteps - 1).Format(time.RFC3339))
	var pages sync.WaitGroup
	for i := range 50 {
		p := c.open()
		p.say("%s", []string{`{"subscribe":"fleet"}`, `{"subscribe":"host","host":"alpha"}`}[i%2])
		if i%5 == 0 {
			continue // it never reads
		}
		pages.Go(func() {
			for {
				_, data, err := p.conn.Read(context.Background())
				if err != nil {
					t.Errorf("page %d: %v", i, err)
					return
				}
				if bytes.Contains(data, last) {
					return
				}
			}
		})
	}
	for i := 1; i < fleetSteps; i++ {
		step(i)
	}
	pages.Wait()
	p := c.open()
	p.say(`{"subscribe":"fleet"}`)
	p.next()
	closed := make(chan error)
	go func() {
		_, _, err := p.conn.Read(context.Background())
		closed <- err
	}()
	handler.Close()
	if err := <-closed; websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("got %v", err)
	}
	if got := c.get("/api/v1/live", "Upgrade: websocket", "Connection: Upgrade"); got.status != 503 {
		t.Errorf("after the end: %d", got.status)
	}
}
