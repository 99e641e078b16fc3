package webui

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/procmon/procmon"
)

// A topic is a host that somebody is subscribed to.
type topic struct {
	host    string
	clients int // under live.mu

	mu     sync.Mutex // held while newest is made
	newest *hostTree
}

func (l *live) subscribe(host string) *topic {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := procmon.HostKey(host)
	t := l.topics[key]
	if t == nil {
		t = &topic{host: host}
		l.topics[key] = t
	}
	t.clients++
	return t
}

// unsubscribe takes what subscribe returned, or nil.
func (l *live) unsubscribe(t *topic) {
	if t == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.clients--; t.clients == 0 {
		delete(l.topics, procmon.HostKey(t.host))
	}
}

// newest returns the newest tree of a host, made once for all who ask. Unless again is set, it
// is not noticed that it has become stale, or that a snapshot before it came late.
func (s *Server) newest(ctx context.Context, t *topic, again bool) (*hostTree, error) {
	summary, err := s.host(ctx, t.host)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.newest != nil && t.newest.view.Snapshot.Timestamp.Equal(summary.LastSeen) && !again {
		return t.newest, nil
	}
	view, err := s.store.At(ctx, t.host, time.Time{})
	if errors.Is(err, procmon.ErrNotFound) {
		return nil, s.nothingAt(ctx, t.host)
	}
	if err != nil {
		return nil, err
	}
	if t.newest == nil || !t.newest.of(&view) {
		t.newest = newHostTree(view)
	}
	return t.newest, nil
}

// heldBy returns the tree that a client says it has, or nil if that is not known any more.
func (s *Server) heldBy(ctx context.Context, t *topic, ask subscription) *hostTree {
	if now, err := s.newest(ctx, t, true); err == nil && now.is(ask.have, ask.previous) {
		return now
	}
	return s.known(ctx, t.host, ask.have, ask.previous)
}
