package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

// checkConfig says whether the exporter would start with a file.
func checkConfig(c *cli.Context) error {
	if c.NArg() > 1 {
		return fmt.Errorf("check-config takes one FILE, but got %q too", c.Args().Get(1))
	}
	if c.NArg() == 1 {
		if err := c.Set(configFlag, c.Args().First()); err != nil {
			return err
		}
	} else if file, _ := configFile(c); file == "" {
		return fmt.Errorf("there is no %s; name a FILE", usualConfigFile())
	}
	r, err := resolve(c)
	if err != nil {
		return err
	}
	if _, err := r.prepare(); err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "%s is valid\n", r.file)
	return nil
}
