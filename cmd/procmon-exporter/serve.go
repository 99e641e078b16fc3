package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/oklog/run"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/urfave/cli/v2"

	"github.com/procmon/procmon/exporter"
	"github.com/procmon/procmon/exporter/push"
	"github.com/procmon/procmon/exporter/winsvc"
)

// serve is the command without a name: it ends with the context.
func serve(c *cli.Context) error {
	if c.NArg() > 0 {
		return fmt.Errorf("unknown command %q; see procmon-exporter --help", c.Args().First())
	}
	r, err := resolve(c)
	if err != nil {
		return err
	}
	ready, err := r.prepare()
	if err != nil {
		return err
	}
	return ready.serve(c.Context, r.logger(c.App.ErrWriter), func(address string) {
		if ownConsole() {
			fmt.Fprint(c.App.Writer, greeting(address, r))
		}
	})
}

// prepared is an exporter that has everything it needs but the system itself.
type prepared struct {
	*resolved
	exporter exporter.Options
}

// prepare finds what will keep the exporter from starting, as far as that is in its settings
// and the files that they name.
func (r *resolved) prepare() (*prepared, error) {
	o, err := r.options()
	if err != nil {
		return nil, err
	}
	return &prepared{resolved: r, exporter: o}, r.checkExposure(o.BearerToken != "")
}

// serve serves and pushes until ctx ends. It calls listening when clients can connect.
func (p *prepared) serve(ctx context.Context, log *slog.Logger, listening func(address string)) error {
	err := lowerPriority()
	if err != nil {
		log.Debug("the priority stays as it is", "error", err)
	}
	p.warnOfOpenSecrets(log)
	o := p.exporter
	o.Logger = log
	if o.Push.Key != "" && o.Push.Mode != push.Off && o.Push.Spool.Path == "" {
		if o.Push.Spool.Path, err = openUsualSpool(); err != nil {
			log.Warn("snapshots that cannot be delivered wait in memory only; name a directory with --push.spool.path", "error", err)
		}
	}
	e, err := exporter.New(o)
	if err != nil {
		return failed(err)
	}
	defer e.Close()
	listener, err := listen(ctx, p.Web.ListenAddress)
	if err != nil {
		return failed(err)
	}
	log.Info("procmon-exporter starts", "version", versionText(), "address", listener.Addr().String(), "configuration", p.file)
	listening(listener.Addr().String())
	return failed(serveUntil(ctx, e, listener, p.Web.ConfigFile, log))
}

// warnOfOpenSecrets tells of secrets that every user of this machine can read.
func (p *prepared) warnOfOpenSecrets(log *slog.Logger) {
	for key, file := range map[string]string{"web.token_file": p.Web.TokenFile, keyFileKey: p.Push.KeyFile} {
		if file == "" {
			continue
		}
		if open, err := winsvc.ReadableByEverybody(file); err == nil && open {
			log.Warn("every user of this machine can read the secret in a file; take their rights to it away", "setting", p.origin(key), "file", file)
		}
	}
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case isAddressInUse(err):
		return nil, fmt.Errorf("%s is in use by another program; stop it or choose another address with --web.listen-address", address)
	case err != nil:
		return nil, fmt.Errorf("listen on --web.listen-address %s: %w", address, err)
	}
	return l, nil
}

// serveUntil serves and pushes until ctx ends; then requests under way have a moment to end.
func serveUntil(ctx context.Context, e *exporter.Exporter, listener net.Listener, webConfig string, log *slog.Logger) error {
	server := exporter.NewServer(e.Handler())
	server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	var actors run.Group
	actors.Add(func() error {
		err := web.Serve(listener, server, &web.FlagConfig{WebConfigFile: &webConfig}, log)
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	}, func(error) {
		grace, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil {
			server.Close()
		}
	})
	running, stop := context.WithCancel(ctx)
	actors.Add(func() error { return e.Run(running) }, func(error) { stop() })
	err := actors.Run()
	log.Info("procmon-exporter ends")
	return err
}
