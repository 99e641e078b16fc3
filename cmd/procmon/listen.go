package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
)

// listen opens an address; the error says what the user can do, with the flag that sets it.
func listen(address, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("cannot listen on %s: another program does; stop it, or choose another address with %s", address, flag)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("cannot listen on %s: permission denied; choose a port above 1023 with %s", address, flag)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("cannot listen on %s: this machine does not have that address; choose another with %s", address, flag)
	default:
		return nil, fmt.Errorf("cannot listen on %q: %w; %s takes HOST:PORT or :PORT", address, err, flag)
	}
}

// serveHTTP answers requests until the server is shut down. webConfigFile, if any, holds its TLS
// and authentication.
func serveHTTP(server *http.Server, l net.Listener, webConfigFile string, logger *slog.Logger) error {
	flags := &web.FlagConfig{WebListenAddresses: &[]string{l.Addr().String()}, WebSystemdSocket: new(bool), WebConfigFile: &webConfigFile}
	// The toolkit logs its start at info, which is the one line too many beside our own.
	quiet := slog.New(atLeast{logger.Handler(), slog.LevelWarn})
	if err := web.Serve(l, server, flags, quiet); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// shutdown lets running requests end, for a while.
func shutdown(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		server.Close()
	}
}

// urlOf returns what a browser on this machine opens to see what listens at l.
func urlOf(l net.Listener, tls bool) string {
	address := l.Addr().(*net.TCPAddr)
	host := address.IP.String()
	if address.IP.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if tls {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s/", scheme, net.JoinHostPort(host, fmt.Sprint(address.Port)))
}

// atLeast passes on what is of a level or above.
type atLeast struct {
	slog.Handler
	level slog.Level
}

func (h atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level && h.Handler.Enabled(ctx, level)
}
