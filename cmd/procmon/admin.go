package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/procmon/procmon/storage"
)

// While a server runs, it alone has the data directory open; the storage commands then ask it,
// through a Unix socket in the directory. Who may read the directory may use the socket, and
// nobody else: it is in a directory that only its owner may enter, and has no network address.

func adminDir(storagePath string) string    { return filepath.Join(storagePath, "admin") }
func adminSocket(storagePath string) string { return filepath.Join(adminDir(storagePath), "socket") }

// failureTrailer says why an answer ends before its end.
const failureTrailer = "Procmon-Failure"

// An operation writes what is asked of a store.
type operation func(ctx context.Context, s *storage.Store, q url.Values, w io.Writer) error

func operations() map[string]operation {
	return map[string]operation{"info": writeInfo, "verify": writeVerified, "backup": writeBackup, "export": writeExport}
}

func writeInfo(ctx context.Context, s *storage.Store, _ url.Values, w io.Writer) error {
	info, err := s.Info(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(info)
}

// verdict is a line of what verify writes: a problem, or at last what was checked.
type verdict struct {
	Object  string            `json:"object,omitempty"`
	Problem string            `json:"problem,omitempty"`
	Checked *storage.Verified `json:"checked,omitempty"`
}

func writeVerified(ctx context.Context, s *storage.Store, _ url.Values, w io.Writer) error {
	out := json.NewEncoder(w)
	v, err := s.Verify(ctx, func(d storage.Damage) { _ = out.Encode(verdict{Object: d.Object, Problem: d.Problem}) })
	if err != nil {
		return err
	}
	return out.Encode(verdict{Checked: &v})
}

func writeBackup(ctx context.Context, s *storage.Store, _ url.Values, w io.Writer) error {
	_, err := s.Backup(ctx, w)
	return err
}

func writeExport(ctx context.Context, s *storage.Store, q url.Values, w io.Writer) error {
	var from, to time.Time
	if err := errors.Join(from.UnmarshalText([]byte(q.Get("from"))), to.UnmarshalText([]byte(q.Get("to")))); err != nil {
		return err
	}
	_, err := s.Export(ctx, w, storage.ExportQuery{Hosts: q["host"], From: from, To: to})
	return err
}

// admin answers the storage commands.
type admin struct {
	listener net.Listener
	server   *http.Server
	stop     context.CancelFunc
}

// newAdmin listens in the directory of s, which this process has open.
func newAdmin(s *storage.Store, storagePath string, logger *slog.Logger) (*admin, error) {
	if err := os.MkdirAll(adminDir(storagePath), 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(adminDir(storagePath), 0o700); err != nil {
		return nil, err
	}
	socket := adminSocket(storagePath)
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) { // of a process that was killed
		return nil, err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	mux := http.NewServeMux()
	for name, op := range operations() {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) { answer(w, r, s, op) })
	}
	return &admin{listener: l, stop: stop, server: &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}}, nil
}

func (a *admin) run() error {
	if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// close ends what is being answered, which would keep the store open.
func (a *admin) close() {
	a.stop()
	shutdown(a.server)
}

// answer writes what op does. An error before the first byte is the answer; one after it stands
// behind what was written.
func answer(w http.ResponseWriter, r *http.Request, s *storage.Store, op operation) {
	w.Header().Set("Trailer", failureTrailer)
	sent := false
	err := op(r.Context(), s, r.URL.Query(), writerFunc(func(p []byte) (int, error) {
		sent = true
		return w.Write(p)
	}))
	switch {
	case err == nil:
	case !sent:
		w.Header().Del("Trailer")
		http.Error(w, oneLine(err), http.StatusInternalServerError)
	default:
		w.Header().Set(failureTrailer, oneLine(err))
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// askServer asks the server that has the directory open. none says that there is no server.
func askServer(ctx context.Context, storagePath, name string, q url.Values) (body io.ReadCloser, none bool, err error) {
	socket := adminSocket(storagePath)
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if errors.Is(err, os.ErrPermission) {
		return nil, false, fmt.Errorf("a procmon server may be running, and %w: run this as the user that it runs as", err)
	}
	if err != nil {
		return nil, ctx.Err() == nil, ctx.Err()
	}
	transport := &http.Transport{
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableKeepAlives:  true,
		DisableCompression: true,
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://admin/"+name+"?"+q.Encode(), nil)
	if err != nil {
		return nil, false, errors.Join(err, conn.Close())
	}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return nil, false, fmt.Errorf("ask the procmon server that has %s open: %w", storagePath, err)
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		resp.Body.Close()
		return nil, false, fmt.Errorf("the procmon server that has %s open: %s", storagePath, strings.TrimSpace(string(text)))
	}
	return &answered{resp}, false, nil
}

// answered is the body of an answer, whose end is an error if the server says so.
type answered struct{ *http.Response }

func (a *answered) Read(p []byte) (int, error) {
	n, err := a.Body.Read(p)
	if failure := a.Trailer.Get(failureTrailer); errors.Is(err, io.EOF) && failure != "" {
		err = errors.New("the procmon server: " + failure)
	}
	return n, err
}

func (a *answered) Close() error { return a.Body.Close() }
