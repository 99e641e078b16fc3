package webui_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/webui"
)

// TestSlowPage has a page that reads nothing for many snapshots, each of which another page
// takes in. What it then reads is what waited on the way, and then the newest.
func TestSlowPage(t *testing.T) {
	const steps, small = 10, 4 << 10 // bytes that wait on the way, about
	clock := newClock(now)
	store := openStore(t, clock)
	handler, err := webui.New(webui.Options{Store: store, Clock: clock.now, Pages: builtPages})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handler.Close)
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		if err := conn.(*net.TCPConn).SetWriteBuffer(small); err != nil {
			t.Error(err)
		}
		return ctx
	}
	server.Start()
	t.Cleanup(server.Close)
	c := &client{t: t, server: server}

	random := rand.NewChaCha8([32]byte{})
	step := func(i int) string {
		s := &procmon.Snapshot{Hostname: "alpha", Timestamp: now.Add(time.Duration(i-steps) * 15 * time.Second)}
		for pid := range uint32(200) {
			text := make([]byte, 500)
			_, _ = random.Read(text)
			s.Processes = append(s.Processes, procmon.Process{PID: pid, Name: "p", StartTime: procmon.Some(s.Timestamp), Cmdline: procmon.Some(hex.EncodeToString(text))})
		}
		if err := store.Append(t.Context(), procmon.Record{Host: "alpha", Snapshot: s}); err != nil {
			t.Fatal(err)
		}
		return procmon.SnapshotID("alpha", s.Timestamp)
	}

	fast, slow := c.open(), &page{t: t}
	slow.conn, _, err = websocket.Dial(t.Context(), server.URL+"/api/v1/live", &websocket.DialOptions{HTTPClient: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err == nil {
				err = conn.(*net.TCPConn).SetReadBuffer(small)
			}
			return conn, err
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	slow.conn.SetReadLimit(64 << 20)
	defer func() { _ = slow.conn.CloseNow() }()
	newest := step(0)
	for _, p := range []*page{fast, slow} {
		p.say(`{"subscribe":"host","host":"alpha"}`)
	}
	for i := 1; i <= steps; i++ {
		newest = step(i)
		for fast.tree["id"] != newest {
			fast.next()
		}
	}
	for slow.tree["id"] != newest {
		slow.next()
	}
	if got := slow.trees + slow.deltas; got > 3 {
		t.Errorf("%d trees and deltas; the other page had %d", got, fast.trees+fast.deltas)
	}
	if want := fmt.Sprint(fast.tree["rows"]); fmt.Sprint(slow.tree["rows"]) != want {
		t.Error("the pages show different trees")
	}
}
