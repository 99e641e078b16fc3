package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"reflect"
	"sync"
	"syscall"
	"time"

	"github.com/oklog/run"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/procmon/procmon/config"
	"github.com/procmon/procmon/scraper"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/webui"
)

// options are what the command line says.
type options struct {
	configFile    string
	storagePath   string
	listenAddress string
	webConfigFile string
	logger        *slog.Logger
}

// configuration reads the configuration as the command line overrides it. Without a file it is
// fallback.
func (o options) configuration(fallback func() (*config.Config, error)) (*config.Config, error) {
	load := fallback
	if o.configFile != "" {
		load = func() (*config.Config, error) { return config.Load(o.configFile) }
	}
	cfg, err := load()
	if err != nil {
		return nil, err
	}
	if o.storagePath != "" {
		cfg.Storage.Path = o.storagePath
	}
	if o.listenAddress != "" {
		cfg.Web.ListenAddress = o.listenAddress
	}
	if o.webConfigFile != "" {
		cfg.Web.ConfigFile = o.webConfigFile
	}
	return cfg, nil
}

// server is a procmon server from its start to its end.
type server struct {
	logger    *slog.Logger
	configure func() (*config.Config, error) // reads the configuration, at start and at each reload
	running   *config.Config

	reloading sync.Mutex

	listener net.Listener
	store    *storage.Store
	admin    *admin // nil if there is none
	manager  *scraper.Manager
	receiver *scraper.Receiver
	pages    *webui.Server
	http     *http.Server
}

// serve runs a server until a signal ends it.
func serve(ctx context.Context, o options, stdout io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go boundGarbage(ctx)
	s, err := newServer(o.logger, func() (*config.Config, error) { return o.configuration(nil) })
	if err != nil {
		return err
	}
	defer s.close()
	return s.run(ctx, &run.Group{}, stdout)
}

// run serves until a signal, or one of the actors that g has already, ends it.
func (s *server) run(ctx context.Context, g *run.Group, stdout io.Writer) error {
	s.addActors(g)
	g.Add(run.SignalHandler(ctx, os.Interrupt, syscall.SIGTERM))
	fmt.Fprintf(stdout, "procmon serves %s\n", urlOf(s.listener, s.running.Web.ConfigFile != ""))
	defer signal.Reset(os.Interrupt, syscall.SIGTERM) // a second one ends at once what should take long to close
	if err := g.Run(); !errors.Is(err, run.ErrSignal) {
		return err
	}
	return nil
}

// newServer opens everything that can fail: configuration, address, store, targets.
func newServer(logger *slog.Logger, configure func() (*config.Config, error)) (_ *server, err error) {
	s := &server{logger: logger, configure: configure}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.running, err = configure(); err != nil {
		return nil, err
	}
	if err := web.Validate(s.running.Web.ConfigFile); err != nil {
		return nil, fmt.Errorf("web configuration %s: %w", s.running.Web.ConfigFile, err)
	}
	if s.listener, err = listen(s.running.Web.ListenAddress, "--web.listen-address"); err != nil {
		return nil, err
	}
	keep := s.running.Storage.Retention
	retention := keep.Longest() // at intake; the store knows better
	stored := storage.Options{
		Retention: time.Duration(keep.Time), RetentionSize: int64(keep.Size),
		Memory: int64(s.running.Storage.Memory), StaleAfter: staleAfter(s.running), Logger: logger,
	}
	if len(keep.Jobs) > 0 {
		stored.RetentionOf = keep.Of
	}
	if s.store, err = storage.Open(s.running.Storage.Path, stored); err != nil {
		return nil, err
	}
	if s.admin, err = newAdmin(s.store, s.running.Storage.Path, logger); err != nil {
		logger.Warn("procmon storage works only while this server is stopped", "err", err)
	}

	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		versioncollector.NewCollector("procmon"),
		s.store,
	)
	s.manager, err = scraper.New(scraper.Options{
		Appender: s.store, Logger: logger, Registerer: registry, Retention: retention, UserAgent: "procmon/" + version,
	})
	if err != nil {
		return nil, err
	}
	s.receiver, err = scraper.NewReceiver(scraper.ReceiverOptions{
		Appender: s.store, Logger: logger, Registerer: registry, Retention: retention,
	})
	if err != nil {
		return nil, err
	}
	if err := s.apply(s.running); err != nil {
		return nil, err
	}
	s.pages, err = webui.New(webui.Options{
		Store: s.store, AllowedHosts: allowedHosts(s.running, s.listener), Targets: s.manager.Targets, Receiver: s.receiver,
		Metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelError)}),
		Reload:  s.reload, ExternalURL: s.running.Web.ExternalURL.URL,
		Registerer: registry,
		Logger:     logger,
	})
	if err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler:           s.pages,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// apply takes over what a configuration says of targets and pushes: all of it or nothing.
func (s *server) apply(cfg *config.Config) error {
	keys, err := scraper.LoadKeys(pushTokens(cfg), cfg.Push.TokensFile)
	if err != nil {
		return err
	}
	if err := s.manager.Apply(jobs(cfg)); err != nil {
		return err
	}
	s.receiver.Apply(keys, int64(cfg.Push.MaxBodySize), cfg.Push.RateLimit)
	return nil
}

// reload reads the configuration again. An error leaves everything as it was.
func (s *server) reload(context.Context) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	cfg, err := s.configure()
	if err != nil {
		return err
	}
	if err := s.apply(cfg); err != nil {
		return err
	}
	if !reflect.DeepEqual(cfg.Storage, s.running.Storage) || !reflect.DeepEqual(cfg.Web, s.running.Web) {
		s.logger.Warn("storage and web are read at start only: restart procmon to change them")
	}
	s.logger.Info("configuration reloaded", "jobs", len(cfg.ScrapeConfigs))
	return nil
}

// addActors adds what runs as long as the server does.
func (s *server) addActors(g *run.Group) {
	ctx, cancel := context.WithCancel(context.Background())
	g.Add(func() error { return s.manager.Run(ctx) }, func(error) { cancel() })

	g.Add(func() error { return serveHTTP(s.http, s.listener, s.running.Web.ConfigFile, s.logger) }, func(error) {
		s.pages.Close() // what is live would not end by itself
		shutdown(s.http)
	})

	if a := s.admin; a != nil {
		g.Add(a.run, func(error) { a.close() })
	}

	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	done := make(chan struct{})
	g.Add(func() error {
		for {
			select {
			case <-done:
				return nil
			case <-hangups:
				if err := s.reload(ctx); err != nil {
					s.logger.Error("reload failed; the running configuration stays", "err", err)
				}
			}
		}
	}, func(error) {
		signal.Stop(hangups)
		close(done)
	})
}

// close closes what newServer opened, as far as it came. The store is closed last, after all
// that writes to it has ended.
func (s *server) close() {
	if s.listener != nil {
		s.listener.Close()
	}
	if s.admin != nil {
		s.admin.listener.Close()
	}
	if s.store != nil {
		if err := s.store.Close(); err != nil {
			s.logger.Error("close the store", "err", err)
		}
	}
}
