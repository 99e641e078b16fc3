package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"
)

const description = `Serves this host's processes: every one as JSON on /snapshot for a procmon server, grouped by
name on /metrics for Prometheus.

Snapshots hold names, users and command lines. On an address that is not loopback the exporter
therefore starts only with authentication (--web.token-file, or users or client certificates in
--web.config.file) or with --web.allow-anonymous.

With an API key (PROCESS_MONITOR_API_KEY or --push.key-file) it pushes snapshots to --push.url,
by default only while nobody pulls them.

An option stands above an environment variable, and that above the configuration file, which has
more: rules for groups, processes with series of their own, patterns of secrets.

Durations are seconds (60, 0.5) or have a unit (90s, 1m30s, 24h).`

func newApp(stdout, stderr io.Writer) *cli.App {
	return &cli.App{
		Name:  "procmon-exporter",
		Usage: "collect and serve the processes of this host",
		UsageText: `procmon-exporter [options]                      serve until SIGINT or SIGTERM
procmon-exporter [options] snapshot             print one snapshot as JSON
procmon-exporter [options] check-config [FILE]  say whether it would start with these settings
procmon-exporter service COMMAND [options]      install, uninstall, start, stop, status: the Windows service`,
		Description:     description,
		Version:         versionText(),
		HideHelpCommand: true,
		Writer:          stdout,
		ErrWriter:       stderr,
		Flags:           flags(),
		Action:          serve,
		Commands: []*cli.Command{{
			Name:            "snapshot",
			Usage:           "print one snapshot of this host as JSON and exit",
			Description:     "CPU is measured over --cpu-sample-delay, which stands before the command:\n\n   procmon-exporter --cpu-sample-delay 1 snapshot",
			HideHelpCommand: true,
			Action:          printSnapshot,
			OnUsageError:    usageError,
		}, {
			Name:            "check-config",
			Usage:           "say whether a configuration file is valid",
			UsageText:       "procmon-exporter check-config [FILE]",
			Description:     "It is valid if the exporter would start with it; files that it names are read too. Without FILE\nit is the file that the exporter would read.",
			HideHelpCommand: true,
			Action:          checkConfig,
			OnUsageError:    usageError,
		}, serviceCommand()},
		OnUsageError:   usageError,
		ExitErrHandler: func(*cli.Context, error) {}, // main prints the error, once
	}
}

// usageError keeps the error to its one line: help is a flag away.
func usageError(_ *cli.Context, err error, _ bool) error {
	return fmt.Errorf("%w; see procmon-exporter --help", err)
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
