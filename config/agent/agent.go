// Package agent reads exporter.yaml, the file of procmon-exporter, and holds its settings
// wherever they come from: a flag and an environment variable set the same keys.
//
// What always holds: a Config that Load or Parse returned is valid; every key that is not
// known is an error; an error says where it is, as "file:line: key: problem". There are no
// secrets in it: keys and tokens are in files of their own.
package agent

import (
	"time"

	"github.com/procmon/procmon/config/internal/strict"
)

// Config is an exporter.yaml.
type Config struct {
	Web          Web          `yaml:"web"`
	Collector    Collector    `yaml:"collector"`
	CommandLines CommandLines `yaml:"command_lines"`
	Metrics      Metrics      `yaml:"metrics"`
	Push         Push         `yaml:"push"`
	Log          Log          `yaml:"log"`
}

// Web says where and to whom the exporter serves.
type Web struct {
	ListenAddress  string `yaml:"listen_address"`
	ConfigFile     string `yaml:"config_file"` // of the exporter toolkit: TLS, client certificates, users
	TokenFile      string `yaml:"token_file"`
	AllowAnonymous bool   `yaml:"allow_anonymous"`
}

// Collector says what is collected.
type Collector struct {
	CPUSampleDelay Duration `yaml:"cpu_sample_delay"` // of the first collection; 0 is none
	Events         bool     `yaml:"events"`           // record starts and ends between collections
	Process        Process  `yaml:"process"`
}

// Process says which figures /metrics shows of groups and processes.
type Process struct {
	CPU       bool `yaml:"cpu"`
	Memory    bool `yaml:"memory"`
	Threads   bool `yaml:"threads"`
	Handles   bool `yaml:"handles"`
	IO        bool `yaml:"io"`
	StartTime bool `yaml:"start_time"`
}

// CommandLines says what becomes of command lines before they leave the host.
type CommandLines struct {
	Mode     string   `yaml:"mode"`     // redact, strip or off
	Patterns []Regexp `yaml:"patterns"` // of secrets, beside those that are built in
}

// Metrics says how processes are counted in /metrics.
type Metrics struct {
	MaxSeries int       `yaml:"max_series"`
	Groups    []Group   `yaml:"groups"`
	Processes Processes `yaml:"processes"`
}

// Group is one rule: the processes that all its expressions match are counted as that group.
type Group struct {
	Group   string  `yaml:"group"`
	Name    *Regexp `yaml:"name"` // nil matches every process; so do the others
	Exe     *Regexp `yaml:"exe"`
	User    *Regexp `yaml:"user"`
	Cmdline *Regexp `yaml:"cmdline"`
}

// Processes says which processes have series of their own.
type Processes struct {
	Names []Regexp `yaml:"names"`
	Top   int      `yaml:"top"` // so many that use the most CPU
}

// Push says when snapshots are pushed, and where to.
type Push struct {
	Mode     string   `yaml:"mode"`     // off, fallback or always
	URL      string   `yaml:"url"`      // empty is the built-in one
	KeyFile  string   `yaml:"key_file"` // empty takes the key from the environment
	Interval Duration `yaml:"interval"`
	ProxyURL string   `yaml:"proxy_url"` // empty takes the proxy from the environment
	TLS      TLS      `yaml:"tls"`
	Spool    Spool    `yaml:"spool"`
}

// TLS says whom a push trusts.
type TLS struct {
	CAFile string `yaml:"ca_file"` // beside whom the system trusts
}

// Spool says where snapshots wait that cannot be delivered yet.
type Spool struct {
	Path    string   `yaml:"path"` // empty is the usual place
	MaxSize ByteSize `yaml:"max_size"`
	MaxAge  Duration `yaml:"max_age"`
}

// Log says what is logged.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error
	Format string `yaml:"format"` // logfmt or json
}

// A ByteSize is a number of bytes, written as 512KiB, 64MiB or 1GiB.
type ByteSize = strict.ByteSize

// An Error says what is wrong with a setting, and where it was given.
type Error = strict.Error

// DefaultPushURL is where a server on the same host takes pushes.
const DefaultPushURL = "http://127.0.0.1:8000/api/process-data/"

// Default returns the configuration that an empty file stands for.
func Default() *Config {
	return &Config{
		Web: Web{ListenAddress: "127.0.0.1:9910"},
		Collector: Collector{
			CPUSampleDelay: Duration(150 * time.Millisecond),
			Process:        Process{CPU: true, Memory: true, Threads: true, Handles: true, IO: true, StartTime: true},
		},
		CommandLines: CommandLines{Mode: "redact"},
		Metrics:      Metrics{MaxSeries: 2000},
		Push: Push{
			Mode: "fallback", URL: DefaultPushURL, Interval: Duration(time.Minute),
			Spool: Spool{MaxSize: 64 << 20, MaxAge: Duration(24 * time.Hour)},
		},
		Log: Log{Level: "info", Format: "logfmt"},
	}
}
