package main

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/oklog/run"

	"github.com/procmon/procmon/config"
	"github.com/procmon/procmon/exporter"
	"github.com/procmon/procmon/exporter/redact"
)

const defaultExporterAddress = "127.0.0.1:9910"

// serveStandalone runs a server and the exporter of this machine until a signal ends them.
// Without a configuration file the exporter is the only target.
func serveStandalone(ctx context.Context, o options, exporterAddress string, stdout io.Writer) error {
	listener, err := listen(exporterAddress, "--exporter.listen-address")
	if err != nil {
		return err
	}
	defer listener.Close()
	if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		return fmt.Errorf("the exporter of standalone has no authentication, so %s must be a loopback address; run procmon-exporter by itself to serve others", exporterAddress)
	}
	secrets, err := redact.New(redact.Options{})
	if err != nil {
		return err
	}
	agent, err := exporter.New(exporter.Options{Logger: o.logger, Version: version, Redact: secrets.Line})
	if err != nil {
		return err
	}
	defer agent.Close()
	s, err := newServer(o.logger, func() (*config.Config, error) {
		return o.configuration(func() (*config.Config, error) {
			return config.Parse("standalone", fmt.Appendf(nil, standaloneConfig, listener.Addr()))
		})
	})
	if err != nil {
		return err
	}
	defer s.close()

	var g run.Group
	collecting, stopCollecting := context.WithCancel(ctx)
	g.Add(func() error { return agent.Run(collecting) }, func(error) { stopCollecting() })
	server := exporter.NewServer(agent.Handler())
	g.Add(func() error { return serveHTTP(server, listener, "", o.logger) }, func(error) { shutdown(server) })
	return s.run(ctx, &g, stdout)
}

// standaloneConfig is what standalone runs with if it is given no file.
const standaloneConfig = `
global: {scrape_interval: 5s, scrape_timeout: 5s}
scrape_configs:
  - job_name: standalone
    static_configs: [{targets: ["%s"]}]
`
