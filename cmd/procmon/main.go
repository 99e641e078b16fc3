// Command procmon is the server: it pulls snapshots from procmon-exporters, keeps them, and
// shows them. It is the place where all packages are wired.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/procmon/procmon/scraper"
)

// version is set by the linker.
var version = "unknown"

func main() {
	os.Exit(execute(context.Background(), os.Args, os.Stdout, os.Stderr))
}

// errUsage marks what is wrong with the command line itself.
var errUsage = errors.New("see procmon --help")

// execute returns the exit code: 0, 1 for an error, 2 for a wrong command line.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	app := newApp(stdout, stderr)
	err := app.RunContext(ctx, args)
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "procmon: %v\n", err)
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

func newApp(stdout, stderr io.Writer) *cli.App {
	usage := func(_ *cli.Context, err error, _ bool) error { return fmt.Errorf("%w; %w", err, errUsage) }
	return &cli.App{
		Name:            "procmon",
		Usage:           "keeps every process of every host, and shows it now or at any instant",
		Version:         version,
		HideHelpCommand: true,
		Writer:          stdout,
		ErrWriter:       stderr,
		ExitErrHandler:  func(*cli.Context, error) {}, // execute prints the error, once
		OnUsageError:    usage,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return fmt.Errorf("there is no command %q; %w", c.Args().First(), errUsage)
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{
			{
				Name:         "server",
				Usage:        "scrape the targets of a configuration, store and serve what they deliver",
				Flags:        append(serverFlags(&cli.StringFlag{Usage: "the configuration", Value: "procmon.yaml"}), logFlags()...),
				OnUsageError: usage,
				Action: withoutArguments(func(c *cli.Context) error {
					return serve(c.Context, optionsOf(c), stdout)
				}),
			},
			{
				Name:  "standalone",
				Usage: "server and exporter in one process; needs no configuration",
				Flags: append(append(serverFlags(&cli.StringFlag{Usage: "a configuration; without it this machine is the only target"}), &cli.StringFlag{
					Name:  "exporter.listen-address",
					Usage: "where the exporter listens",
					Value: defaultExporterAddress,
				}), logFlags()...),
				OnUsageError: usage,
				Action: withoutArguments(func(c *cli.Context) error {
					return serveStandalone(c.Context, optionsOf(c), c.String("exporter.listen-address"), stdout)
				}),
			},
			{
				Name:         "check-config",
				Usage:        "say whether a configuration is right, and what is wrong with it",
				ArgsUsage:    "FILE",
				OnUsageError: usage,
				Action:       func(c *cli.Context) error { return checkConfig(c.Args().Slice(), stdout) },
			},
			storageCommand(stdout, stderr, usage),
			{
				Name:            "token",
				Usage:           "keys of the push",
				HideHelpCommand: true,
				Subcommands: []*cli.Command{{
					Name:         "new",
					Usage:        "print a new random key",
					OnUsageError: usage,
					Action: withoutArguments(func(*cli.Context) error {
						_, err := fmt.Fprintln(stdout, scraper.NewToken())
						return err
					}),
				}, {
					Name:         "hash",
					Usage:        "print the hash of a key, for push.tokens; without KEY it is read from standard input",
					ArgsUsage:    "[KEY]",
					OnUsageError: usage,
					Action:       func(c *cli.Context) error { return hashToken(c.Args().Slice(), c.App.Reader, stdout, stderr) },
				}},
			},
		},
	}
}

// withoutArguments refuses what stands after the flags, where it would be passed over in silence.
func withoutArguments(action cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		if c.Args().Present() {
			return fmt.Errorf("%s takes no argument, and got %q; %w", c.Command.FullName(), c.Args().First(), errUsage)
		}
		return action(c)
	}
}

func serverFlags(config *cli.StringFlag) []cli.Flag {
	config.Name = "config.file"
	return []cli.Flag{
		config,
		&cli.StringFlag{Name: "storage.path", Usage: "directory of the database; overrides storage.path of the configuration"},
		&cli.StringFlag{Name: "web.listen-address", Usage: "where pages and API are served; overrides web.listen_address of the configuration"},
		&cli.StringFlag{Name: "web.config.file", Usage: "TLS and authentication of pages and API; overrides web.config_file of the configuration"},
	}
}

func logFlags() []cli.Flag {
	return []cli.Flag{
		&cli.GenericFlag{Name: "log.level", Usage: "debug, info, warn or error", Value: &oneOf{allowed: []string{"debug", "info", "warn", "error"}, value: "info"}},
		&cli.GenericFlag{Name: "log.format", Usage: "text or json", Value: &oneOf{allowed: []string{"text", "json"}, value: "text"}},
	}
}

func optionsOf(c *cli.Context) options {
	return options{
		configFile:    c.String("config.file"),
		storagePath:   c.String("storage.path"),
		listenAddress: c.String("web.listen-address"),
		webConfigFile: c.String("web.config.file"),
		logger:        newLogger(c.App.ErrWriter, c.Generic("log.level").(*oneOf).value, c.Generic("log.format").(*oneOf).value),
	}
}

func newLogger(w io.Writer, level, format string) *slog.Logger {
	o := &slog.HandlerOptions{Level: map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}[level]}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
