package exporter

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/procmon/procmon"
)

const (
	healthyPath = "/-/healthy"
	readyPath   = "/-/ready"
	// requestsAtOnce bounds what slow clients can hold on to.
	requestsAtOnce = 64
)

// NewServer returns an HTTP server for handler whose limits fit the exporter: nobody can
// hold a connection by being slow. The caller sets its address or listener.
func NewServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       5 * time.Minute, // longer than common scrape intervals: connections are kept between scrapes
		MaxHeaderBytes:    32 << 10,
	}
}

// pullClock remembers when a snapshot was last pulled.
type pullClock struct{ nanoseconds atomic.Int64 }

func (p *pullClock) now() { p.nanoseconds.Store(time.Now().UnixNano()) }

// last returns the time of the last pull; the zero time if there was none.
func (p *pullClock) last() time.Time {
	if n := p.nanoseconds.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

func newHandler(e *Exporter, token string, pulls *pullClock) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(healthyPath, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "procmon-exporter is healthy.")
	})
	mux.HandleFunc(readyPath, e.serveReady)
	mux.HandleFunc("/snapshot", func(w http.ResponseWriter, r *http.Request) { e.serveSnapshot(w, r, pulls) })
	mux.HandleFunc("/metrics", e.serveMetrics)
	mux.HandleFunc("/{$}", e.serveLanding)
	return limited(readOnly(authorized(mux, token)))
}

// limited answers 503 beyond requestsAtOnce requests at a time.
func limited(next http.Handler) http.Handler {
	slots := make(chan struct{}, requestsAtOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			next.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "too many requests at once", http.StatusServiceUnavailable)
		}
	})
}

// readOnly answers 405 to whatever could want to change something.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, fmt.Sprintf("method %q is not allowed, only GET and HEAD are", r.Method), http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// authorized asks for the bearer token, if there is one, of everything but health.
func authorized(next http.Handler, token string) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != healthyPath && r.URL.Path != readyPath {
			scheme, sent, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			got := sha256.Sum256([]byte(sent)) // of equal length, so that comparing tells nothing
			if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
				w.Header().Set("WWW-Authenticate", `Bearer realm="procmon-exporter"`)
				http.Error(w, "this needs the header \"Authorization: Bearer TOKEN\" with the exporter's token", http.StatusUnauthorized)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (e *Exporter) serveReady(w http.ResponseWriter, r *http.Request) {
	if e.collector.statistics().collections == 0 {
		c, err := e.collector.collect(r.Context())
		if err != nil {
			http.Error(w, "procmon-exporter is not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		c.release()
	}
	fmt.Fprintln(w, "procmon-exporter is ready.")
}

func (e *Exporter) serveSnapshot(w http.ResponseWriter, r *http.Request, pulls *pullClock) {
	after, named, err := e.cursors.asked(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c, err := e.collector.collect(r.Context())
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	defer c.release()
	chosen := requestedEncoding(r)
	w.Header().Set("Content-Type", procmon.ContentType)
	if e.collector.watcher != nil {
		w.Header().Set(cursorHeader, e.cursors.text(max(after, c.upTo)))
	}
	if writeBody(w, r, c.body(after, chosen), chosen) && r.Method == http.MethodGet {
		pulls.now()
		if !named {
			e.cursors.answered(c.upTo)
		}
	}
}

func requestedEncoding(r *http.Request) encoding {
	return negotiate(strings.Join(r.Header.Values("Accept-Encoding"), ","))
}

// writeBody writes a whole answer that is in an encoding already, and reports whether the
// connection took it.
func writeBody(w http.ResponseWriter, r *http.Request, body []byte, encoded encoding) bool {
	h := w.Header()
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-store")
	if encoded != identity {
		h.Set("Content-Encoding", encoded.String())
	}
	if r.Method == http.MethodHead {
		return true
	}
	_, err := w.Write(body)
	return err == nil
}

// refuse answers a request for a collection that failed.
func (e *Exporter) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody is there to read the answer
	}
	e.log.Error("a request found no collection", "path", r.URL.Path, "error", err)
	http.Error(w, err.Error(), http.StatusInternalServerError)
}
