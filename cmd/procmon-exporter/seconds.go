package main

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"
)

// seconds is a duration flag that also takes a bare number of seconds, as the documented
// environment variables do.
type seconds time.Duration

func newSeconds(d time.Duration) *seconds { return (*seconds)(&d) }

func (s *seconds) Set(text string) error {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		const longest = 366 * 24 * 60 * 60 // a year
		if math.IsNaN(n) || n < 0 || n > longest {
			return fmt.Errorf("%q is not from 0 to %d seconds", text, longest)
		}
		*s = seconds(math.Round(n * float64(time.Second)))
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is neither a number of seconds, like 60 or 0.5, nor a duration, like 90s or 1m30s", text)
	}
	*s = seconds(d)
	return nil
}

func (s *seconds) String() string {
	if s == nil {
		return ""
	}
	return time.Duration(*s).String()
}

func secondsFlag(c *cli.Context, name string) time.Duration {
	return time.Duration(*c.Generic(name).(*seconds))
}
