package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/procmon/procmon/exporter/push"
)

const defaultAddress = "127.0.0.1:9910"

const description = `Serves this host's processes: every one as JSON on /snapshot for a procmon server, grouped by
name on /metrics for Prometheus.

Snapshots hold names, users and command lines. On an address that is not loopback the exporter
therefore starts only with authentication (--web.token-file, or users or client certificates in
--web.config.file) or with --web.allow-anonymous.

With an API key (PROCESS_MONITOR_API_KEY or --push.key-file) it pushes snapshots to --push.url,
by default only while nobody pulls them.

Durations are seconds (60, 0.5) or have a unit (90s, 1m30s).`

func newApp(stdout, stderr io.Writer) *cli.App {
	return &cli.App{
		Name:            "procmon-exporter",
		Usage:           "collect and serve the processes of this host",
		UsageText:       "procmon-exporter [options]             serve until SIGINT or SIGTERM\n   procmon-exporter [options] snapshot    print one snapshot as JSON",
		Description:     description,
		Version:         versionText(),
		HideHelpCommand: true,
		Writer:          stdout,
		ErrWriter:       stderr,
		Flags:           flags(),
		Before:          checkFlags,
		Action:          serve,
		Commands: []*cli.Command{{
			Name:            "snapshot",
			Usage:           "print one snapshot of this host as JSON and exit",
			Description:     "CPU is measured over --cpu-sample-delay, which stands before the command:\n\n   procmon-exporter --cpu-sample-delay 1 snapshot",
			HideHelpCommand: true,
			Action:          printSnapshot,
			OnUsageError:    usageError,
		}},
		OnUsageError:   usageError,
		ExitErrHandler: func(*cli.Context, error) {}, // main prints the error, once
	}
}

// usageError keeps the error to its one line: help is a flag away.
func usageError(_ *cli.Context, err error, _ bool) error {
	return fmt.Errorf("%w; see procmon-exporter --help", err)
}

func flags() []cli.Flag {
	const web, collecting, pushing, logging = "Web:", "Collecting:", "Push:", "Log:"
	return []cli.Flag{
		&cli.StringFlag{Category: web, Name: "web.listen-address", Value: defaultAddress, Usage: "serve on `HOST:PORT`"},
		&cli.StringFlag{Category: web, Name: "web.config.file", Usage: "`FILE` with TLS, client certificates and users, in the format of https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md"},
		&cli.StringFlag{Category: web, Name: "web.token-file", Usage: "`FILE` with a token that clients must send as \"Authorization: Bearer TOKEN\""},
		&cli.BoolFlag{Category: web, Name: "web.allow-anonymous", Usage: "serve on an address that is not loopback without authentication"},

		&cli.GenericFlag{Category: collecting, Name: "cpu-sample-delay", Value: newSeconds(150 * time.Millisecond), EnvVars: []string{"PROCESS_MONITOR_CPU_SAMPLE_DELAY"}, Usage: "measure CPU over `DURATION` at the first collection; 0 leaves CPU out of it"},
		&cli.IntFlag{Category: collecting, Name: "metrics.max-series", Value: 2000, Usage: "show at most `N` series of processes and their groups in /metrics"},

		&cli.StringFlag{Category: pushing, Name: "push.mode", Value: string(push.Fallback), Usage: "`WHEN` to push: off, fallback (while nobody has pulled for three intervals) or always"},
		&cli.StringFlag{Category: pushing, Name: "push.url", Value: push.DefaultURL, EnvVars: []string{"PROCESS_MONITOR_BACKEND"}, Usage: "push to `URL`"},
		&cli.StringFlag{Category: pushing, Name: "push.key-file", Usage: "`FILE` with the API key; without it the key is the value of PROCESS_MONITOR_API_KEY, and without either nothing is pushed"},
		&cli.GenericFlag{Category: pushing, Name: "push.interval", Value: newSeconds(time.Minute), EnvVars: []string{"PROCESS_MONITOR_INTERVAL"}, Usage: "push every `DURATION`"},

		&cli.StringFlag{Category: logging, Name: "log.level", Value: "info", Usage: "log from `LEVEL`: debug, info, warn or error"},
		&cli.StringFlag{Category: logging, Name: "log.format", Value: "logfmt", Usage: "log as `FORMAT`: logfmt or json"},
	}
}

// checkFlags refuses what no command could do anything with.
func checkFlags(c *cli.Context) error {
	if delay := secondsFlag(c, "cpu-sample-delay"); delay > time.Minute {
		return fmt.Errorf("--cpu-sample-delay: %v is too long; the longest is 60s", delay)
	}
	if interval := secondsFlag(c, "push.interval"); interval < time.Second {
		return fmt.Errorf("--push.interval: %v is too short; the shortest is 1s", interval)
	}
	if n := c.Int("metrics.max-series"); n < 1 {
		return fmt.Errorf("--metrics.max-series: %d is not a number from 1", n)
	}
	if _, err := newLogger(c); err != nil {
		return err
	}
	_, err := push.ParseMode(c.String("push.mode"))
	if err != nil {
		return fmt.Errorf("--push.mode: %w", err)
	}
	return nil
}

func versionText() string {
	v := version
	if info, ok := debug.ReadBuildInfo(); ok && v == "" {
		v = info.Main.Version
	}
	if v == "" {
		v = "(devel)"
	}
	return strings.Join([]string{v, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}, " ")
}
