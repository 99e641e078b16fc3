package agent

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A Duration is a number of seconds, like 60 or 0.5, or has a unit, like 90s, 1m30s or 24h.
type Duration time.Duration

// longest keeps what is computed with durations in range.
const longest = 366 * 24 * time.Hour

// ParseDuration reads what a file, a flag or an environment variable says.
func ParseDuration(text string) (Duration, error) {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		if math.IsNaN(n) || n < 0 || n > longest.Seconds() {
			return 0, fmt.Errorf("%q is not from 0 to %.0f seconds", text, longest.Seconds())
		}
		return Duration(math.Round(n * float64(time.Second))), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is neither a number of seconds, like 60 or 0.5, nor a duration, like 90s, 1m30s or 24h", text)
	}
	if d > longest {
		return 0, fmt.Errorf("%q is too long; the longest is %v", text, longest)
	}
	return Duration(d), nil
}

func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (d *Duration) UnmarshalYAML(n *yaml.Node) (err error) {
	*d, err = ParseDuration(n.Value)
	return err
}

// A Regexp is a regular expression that compiles.
type Regexp struct{ *regexp.Regexp }

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *Regexp) UnmarshalYAML(n *yaml.Node) error {
	const most = 4096 // bytes
	if n.Value == "" || len(n.Value) > most {
		return fmt.Errorf("a regular expression of 1 to %d bytes is wanted here", most)
	}
	var err error
	if r.Regexp, err = regexp.Compile(n.Value); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: ") + "; the syntax is that of https://golang.org/s/re2syntax")
	}
	return nil
}
