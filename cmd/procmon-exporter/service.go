package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/procmon/procmon/exporter/winsvc"
)

const (
	serviceName        = "procmon-exporter"
	serviceDisplayName = "procmon exporter"
	serviceDescription = "Serves this host's processes to a procmon server and to Prometheus."

	installDescription = `The options that the service shall use stand before "service" or after "install". They are checked
first: what will not start is not installed. Relative paths become absolute. What is not given is
read from the configuration file at each start.

   procmon-exporter service install --web.listen-address=:9910 --web.token-file=C:\ProgramData\procmon\token

The service starts with the machine, a little after the others, and again 5, 30 and 60 seconds after
it failed. Its log is the Application log of the Event Viewer. C:\ProgramData\procmon, with what is in
it, becomes readable for administrators and the service only.`
)

func serviceCommand() *cli.Command {
	name := func() cli.Flag {
		return &cli.StringFlag{Name: "name", Value: serviceName, Usage: "`NAME` of the service"}
	}
	command := func(name, usage string, action cli.ActionFunc, flags ...cli.Flag) *cli.Command {
		return &cli.Command{Name: name, Usage: usage, Flags: flags, HideHelpCommand: true, OnUsageError: usageError, Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return fmt.Errorf("service %s takes no argument, but got %q", name, c.Args().First())
			}
			if err := winsvc.CheckName(c.String("name")); err != nil {
				return fmt.Errorf("--name: %w", err)
			}
			return explained(c, action(c))
		}}
	}
	install := command("install", "install the service; its options are those of procmon-exporter", installService, append([]cli.Flag{
		name(),
		&cli.StringFlag{Name: "account", Usage: "run as `ACCOUNT`, like \"NT AUTHORITY\\LocalService\", DOMAIN\\name, or DOMAIN\\name$ for a group managed one, which must have the right to log on as a service; another than LocalSystem sees less of other users' processes", DefaultText: winsvc.LocalSystem},
		&cli.StringFlag{Name: "password-file", Usage: "`FILE` with the account's password"},
		&cli.BoolFlag{Name: "replace", Usage: "change the service if it is there; if it runs, it runs again afterwards"},
	}, flags()...)...)
	install.Description = installDescription
	run := command("run", "run as a service; the service manager calls this", runService, append([]cli.Flag{name()}, flags()...)...)
	run.Hidden = true
	return &cli.Command{
		Name:            "service",
		Usage:           "install, remove, start and stop the Windows service",
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return errors.New("service wants one of install, uninstall, start, stop and status; see procmon-exporter service --help")
			}
			return fmt.Errorf("unknown command %q; service wants one of install, uninstall, start, stop and status", c.Args().First())
		},
		Subcommands: []*cli.Command{
			install,
			command("uninstall", "stop and remove the service; its data stay", uninstallService, name(),
				&cli.BoolFlag{Name: "purge", Usage: "remove settings, tokens and spool too"}),
			command("start", "start the service", func(c *cli.Context) error { return failed(winsvc.Start(c.String("name"))) }, name()),
			command("stop", "stop the service", func(c *cli.Context) error { return failed(winsvc.Stop(c.String("name"))) }, name()),
			command("status", "say how the service is; the exit code is 0 if it runs, 3 if not, 4 if it is not installed", printStatus, name()),
			run,
		},
	}
}

// explained says what to do about the errors of package winsvc.
func explained(c *cli.Context, err error) error {
	var hint string
	switch {
	case errors.Is(err, winsvc.ErrUnsupported):
		return errors.New(`"service" is for Windows; on this system use systemd, see docs/installing.md`)
	case errors.Is(err, winsvc.ErrInstalled):
		hint = `; "procmon-exporter service install --replace" changes it`
	case errors.Is(err, winsvc.ErrNotInstalled):
		hint = `; "procmon-exporter service install" does that`
	case errors.Is(err, winsvc.ErrNotManager):
		hint = `; use "procmon-exporter service start", or procmon-exporter alone to see what it does`
	case errors.Is(err, winsvc.ErrNotAdministrator):
	default:
		return err
	}
	return failed(fmt.Errorf("%s: %w%s", c.String("name"), err, hint))
}

func installService(c *cli.Context) error {
	if runtime.GOOS != "windows" {
		return winsvc.ErrUnsupported
	}
	config, err := serviceConfig(c)
	if err != nil {
		return err
	}
	if err := winsvc.Install(config); err != nil {
		return failed(err)
	}
	fmt.Fprintf(c.App.Writer, "%s is installed. Start it with: procmon-exporter service start\n", config.Name)
	return nil
}

// serviceConfig checks what the command line says, and returns the service that does it.
func serviceConfig(c *cli.Context) (winsvc.Config, error) {
	config := winsvc.Config{
		Name: c.String("name"), DisplayName: serviceDisplayName, Description: serviceDescription,
		Account: c.String("account"), Replace: c.Bool("replace"),
		Directory: dataDirectory(), Spool: spoolDirectory(),
	}
	r, err := resolve(c)
	if err != nil {
		return config, err
	}
	if _, err := r.prepare(); err != nil {
		return config, err
	}
	if r.Push.Spool.Path != "" {
		config.Spool = r.Push.Spool.Path
	}
	if file := c.String("password-file"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return config, fmt.Errorf("--password-file: %w", err)
		}
		config.Password = strings.TrimRight(strings.TrimPrefix(string(text), "\uFEFF"), "\r\n")
	}
	if config.Program, err = os.Executable(); err != nil {
		return config, fmt.Errorf("find the path of this program: %w", err)
	}
	if config.Program, err = filepath.Abs(config.Program); err != nil {
		return config, fmt.Errorf("find the path of this program: %w", err)
	}
	given, err := arguments(c)
	if err != nil {
		return config, err
	}
	config.Args = []string{"service", "run"}
	if config.Name != serviceName {
		config.Args = append(config.Args, "--name="+config.Name)
	}
	config.Args = append(config.Args, given...)
	return config, nil
}

func uninstallService(c *cli.Context) error {
	if err := winsvc.Uninstall(c.String("name")); err != nil {
		return failed(err)
	}
	if c.Bool("purge") {
		return failed(winsvc.RemoveAll(dataDirectory()))
	}
	return nil
}

func printStatus(c *cli.Context) error {
	const exitStopped, exitNotInstalled = 3, 4 // as systemctl status
	name := c.String("name")
	status, err := winsvc.Query(name)
	if errors.Is(err, winsvc.ErrNotInstalled) {
		fmt.Fprintf(c.App.Writer, "%s is not installed\n", name)
		return exitCode(exitNotInstalled)
	}
	if err != nil {
		return failed(err)
	}
	fmt.Fprint(c.App.Writer, status)
	if !status.Running() {
		return exitCode(exitStopped)
	}
	return nil
}

// runService serves until the service manager says stop. What keeps it from starting is in
// the event log.
func runService(c *cli.Context) error {
	return failed(winsvc.Run(c.String("name"), func(ctx context.Context, log *slog.Logger, level *slog.LevelVar, running func()) error {
		r, err := resolve(c)
		if err != nil {
			return err
		}
		level.Set(r.level())
		ready, err := r.prepare()
		if err != nil {
			return err
		}
		return ready.serve(ctx, log, func(string) { running() })
	}))
}
