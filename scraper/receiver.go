package scraper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/procmon/procmon"
)

// ReceiverOptions are what a Receiver works with. Appender is required; the zero value of
// every other field is usable.
type ReceiverOptions struct {
	Appender   Appender
	Logger     *slog.Logger          // nil discards
	Registerer prometheus.Registerer // nil registers nowhere
	Retention  time.Duration         // older snapshots are refused; 0 refuses none for its age
	Now        func() time.Time      // time.Now by default

	Keys        *Keys         // nil refuses everybody
	MaxBodySize int64         // bytes, as they come and after decompression; 16 MiB by default
	RateLimit   float64       // snapshots a second of each key from each address; 20 by default
	Burst       int           // snapshots at once of each key from each address; 200 by default
	MaxInFlight int           // pushes at the same time; 64 by default
	ReadTimeout time.Duration // for the whole of a body; 30 s by default
}

func (o ReceiverOptions) withDefaults() ReceiverOptions {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Registerer == nil {
		o.Registerer = prometheus.NewRegistry()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBodySize == 0 {
		o.MaxBodySize = 16 << 20
	}
	if o.RateLimit == 0 {
		o.RateLimit = 20
	}
	if o.Burst == 0 {
		o.Burst = 200
	}
	if o.MaxInFlight == 0 {
		o.MaxInFlight = 64
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = 30 * time.Second
	}
	return o
}

// A Receiver is the http.Handler of POST /api/process-data/. It answers 201 only after the
// snapshot is stored.
type Receiver struct {
	opts     ReceiverOptions
	intake   *intake
	bodies   *bodies
	settings atomic.Pointer[receiverSettings]
	strikes  *limiter // of addresses that come with a wrong key
	inFlight chan struct{}
	pushes   *prometheus.CounterVec
}

// receiverSettings are what a reload changes.
type receiverSettings struct {
	keys    *Keys
	limiter *limiter
	maxBody int64
}

// NewReceiver returns a receiver that takes what o.Keys lets in. It fails if o.Registerer has
// another's metrics.
func NewReceiver(o ReceiverOptions) (*Receiver, error) {
	o = o.withDefaults()
	r := &Receiver{
		opts:     o,
		intake:   &intake{appender: o.Appender, retention: o.Retention, now: o.Now},
		bodies:   new(bodies),
		strikes:  newLimiter(5, 50),
		inFlight: make(chan struct{}, o.MaxInFlight),
		pushes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "procmon_pushes_total", Help: "Requests that deliver snapshots, by the code of the answer.",
		}, []string{"code"}),
	}
	for _, code := range []int{201, 400, 401, 413, 415, 429, 503} {
		r.pushes.WithLabelValues(strconv.Itoa(code))
	}
	if err := o.Registerer.Register(r.pushes); err != nil {
		return nil, fmt.Errorf("register metrics of the receiver: %w", err)
	}
	r.Apply(o.Keys, o.MaxBodySize, o.RateLimit)
	return r, nil
}

// Apply makes the keys, the body limit in bytes and the rate those that are given; zero
// values are the defaults of ReceiverOptions. Pushes that are under way are not disturbed.
func (r *Receiver) Apply(keys *Keys, maxBodySize int64, rateLimit float64) {
	o := ReceiverOptions{MaxBodySize: maxBodySize, RateLimit: rateLimit, Burst: r.opts.Burst}.withDefaults()
	if keys == nil {
		keys = new(Keys)
	}
	next := &receiverSettings{keys: keys, maxBody: o.MaxBodySize}
	if now := r.settings.Load(); now != nil && float64(now.limiter.rate) == o.RateLimit {
		next.limiter = now.limiter
	} else {
		next.limiter = newLimiter(o.RateLimit, o.Burst)
	}
	r.settings.Store(next)
}

// refusal is an answer other than 201.
type refusal struct {
	status  int
	code    string // for programs
	message string // for people
	retry   time.Duration
}

func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	record, no := r.receive(w, req)
	w.Header().Set("Content-Type", procmon.ContentType)
	w.Header().Set("Cache-Control", "no-store")
	if no != nil {
		r.refuse(w, no)
		return
	}
	r.pushes.WithLabelValues(strconv.Itoa(http.StatusCreated)).Inc()
	w.Header().Set("Accept-Encoding", acceptedEncodings) // so that the agent may compress the next one
	w.WriteHeader(http.StatusCreated)
	writeJSON(w, struct {
		ID        string    `json:"id"`
		Hostname  string    `json:"hostname"`
		Timestamp time.Time `json:"timestamp"`
	}{procmon.SnapshotID(record.Host, record.Snapshot.Timestamp), record.Snapshot.Hostname, record.Snapshot.Timestamp})
}

func (r *Receiver) refuse(w http.ResponseWriter, no *refusal) {
	r.pushes.WithLabelValues(strconv.Itoa(no.status)).Inc()
	switch no.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Token realm="procmon"`)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusUnsupportedMediaType:
		w.Header().Set("Accept-Encoding", acceptedEncodings)
	}
	if no.retry > 0 {
		w.Header().Set("Retry-After", strconv.FormatFloat(math.Ceil(no.retry.Seconds()), 'f', 0, 64))
	}
	type content struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	w.WriteHeader(no.status)
	writeJSON(w, map[string]content{"error": {no.code, no.message}})
}

// acceptedEncodings are said as https://www.rfc-editor.org/rfc/rfc9110#name-accept-encoding has it.
const acceptedEncodings = "zstd, gzip, identity"

// writeJSON ignores the error of a client that has gone.
func writeJSON(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

// receive takes in one snapshot. Nothing of the body is read before the key is known.
func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) (*procmon.Record, *refusal) {
	if req.Method != http.MethodPost {
		return nil, &refusal{status: http.StatusMethodNotAllowed, code: "method_not_allowed", message: "the method is " + printable(req.Method) + "; POST is allowed"}
	}
	now := r.opts.Now()
	settings := r.settings.Load()
	if no := r.authorize(settings, req, now); no != nil {
		return nil, no
	}
	select {
	case r.inFlight <- struct{}{}:
		defer func() { <-r.inFlight }()
	default:
		return nil, &refusal{status: http.StatusTooManyRequests, code: "too_many_requests", message: "too many pushes at the same time", retry: time.Second}
	}
	body, release, no := r.read(w, req, settings.maxBody)
	if no != nil {
		return nil, no
	}
	s, err := r.intake.decode(procmon.Decode, body)
	release()
	if err != nil {
		return nil, &refusal{status: http.StatusBadRequest, code: "invalid_snapshot", message: err.Error()}
	}
	record := procmon.Record{Host: s.Hostname, Snapshot: s, Labels: map[string]string{"job": "push", "instance": s.Hostname}}
	if err := r.intake.store(req.Context(), record); err != nil {
		if req.Context().Err() == nil {
			r.opts.Logger.Error("cannot store a pushed snapshot", "host", s.Hostname, "err", err)
		}
		return nil, &refusal{status: http.StatusServiceUnavailable, code: "unavailable", message: "the snapshot could not be stored; the server's log says why", retry: 10 * time.Second}
	}
	return &record, nil
}

func (r *Receiver) authorize(s *receiverSettings, req *http.Request, now time.Time) *refusal {
	if err := s.keys.refresh(now); err != nil {
		r.opts.Logger.Error("cannot read the tokens again; those from before stay in force", "err", err)
	}
	address, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		address = req.RemoteAddr
	}
	key, ok := authorization(req)
	who := sender{address: address}
	if ok {
		who.key, ok = s.keys.accept(key)
	}
	if ok {
		if wait := s.limiter.allow(who, now); wait > 0 {
			return &refusal{status: http.StatusTooManyRequests, code: "too_many_requests", message: "too many pushes of this key from " + address, retry: wait}
		}
		return nil
	}
	if wait := r.strikes.allow(sender{address: address}, now); wait > 0 {
		return &refusal{status: http.StatusTooManyRequests, code: "too_many_requests", message: "too many pushes without a valid key from " + address, retry: wait}
	}
	return &refusal{status: http.StatusUnauthorized, code: "unauthorized", message: "the header Authorization must be \"Token KEY\" with a key of push.tokens or push.tokens_file"}
}

// authorization returns the key of "Token KEY" or "Bearer KEY".
func authorization(req *http.Request) (key string, ok bool) {
	values := req.Header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, key, ok := strings.Cut(values[0], " ")
	key = strings.TrimSpace(key)
	return key, ok && key != "" && (strings.EqualFold(scheme, "Token") || strings.EqualFold(scheme, "Bearer"))
}

func (r *Receiver) read(w http.ResponseWriter, req *http.Request, limit int64) ([]byte, func(), *refusal) {
	if got := req.Header.Get("Content-Type"); got != "" && !isJSON(got) {
		return nil, nil, &refusal{status: http.StatusUnsupportedMediaType, code: "unsupported_media_type",
			message: printable("the content type is " + strconv.Quote(got) + "; " + procmon.ContentType + " is allowed")}
	}
	large := &refusal{status: http.StatusRequestEntityTooLarge, code: "body_too_large", message: tooLarge("the body", "push.max_body_size", limit).text}
	if req.ContentLength > limit {
		return nil, nil, large
	}
	// A writer that knows no deadlines has its own, or is a test's.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(r.opts.ReadTimeout))
	encoding := strings.Join(req.Header.Values("Content-Encoding"), ",")
	body, release, err := r.bodies.read(req.Body, encoding, limit)
	if ce, ok := errors.AsType[*compressError](err); ok {
		return nil, nil, &refusal{status: http.StatusBadRequest, code: "invalid_encoding", message: printable("the body is not valid " + encoding + ": " + ce.Error())}
	}
	switch {
	case err == nil:
		return body, release, nil
	case errors.Is(err, errBodySize):
		return nil, nil, large
	case errors.Is(err, errEncoding):
		return nil, nil, &refusal{status: http.StatusUnsupportedMediaType, code: "unsupported_encoding",
			message: printable("the content encoding is " + strconv.Quote(encoding) + "; zstd, gzip and identity are allowed")}
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return nil, nil, &refusal{status: http.StatusRequestTimeout, code: "timeout", message: "the body was not complete within " + r.opts.ReadTimeout.String()}
	}
	return nil, nil, &refusal{status: http.StatusBadRequest, code: "incomplete_body", message: "the body ended before it was complete"}
}
