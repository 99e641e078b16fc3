package webui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

// Bounds of live connections.
const (
	defaultMaxLive = 1000
	maxLiveMessage = 4 << 10 // bytes of what a client says
	// liveWrite is how long a client may take to read one message. Meanwhile nothing gathers for
	// it: the next message says what is newest then.
	liveWrite = 30 * time.Second
	livePing  = 30 * time.Second
	// liveGoodbye is how long a client may take to answer when the server shuts down.
	liveGoodbye = time.Second
	// livePause is the least time between two looks at what changed, for one client.
	livePause = 100 * time.Millisecond
	// liveState is how old what is known of the fleet may be: the health of targets, and hosts
	// that grow stale, tell nobody.
	liveState = time.Second
)

// live is what all live connections have in common.
type live struct {
	external *url.URL // how people reach the server through a proxy; nil is by its own name
	most     int
	closing  chan struct{} // closed at the end

	mu      sync.Mutex
	closed  bool
	clients int
	running sync.WaitGroup
	topics  map[string]*topic // by procmon.HostKey
	fleet   *fleetState
}

// Close ends all live connections, and waits for their ends. There are no new ones after it.
func (s *Server) Close() {
	s.live.mu.Lock()
	if !s.live.closed {
		s.live.closed = true
		close(s.live.closing)
	}
	s.live.mu.Unlock()
	s.live.running.Wait()
}

// enter reports whether there is room for one connection more. leave must follow.
func (l *live) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.clients >= l.most {
		return false
	}
	l.clients++
	l.running.Add(1)
	return true
}

func (l *live) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.clients--; l.clients == 0 {
		l.fleet = nil
	}
	l.running.Done()
}

// sameOrigin reports whether the page that asks came from this server. A program that is no
// browser says of no page.
func (l *live) sameOrigin(r *http.Request) bool {
	text := r.Header.Get("Origin")
	if text == "" {
		return true
	}
	origin, err := url.Parse(text)
	if err != nil || origin.Host == "" {
		return false
	}
	if strings.EqualFold(origin.Host, r.Host) {
		return true
	}
	return l.external != nil && strings.EqualFold(origin.Scheme, l.external.Scheme) && strings.EqualFold(origin.Host, l.external.Host)
}

func (s *Server) getLive(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return &problem{status: http.StatusBadRequest, code: "bad_request", message: "header Upgrade: missing or not websocket; this is a WebSocket"}
	}
	if !s.live.sameOrigin(r) {
		return &problem{status: http.StatusForbidden, code: "forbidden", message: "a page of " + quote(r.Header.Get("Origin")) + " may not connect; web.external_url in the configuration adds an origin"}
	}
	if !s.live.enter() {
		return &problem{status: http.StatusServiceUnavailable, code: "busy", message: "there are as many live connections as are allowed; try again later"}
	}
	defer s.live.leave()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // the origin was checked
		CompressionMode:    websocket.CompressionNoContextTakeover,
	})
	if err != nil {
		return nil // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(maxLiveMessage)
	c := &liveClient{server: s, conn: conn, asks: make(chan subscription, 1)}
	c.run()
	return nil
}

// A subscription is what a client says.
type subscription struct {
	what     string // fleet, host, nothing
	host     string
	have     string // id of the tree that it has
	previous string // of that tree
	wrong    string // why it is none
}

func parseSubscription(data []byte) (s subscription) {
	d := jx.DecodeBytes(data)
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		fields := map[string]*string{"subscribe": &s.what, "host": &s.host, "have": &s.have, "previous": &s.previous}
		field := fields[string(key)]
		if field == nil {
			return errors.New("field " + quote(string(key)) + " is not known; allowed are subscribe, host, have and previous")
		}
		text, err := d.Str()
		*field = text
		return err
	})
	switch {
	case err != nil:
		s.wrong = "the message is not a JSON object of texts: " + err.Error()
	case s.what != "fleet" && s.what != "host" && s.what != "nothing":
		s.wrong = "subscribe: " + quote(s.what) + ` is not one of "fleet", "host" and "nothing"`
	case s.what == "host" && procmon.CheckHost(s.host) != nil:
		s.wrong = "host: " + quote(s.host) + " is not the name of a host"
	}
	return s
}

// liveClient is one connection. One goroutine reads, the one of the request does the rest.
type liveClient struct {
	server *Server
	conn   *websocket.Conn
	asks   chan subscription // the newest one

	want    subscription
	topic   *topic
	sent    *hostTree   // the tree that the client has
	host    []byte      // what it knows of the host
	fleet   *fleetState // what it knows of the fleet
	at      time.Time   // of the last message about a host
	refused bool        // it was told that the host is not known
}

// run ends with the connection.
func (c *liveClient) run() {
	ctx, cancel := context.WithCancel(context.Background())
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer cancel()
		c.read(ctx)
	}()
	defer func() {
		c.server.live.unsubscribe(c.topic)
		_ = c.conn.CloseNow()
		cancel()
		<-read
	}()
	ping := time.NewTicker(livePing)
	defer ping.Stop()
	state := time.NewTicker(liveState)
	defer state.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	<-pause.C
	for {
		changed := c.server.store.Changed()
		if err := c.tell(ctx); err != nil {
			return
		}
		pause.Reset(livePause)
		for resting := true; resting; {
			if c.want.what == "" || c.want.what == "nothing" {
				changed = nil
			}
			select {
			case <-ctx.Done():
				return
			case <-c.server.live.closing:
				// One who does not answer has what waits for it cut off.
				patience := time.AfterFunc(liveGoodbye, cancel)
				_ = c.conn.Close(websocket.StatusGoingAway, "the server shuts down")
				patience.Stop()
				return
			case ask := <-c.asks:
				if err := c.subscribe(ctx, ask); err != nil {
					return
				}
				resting = false
			case <-ping.C:
				if err := c.ping(ctx); err != nil {
					return
				}
			case <-changed:
				select {
				case <-pause.C:
				case <-ctx.Done():
					return
				}
				resting = false
			case <-state.C:
				resting = false
			}
		}
	}
}

// read hands on what the client says; of several at once the newest.
func (c *liveClient) read(ctx context.Context) {
	for {
		_, data, err := c.conn.Read(ctx)
		if err != nil {
			return
		}
		ask := parseSubscription(data)
		select {
		case <-c.asks:
		default:
		}
		c.asks <- ask
	}
}

func (c *liveClient) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, liveWrite)
	defer cancel()
	return c.conn.Ping(ctx)
}

func (c *liveClient) write(ctx context.Context, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, liveWrite)
	defer cancel()
	return c.conn.Write(ctx, websocket.MessageText, message)
}

func (c *liveClient) refuse(ctx context.Context, code, message string) error {
	var e jx.Encoder
	writeProblem(&e, &problem{code: code, message: message})
	return c.write(ctx, e.Bytes())
}

func (c *liveClient) subscribe(ctx context.Context, ask subscription) error {
	if ask.wrong != "" {
		return c.refuse(ctx, "bad_message", ask.wrong)
	}
	c.server.live.unsubscribe(c.topic)
	c.topic, c.want, c.refused = nil, ask, false
	c.sent, c.host, c.fleet, c.at = nil, nil, nil, time.Time{}
	if ask.what != "host" {
		return nil
	}
	c.topic = c.server.live.subscribe(ask.host)
	if ask.have != "" {
		c.sent = c.server.heldBy(ctx, c.topic, ask)
	}
	return nil
}

// tell sends what is new for the client, if anything is.
func (c *liveClient) tell(ctx context.Context) error {
	var message []byte
	var err error
	switch c.want.what {
	case "fleet":
		message, err = c.fleetMessage(ctx)
	case "host":
		message, err = c.hostMessage(ctx)
	}
	if err == nil && message != nil {
		return c.write(ctx, message)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	p, ok := errors.AsType[*problem](err)
	if !ok {
		c.server.log.Error("tell a live connection what changed", "host", c.want.host, "err", err)
		p = &problem{code: "internal", message: "the server could not read its store; its log says why"}
	}
	if c.refused {
		return nil
	}
	c.refused = true
	return c.refuse(ctx, p.code, p.message)
}

// fleetMessage returns what the client does not know of the fleet, or nil.
func (c *liveClient) fleetMessage(ctx context.Context) ([]byte, error) {
	now, err := c.server.fleetNow(ctx)
	if err != nil || now == c.fleet {
		return nil, err
	}
	message := now.since(c.fleet)
	c.fleet = now
	return message, nil
}

// hostMessage returns what the client does not know of the host, or nil.
func (c *liveClient) hostMessage(ctx context.Context) ([]byte, error) {
	s := c.server
	began := time.Now()
	now, err := s.newest(ctx, c.topic, c.host == nil)
	if err != nil {
		return nil, err
	}
	fleet, err := s.fleetNow(ctx)
	if err != nil {
		return nil, err
	}
	host := fleet.host(procmon.HostKey(c.want.host))
	if c.host != nil && now == c.sent {
		if host == nil || string(host) == string(c.host) || fleet.at.Before(c.at) {
			return nil, nil
		}
		c.host, c.at = host, began
		return join(`{"host":`, host, `}`), nil
	}
	summary, err := s.host(ctx, c.want.host)
	if err != nil {
		return nil, err
	}
	var e jx.Encoder
	writeHost(&e, &summary, fleet.index, s.now())
	c.host, c.at = e.Bytes(), began
	before := c.sent
	c.sent, c.refused = now, false
	if before == nil {
		return join(`{"tree":`, now.bytes(), `,"host":`, c.host, `}`), nil
	}
	if now.same(before) {
		return join(`{"host":`, c.host, `}`), nil
	}
	return join(`{"delta":`, now.since(before), `,"host":`, c.host, `}`), nil
}

// join puts texts and bytes together.
func join(parts ...any) (out []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			out = append(out, p...)
		case []byte:
			out = append(out, p...)
		}
	}
	return out
}
