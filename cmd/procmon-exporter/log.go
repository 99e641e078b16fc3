package main

import (
	"fmt"
	"log/slog"

	"github.com/urfave/cli/v2"
)

// newLogger logs to stderr: stdout is for answers.
func newLogger(c *cli.Context) (*slog.Logger, error) {
	var level slog.Level
	switch name := c.String("log.level"); name {
	case "debug", "info", "warn", "error":
		if err := level.UnmarshalText([]byte(name)); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("--log.level: %q is not one of debug, info, warn and error", name)
	}
	o := &slog.HandlerOptions{Level: level}
	switch format := c.String("log.format"); format {
	case "logfmt":
		return slog.New(slog.NewTextHandler(c.App.ErrWriter, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(c.App.ErrWriter, o)), nil
	default:
		return nil, fmt.Errorf("--log.format: %q is not one of logfmt and json", format)
	}
}
