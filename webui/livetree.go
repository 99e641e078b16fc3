package webui

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

// A topic is a host that somebody is subscribed to.
type topic struct {
	host    string
	clients int // under live.mu

	mu    sync.Mutex // held while state is made
	state *hostState // the newest
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

// hostState is the tree of a host in one snapshot. Only its deltas are ever changed.
type hostState struct {
	id       string
	at       time.Time
	stale    bool
	previous string // instant of the snapshot before; empty if there is none
	head     []byte // the fields of the tree before its rows
	rows     []encodedRow

	mu     sync.Mutex
	from   string // the last delta that was asked for is from the tree with that id
	deltas []byte
}

type encodedRow struct {
	id     procmon.ProcessID
	parent int
	json   []byte // without its parent
}

// newest returns the newest state of a host, made once for all who ask. Unless again is set, it
// is not noticed that it has become stale, or that a snapshot before it came late.
func (s *Server) newest(ctx context.Context, t *topic, again bool) (*hostState, error) {
	summary, err := s.host(ctx, t.host)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state != nil && t.state.at.Equal(summary.LastSeen) && !again {
		return t.state, nil
	}
	view, err := s.store.At(ctx, t.host, time.Time{})
	if errors.Is(err, procmon.ErrNotFound) {
		return nil, s.nothingAt(ctx, t.host)
	}
	if err != nil {
		return nil, err
	}
	id := procmon.SnapshotID(view.Host, view.Snapshot.Timestamp)
	if now := (&hostState{id: id, stale: view.Stale, previous: previousOf(&view)}); t.state == nil || !t.state.same(now) {
		t.state = newHostState(&view, id)
	}
	return t.state, nil
}

// stateOf returns the state that a client says it has, or nil if that is not known any more.
func (s *Server) stateOf(ctx context.Context, t *topic, ask subscription) *hostState {
	if now, err := s.newest(ctx, t, true); err == nil && now.id == ask.have && (ask.previous == "" || ask.previous == now.previous) {
		return now
	}
	prefix := procmon.HostKey(t.host) + "@"
	if !strings.HasPrefix(ask.have, prefix) {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, strings.TrimPrefix(ask.have, prefix))
	if err != nil || at.Before(earliest()) || !at.Before(latest()) {
		return nil
	}
	view, err := s.store.At(ctx, t.host, at)
	if err != nil || procmon.SnapshotID(view.Host, view.Snapshot.Timestamp) != ask.have {
		return nil
	}
	state := newHostState(&view, ask.have)
	if ask.previous != "" && ask.previous != state.previous { // its rates are others
		return nil
	}
	return state
}

func previousOf(v *procmon.View) string {
	if v.Previous == nil {
		return ""
	}
	return v.Previous.Timestamp.UTC().Format(time.RFC3339Nano)
}

// same reports whether both are the same tree.
func (s *hostState) same(o *hostState) bool {
	return s.id == o.id && s.previous == o.previous && s.stale == o.stale
}

func newHostState(v *procmon.View, id string) *hostState {
	s := &hostState{id: id, at: v.Snapshot.Timestamp, stale: v.Stale, previous: previousOf(v)}
	var e jx.Encoder
	e.ObjStart()
	writeTreeHead(&e, v, time.Time{})
	e.ObjEnd()
	s.head = bytes.TrimSuffix(bytes.TrimPrefix(bytes.Clone(e.Bytes()), []byte("{")), []byte("}"))
	var all []byte // one allocation for many rows
	ends := make([]int, 0, len(v.Snapshot.Processes))
	eachRow(v, func(row *procmon.TreeRow, p *procmon.Process, io procmon.Rates) {
		e.Reset()
		parent := *row
		parent.Parent = -1
		writeRow(&e, &parent, p, io)
		all = append(all, e.Bytes()...)
		ends = append(ends, len(all))
		s.rows = append(s.rows, encodedRow{id: p.ID(), parent: row.Parent})
	})
	begin := 0
	for i, end := range ends {
		s.rows[i].json = all[begin:end:end]
		begin = end
	}
	return s
}

// tree returns the whole tree, as GET does.
func (s *hostState) tree() []byte {
	out := join("{", s.head, `,"rows":[`)
	for i, row := range s.rows {
		if i > 0 {
			out = append(out, ',')
		}
		if row.parent >= 0 {
			out = append(out, `{"parent":`...)
			out = strconv.AppendInt(out, int64(row.parent), 10)
			out = append(append(out, ','), row.json[1:]...)
		} else {
			out = append(out, row.json...)
		}
	}
	return append(out, "]}"...)
}

// since returns a TreeDelta.
func (s *hostState) since(before *hostState) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deltas == nil || s.from != before.id+" "+before.previous {
		s.from, s.deltas = before.id+" "+before.previous, s.delta(before)
	}
	return s.deltas
}

func (s *hostState) delta(before *hostState) []byte {
	index := make(map[procmon.ProcessID]int, len(before.rows))
	for i := range before.rows {
		index[before.rows[i].id] = i
	}
	var rows, changes jx.Encoder
	rows.ArrStart()
	changes.ObjStart()
	first, count := 0, 0 // rows of before that follow one another
	flush := func() {
		if count > 0 {
			rows.ArrStart()
			rows.Int(first)
			rows.Int(count)
			rows.ArrEnd()
		}
		count = 0
	}
	for i, row := range s.rows {
		j, stays := index[row.id]
		if !stays {
			flush()
			rows.Raw(row.json)
			continue
		}
		if count == 0 || j != first+count {
			flush()
			first = j
		}
		count++
		if was := before.rows[j].json; !bytes.Equal(was, row.json) {
			changes.FieldStart(strconv.Itoa(i))
			writeFieldChanges(&changes, was, row.json)
		}
	}
	flush()
	rows.ArrEnd()
	changes.ObjEnd()
	var from jx.Encoder
	from.Str(before.id)
	return join(`{"from":`, from.Bytes(), ",", s.head, `,"rows":`, rows.Bytes(), `,"changes":`, changes.Bytes(), "}")
}

// writeFieldChanges writes the members of the object now that are not as they were, and null
// for those that are not there any more.
func writeFieldChanges(e *jx.Encoder, was, now []byte) {
	before, after := members(was), members(now)
	e.ObjStart()
	for _, m := range after.list {
		if !bytes.Equal(before.by[m.name], m.value) {
			e.FieldStart(m.name)
			e.Raw(m.value)
		}
	}
	for _, m := range before.list {
		if after.by[m.name] == nil {
			e.FieldStart(m.name)
			e.Null()
		}
	}
	e.ObjEnd()
}

type member struct {
	name  string
	value []byte
}

type object struct {
	list []member
	by   map[string][]byte
}

// members returns those of an object that this package has encoded.
func members(data []byte) object {
	o := object{by: map[string][]byte{}}
	d := jx.DecodeBytes(data)
	_ = d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		value, err := d.Raw()
		o.list = append(o.list, member{string(key), value})
		o.by[string(key)] = value
		return err
	})
	return o
}
