package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/procmon/procmon/exporter"
	"github.com/procmon/procmon/exporter/push"
)

func printSnapshot(c *cli.Context) error {
	if c.NArg() > 0 {
		return fmt.Errorf("snapshot takes no argument, but got %q", c.Args().First())
	}
	r, err := resolve(c)
	if err != nil {
		return err
	}
	o, err := r.options()
	if err != nil {
		return err
	}
	o.Push = push.Options{Mode: push.Off}
	e, err := exporter.New(o)
	if err != nil {
		return failed(err)
	}
	defer e.Close()
	return failed(e.WriteSnapshot(c.Context, c.App.Writer))
}
