package webui

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

// fleetState is all hosts at one instant. It is never changed.
type fleetState struct {
	at    time.Time // when it was made
	now   time.Time // by the server's clock
	index *fleet
	hosts []encodedHost // by key
}

type encodedHost struct {
	key  string
	name string
	json []byte // as writeHost writes it
}

// fleetNow returns how the fleet is; what it says may be liveState old.
func (s *Server) fleetNow(ctx context.Context) (*fleetState, error) {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	old := s.live.fleet
	if old != nil && time.Since(old.at) < liveState {
		return old, nil
	}
	f := &fleetState{at: time.Now(), now: s.now(), index: newFleet(s.targets())}
	hosts, err := s.store.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	same := old != nil && len(old.hosts) == len(hosts)
	f.hosts = make([]encodedHost, len(hosts))
	var e jx.Encoder
	for i := range hosts {
		e.Reset()
		writeHost(&e, &hosts[i], f.index, f.now)
		h := encodedHost{key: procmon.HostKey(hosts[i].Host), name: hosts[i].Host}
		if was := old.host(h.key); bytes.Equal(was, e.Bytes()) {
			h.json = was
		} else {
			h.json, same = bytes.Clone(e.Bytes()), false
		}
		f.hosts[i] = h
	}
	slices.SortFunc(f.hosts, func(a, b encodedHost) int { return cmp.Compare(a.key, b.key) })
	if same { // what clients have is good still
		f.hosts = old.hosts
	}
	s.live.fleet = f
	return f, nil
}

// host returns what is known of a host, or nil.
func (f *fleetState) host(key string) []byte {
	if f == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(f.hosts, key, func(h encodedHost, key string) int { return cmp.Compare(h.key, key) })
	if !ok {
		return nil
	}
	return f.hosts[i].json
}

// since returns the message with what is not as it was before, which is nil for all; or nil if
// there is nothing.
func (f *fleetState) since(before *fleetState) []byte {
	var e jx.Encoder
	changed := 0
	e.ObjStart()
	e.FieldStart("fleet")
	e.ObjStart()
	writeInstant(&e, "now", f.now)
	e.FieldStart("full")
	e.Bool(before == nil)
	e.FieldStart("hosts")
	e.ArrStart()
	for _, h := range f.hosts {
		if was := before.host(h.key); was == nil || !bytes.Equal(was, h.json) {
			e.Raw(h.json)
			changed++
		}
	}
	e.ArrEnd()
	e.FieldStart("gone")
	e.ArrStart()
	if before != nil {
		for _, h := range before.hosts {
			if f.host(h.key) == nil {
				e.Str(h.name)
				changed++
			}
		}
	}
	e.ArrEnd()
	e.ObjEnd()
	e.ObjEnd()
	if before != nil && changed == 0 {
		return nil
	}
	return e.Bytes()
}
