package agent

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/procmon/procmon/config/internal/strict"
)

// Validate says what is wrong with c, as an *Error with the key where it is.
func (c *Config) Validate() error {
	if at, err := c.validate(); err != nil {
		return &Error{Key: at.String(), Problem: err.Error()}
	}
	return nil
}

func (c *Config) validate() (strict.Key, error) {
	for _, check := range []func() (strict.Key, error){
		c.validateWeb, c.validateCollector, c.validateCommandLines, c.validateMetrics, c.validatePush, c.validateLog,
	} {
		if at, err := check(); err != nil {
			return at, err
		}
	}
	return nil, nil
}

func (c *Config) validateWeb() (strict.Key, error) {
	_, port, err := net.SplitHostPort(c.Web.ListenAddress)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return strict.Key{"web", "listen_address"}, fmt.Errorf("%q is not of the form HOST:PORT, like 127.0.0.1:9910 or :9910", c.Web.ListenAddress)
	}
	return nil, nil
}

func (c *Config) validateCollector() (strict.Key, error) {
	const most = Duration(time.Minute)
	if d := c.Collector.CPUSampleDelay; d > most {
		return strict.Key{"collector", "cpu_sample_delay"}, fmt.Errorf("%v is too long; the longest is %v", d, most)
	}
	return nil, nil
}

func (c *Config) validateCommandLines() (strict.Key, error) {
	return strict.Key{"command_lines", "mode"}, oneOf(c.CommandLines.Mode, "redact", "strip", "off")
}

func (c *Config) validateMetrics() (strict.Key, error) {
	const mostSeries, mostProcesses = 1_000_000, 1000
	at := strict.Key{"metrics"}
	if n := c.Metrics.MaxSeries; n < 1 || n > mostSeries {
		return at.With("max_series"), fmt.Errorf("%d is not a number from 1 to %d", n, mostSeries)
	}
	for i, g := range c.Metrics.Groups {
		at := at.With("groups").With(i)
		if g.Group == "" || len(g.Group) > 256 || strings.ContainsFunc(g.Group, unicode.IsControl) {
			return at.With("group"), errors.New("a name of 1 to 256 bytes without control characters is wanted here")
		}
		if g.Name == nil && g.Exe == nil && g.User == nil && g.Cmdline == nil {
			return at, errors.New("matches every process; give at least one of name, exe, user and cmdline")
		}
	}
	if n := c.Metrics.Processes.Top; n < 0 || n > mostProcesses {
		return at.With("processes").With("top"), fmt.Errorf("%d is not a number from 0 to %d", n, mostProcesses)
	}
	return nil, nil
}

func (c *Config) validatePush() (strict.Key, error) {
	at, p := strict.Key{"push"}, &c.Push
	if err := oneOf(p.Mode, "off", "fallback", "always"); err != nil {
		return at.With("mode"), err
	}
	if err := checkURL(p.URL, "http", "https"); err != nil {
		return at.With("url"), err
	}
	if p.Interval < Duration(time.Second) {
		return at.With("interval"), fmt.Errorf("%v is too short; the shortest is 1s", p.Interval)
	}
	if p.ProxyURL != "" {
		if err := checkURL(p.ProxyURL, "http", "https", "socks5", "socks5h"); err != nil {
			return at.With("proxy_url"), err
		}
	}
	const least = ByteSize(1 << 20)
	if p.Spool.MaxSize < least {
		return at.With("spool").With("max_size"), fmt.Errorf("%v is too little; the least is %v", p.Spool.MaxSize, least)
	}
	if p.Spool.MaxAge < Duration(time.Minute) {
		return at.With("spool").With("max_age"), fmt.Errorf("%v is too short; the shortest is 1m", p.Spool.MaxAge)
	}
	if p.Spool.MaxAge < p.Interval {
		return at.With("spool").With("max_age"), fmt.Errorf("%v is shorter than the interval of %v", p.Spool.MaxAge, p.Interval)
	}
	return nil, nil
}

func (c *Config) validateLog() (strict.Key, error) {
	if err := oneOf(c.Log.Level, "debug", "info", "warn", "error"); err != nil {
		return strict.Key{"log", "level"}, err
	}
	return strict.Key{"log", "format"}, oneOf(c.Log.Format, "logfmt", "json")
}

func oneOf(got string, allowed ...string) error {
	if slices.Contains(allowed, got) {
		return nil
	}
	last := len(allowed) - 1
	return fmt.Errorf("%q is not one of %s and %s", got, strings.Join(allowed[:last], ", "), allowed[last])
}

// checkURL wants HOST:PORT after one of the schemes. A password in it would be a secret where
// everybody looks, and a URL that is wrong may hold one anywhere: the error is without it.
func checkURL(text string, schemes ...string) error {
	u, err := url.Parse(text)
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" {
		last := len(schemes) - 1
		return fmt.Errorf("not of the form SCHEME://HOST:PORT/PATH with the scheme %s or %s", strings.Join(schemes[:last], ", "), schemes[last])
	}
	if u.User != nil {
		return errors.New("has a user or a password in it, which would print")
	}
	return nil
}
