package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/oklog/run"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/urfave/cli/v2"

	"github.com/procmon/procmon/exporter"
	"github.com/procmon/procmon/exporter/push"
)

// serve is the command without a name: it ends with the context.
func serve(c *cli.Context) error {
	if c.NArg() > 0 {
		return fmt.Errorf("unknown command %q; see procmon-exporter --help", c.Args().First())
	}
	log, err := newLogger(c)
	if err != nil {
		return err
	}
	o, err := options(c)
	if err != nil {
		return err
	}
	o.Logger = log
	address, webConfig := c.String("web.listen-address"), c.String("web.config.file")
	authenticates, err := readWebConfig(webConfig)
	if err != nil {
		return err
	}
	if err := checkExposure(address, authenticates || o.BearerToken != "", c.Bool("web.allow-anonymous")); err != nil {
		return err
	}
	e, err := exporter.New(o)
	if err != nil {
		return failed(err)
	}
	defer e.Close()
	listener, err := listen(address)
	if err != nil {
		return failed(err)
	}
	log.Info("procmon-exporter starts", "version", c.App.Version, "address", listener.Addr().String())
	return failed(serveUntil(c.Context, e, listener, webConfig, log))
}

// options turns flags into what the exporter is made of.
func options(c *cli.Context) (exporter.Options, error) {
	o := exporter.Options{
		Version:        version,
		CPUSampleDelay: secondsFlag(c, "cpu-sample-delay"),
		Metrics:        exporter.MetricsOptions{MaxSeries: c.Int("metrics.max-series")},
		Push: push.Options{
			Mode:     push.Mode(c.String("push.mode")),
			URL:      c.String("push.url"),
			Interval: secondsFlag(c, "push.interval"),
			Key:      strings.TrimSpace(os.Getenv("PROCESS_MONITOR_API_KEY")),
		},
	}
	if o.CPUSampleDelay == 0 {
		o.CPUSampleDelay = -1
	}
	if err := o.Push.Check(); err != nil {
		return o, err
	}
	if err := checkSecret(o.Push.Key); err != nil {
		return o, fmt.Errorf("PROCESS_MONITOR_API_KEY: %w", err)
	}
	var err error
	if file := c.String("push.key-file"); file != "" {
		if o.Push.Key, err = readSecret(file); err != nil {
			return o, fmt.Errorf("--push.key-file: %w", err)
		}
	}
	if file := c.String("web.token-file"); file != "" {
		if o.BearerToken, err = readSecret(file); err != nil {
			return o, fmt.Errorf("--web.token-file: %w", err)
		}
	}
	return o, nil
}

// readSecret returns the one line of a file.
func readSecret(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	if err := checkSecret(secret); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return secret, nil
}

// checkSecret says whether a secret can be sent in a header, without telling it.
func checkSecret(secret string) error {
	const longest = 4096 // bytes
	if len(secret) > longest || strings.ContainsFunc(secret, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Errorf("not one line of at most %d printable ASCII characters", longest)
	}
	return nil
}

func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
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
