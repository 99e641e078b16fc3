package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/procmon/procmon/config/agent"
)

// A setting is a flag that stands above a key of the configuration file.
type setting struct {
	category, flag string
	key            string // of exporter.yaml; "" is the flag with a - for a _
	variable       string // of the environment, which stands between flag and file
	boolean, path  bool
	usage          string
}

const (
	categoryWeb     = "Web:"
	categoryCollect = "Collecting:"
	categoryMetrics = "Metrics:"
	categoryPush    = "Push:"
	categoryLog     = "Log:"

	configFlag = "config.file"
	keyFileKey = "push.key_file"
)

// settings are all that can be said on the command line, in an environment variable and in
// the file; a flag stands above a variable, a variable above the file, the file above the default.
func settings() []setting {
	return []setting{
		{category: categoryWeb, flag: "web.listen-address", usage: "serve on `HOST:PORT`; :9910 is every address"},
		{category: categoryWeb, flag: "web.config.file", key: "web.config_file", path: true, usage: "`FILE` with TLS, client certificates and users, in the format of https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md"},
		{category: categoryWeb, flag: "web.token-file", path: true, usage: "`FILE` with a token that clients must send as \"Authorization: Bearer TOKEN\""},
		{category: categoryWeb, flag: "web.allow-anonymous", boolean: true, usage: "serve on an address that is not loopback without authentication"},

		{category: categoryCollect, flag: "cpu-sample-delay", key: "collector.cpu_sample_delay", variable: "PROCESS_MONITOR_CPU_SAMPLE_DELAY", usage: "measure CPU over `DURATION` at the first collection; 0 leaves CPU out of it"},
		{category: categoryCollect, flag: "collector.events", boolean: true, usage: "record starts and ends of processes between collections; needs the rights of root or administrator, and is experimental on Windows"},
		{category: categoryCollect, flag: "command-lines.mode", usage: "what becomes of command lines before they leave the host, by `MODE`: redact (hide secrets), strip (only the program stays) or off"},

		{category: categoryMetrics, flag: "metrics.max-series", usage: "show at most `N` series of processes and their groups"},
		{category: categoryMetrics, flag: "collector.process.cpu", boolean: true, usage: "show CPU seconds"},
		{category: categoryMetrics, flag: "collector.process.memory", boolean: true, usage: "show working set and private bytes"},
		{category: categoryMetrics, flag: "collector.process.threads", boolean: true, usage: "show threads"},
		{category: categoryMetrics, flag: "collector.process.handles", boolean: true, usage: "show handles"},
		{category: categoryMetrics, flag: "collector.process.io", boolean: true, usage: "show reads and writes"},
		{category: categoryMetrics, flag: "collector.process.start-time", boolean: true, usage: "show start times"},

		{category: categoryPush, flag: "push.mode", usage: "`WHEN` to push: off, fallback (while nobody has pulled for three intervals) or always"},
		{category: categoryPush, flag: "push.url", variable: "PROCESS_MONITOR_BACKEND", usage: "push to `URL`"},
		{category: categoryPush, flag: "push.key-file", path: true, usage: "`FILE` with the API key; without this flag the key is the value of PROCESS_MONITOR_API_KEY, or in the file that the configuration names; without a key nothing is pushed"},
		{category: categoryPush, flag: "push.interval", variable: "PROCESS_MONITOR_INTERVAL", usage: "push every `DURATION`"},
		{category: categoryPush, flag: "push.proxy-url", usage: "push through the proxy at `URL`; without it HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment count"},
		{category: categoryPush, flag: "push.tls.ca-file", path: true, usage: "trust the certificates in `FILE` (PEM) too, beside those that the system trusts"},
		{category: categoryPush, flag: "push.spool.path", path: true, usage: "keep what cannot be delivered yet in `DIRECTORY`; by default " + usualSpool},
		{category: categoryPush, flag: "push.spool.max-size", usage: "keep at most `SIZE` of it, like 64MiB"},
		{category: categoryPush, flag: "push.spool.max-age", usage: "keep it for at most `DURATION`"},

		{category: categoryLog, flag: "log.level", usage: "log from `LEVEL`: debug, info, warn or error"},
		{category: categoryLog, flag: "log.format", usage: "log as `FORMAT`: logfmt or json"},
	}
}

// name returns the key of the file.
func (s setting) name() string {
	if s.key != "" {
		return s.key
	}
	return strings.ReplaceAll(s.flag, "-", "_")
}

// flags returns the settings as flags, with their defaults. They have no values of their own:
// whether one was given is what counts.
func flags() []cli.Flag {
	defaults := agent.Default()
	all := []cli.Flag{&cli.StringFlag{Name: configFlag, Usage: "`FILE` with settings; without this flag it is " + usualConfigFile() + ", if that is there"}}
	for _, s := range settings() {
		value, err := defaults.Get(s.name())
		if err != nil {
			value = "" // a test holds every key
		}
		usage := s.usage
		if s.variable != "" {
			usage += " [" + s.variable + "]"
		}
		if s.boolean {
			all = append(all, &cli.BoolFlag{Category: s.category, Name: s.flag, Usage: usage, Value: value == "true"})
			continue
		}
		all = append(all, &cli.StringFlag{Category: s.category, Name: s.flag, Usage: usage, DefaultText: value})
	}
	return all
}

// resolved is what holds for a command.
type resolved struct {
	*agent.Config
	file    string            // that was read; "" is none
	origins map[string]string // flag or variable that a key was set by, if one did
}

// resolve reads the file and sets what flags and variables say above it.
func resolve(c *cli.Context) (*resolved, error) {
	r := &resolved{Config: agent.Default(), origins: map[string]string{}}
	var err error
	if file, given := configFile(c); file != "" {
		if r.Config, err = readConfigFile(file, given); err != nil {
			return nil, err
		}
		r.file = file
	}
	for _, s := range settings() {
		text, given := onCommandLine(c, s)
		origin := "--" + s.flag
		if !given && s.variable != "" {
			text, origin = os.Getenv(s.variable), s.variable
			given = text != ""
		}
		if !given {
			continue
		}
		r.origins[s.name()] = origin
		if err := r.Set(s.name(), text); err != nil {
			return nil, r.named(err)
		}
	}
	return r, r.named(r.Validate())
}

// named makes an error about a key one about the place where it was set.
func (r *resolved) named(err error) error {
	e, ok := errors.AsType[*agent.Error](err)
	if !ok {
		return err
	}
	return fmt.Errorf("%s: %s", r.origin(e.Key), e.Problem)
}

// origin returns what set a key: a flag, a variable, or the key in the file.
func (r *resolved) origin(key string) string {
	if origin, ok := r.origins[key]; ok {
		return origin
	}
	if r.file != "" {
		return r.file + ": " + key
	}
	return key
}

// configFile returns the path of the file to read, and whether the command line names it.
func configFile(c *cli.Context) (path string, given bool) {
	if path, given = onCommandLine(c, setting{flag: configFlag}); given {
		return path, true
	}
	path = usualConfigFile()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", false
	}
	return path, false
}

func readConfigFile(path string, given bool) (*agent.Config, error) {
	config, err := agent.Load(path)
	switch {
	case err == nil:
		return config, nil
	case !given && errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w; run this %s, or name another file with --%s (%s is an empty one)", err, asAdministrator, configFlag, os.DevNull)
	case given:
		if _, ok := errors.AsType[*agent.Error](err); !ok {
			return nil, fmt.Errorf("--%s: %w", configFlag, err)
		}
	}
	return nil, err
}

// onCommandLine returns the value of a flag that was given, before a command or after it.
func onCommandLine(c *cli.Context, s setting) (string, bool) {
	for _, level := range c.Lineage() {
		if level.App == nil {
			break // the parent of all has no flags
		}
		if !slices.Contains(level.LocalFlagNames(), s.flag) {
			continue
		}
		if s.boolean {
			return strconv.FormatBool(level.Bool(s.flag)), true
		}
		return level.String(s.flag), true
	}
	return "", false
}

// arguments returns what the command line says as flags for another command line, with
// absolute paths.
func arguments(c *cli.Context) ([]string, error) {
	var all []string
	for _, s := range append([]setting{{flag: configFlag, path: true}}, settings()...) {
		value, ok := onCommandLine(c, s)
		if !ok {
			continue
		}
		if s.path && value != "" {
			var err error
			if value, err = filepath.Abs(value); err != nil {
				return nil, fmt.Errorf("--%s: %w", s.flag, err)
			}
		}
		all = append(all, "--"+s.flag+"="+value)
	}
	return all, nil
}
