// Package config reads procmon.yaml, which follows prometheus.yml: who knows one knows the
// other.
//
// What always holds: a Config that Load or Parse returned is valid; every key that is not
// known is an error; an error says where it is, as "file:line: key: problem", and holds no
// secret.
package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/dns"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/discovery/http"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v3"
)

// Config is a procmon.yaml.
type Config struct {
	Global        Global         `yaml:"global"`
	ScrapeConfigs []ScrapeConfig `yaml:"scrape_configs,omitempty"`
	Storage       Storage        `yaml:"storage"`
	Web           Web            `yaml:"web"`
	Push          Push           `yaml:"push"`
}

// Global holds the defaults of all jobs.
type Global struct {
	ScrapeInterval Duration       `yaml:"scrape_interval"`
	ScrapeTimeout  Duration       `yaml:"scrape_timeout"`
	BodySizeLimit  ByteSize       `yaml:"body_size_limit"`
	ExternalLabels model.LabelSet `yaml:"external_labels,omitempty"`
}

// ScrapeConfig is one job. After loading, what it does not say is taken from Global.
type ScrapeConfig struct {
	JobName        string     `yaml:"job_name"`
	ScrapeInterval Duration   `yaml:"scrape_interval,omitempty"`
	ScrapeTimeout  Duration   `yaml:"scrape_timeout,omitempty"`
	MetricsPath    string     `yaml:"metrics_path,omitempty"`
	Scheme         string     `yaml:"scheme,omitempty"`
	Params         url.Values `yaml:"params,omitempty"`
	BodySizeLimit  ByteSize   `yaml:"body_size_limit,omitempty"`

	StaticConfigs []*targetgroup.Group `yaml:"static_configs,omitempty"`
	FileSDConfigs []*file.SDConfig     `yaml:"file_sd_configs,omitempty"`
	HTTPSDConfigs []*http.SDConfig     `yaml:"http_sd_configs,omitempty"`
	DNSSDConfigs  []*dns.SDConfig      `yaml:"dns_sd_configs,omitempty"`

	RelabelConfigs []*relabel.Config           `yaml:"relabel_configs,omitempty"`
	HTTPClient     promconfig.HTTPClientConfig `yaml:",inline"`
}

// Discovery returns all mechanisms that find targets of the job.
func (c *ScrapeConfig) Discovery() discovery.Configs {
	var all discovery.Configs
	if len(c.StaticConfigs) > 0 {
		all = append(all, discovery.StaticConfig(c.StaticConfigs))
	}
	for _, sd := range c.FileSDConfigs {
		all = append(all, sd)
	}
	for _, sd := range c.HTTPSDConfigs {
		all = append(all, sd)
	}
	for _, sd := range c.DNSSDConfigs {
		all = append(all, sd)
	}
	return all
}

// Storage says where history is kept, and for how long.
type Storage struct {
	Path      string    `yaml:"path"`
	Memory    ByteSize  `yaml:"memory"` // for what is new, until it is in blocks and files
	Retention Retention `yaml:"retention"`
}

// Retention says when history is given up.
type Retention struct {
	Time Duration            `yaml:"time"`
	Size ByteSize            `yaml:"size,omitempty"` // of the whole directory; 0 is no bound
	Jobs map[string]Duration `yaml:"jobs,omitempty"` // in place of Time, for hosts with that label job
}

// Of returns how long the history of a host with those labels is kept.
func (r Retention) Of(labels map[string]string) time.Duration {
	if own, ok := r.Jobs[labels["job"]]; ok {
		return time.Duration(own)
	}
	return time.Duration(r.Time)
}

// Longest returns how long the history of any host is kept.
func (r Retention) Longest() time.Duration {
	longest := r.Time
	for _, own := range r.Jobs {
		longest = max(longest, own)
	}
	return time.Duration(longest)
}

// Web says where the pages and the API are served.
type Web struct {
	ListenAddress string `yaml:"listen_address"`
	ExternalURL   URL    `yaml:"external_url,omitempty"`
	ConfigFile    string `yaml:"config_file,omitempty"` // of the exporter toolkit: TLS and authentication
}

// Push says who may deliver snapshots. Without a token nobody may.
type Push struct {
	Tokens      []Secret `yaml:"tokens,omitempty"` // literal keys, or hashes of procmon token hash
	TokensFile  string   `yaml:"tokens_file,omitempty"`
	MaxBodySize ByteSize `yaml:"max_body_size"`
	RateLimit   float64  `yaml:"rate_limit"` // snapshots a second of each key from each address
}

// Default returns the configuration that an empty file stands for. Its paths are relative to
// the working directory.
func Default() *Config {
	return &Config{
		Global: Global{
			ScrapeInterval: Duration(15 * time.Second),
			ScrapeTimeout:  Duration(10 * time.Second),
			BodySizeLimit:  64 << 20,
		},
		Storage: Storage{Path: "data", Memory: 256 << 20, Retention: Retention{Time: Duration(30 * 24 * time.Hour)}},
		Web:     Web{ListenAddress: "127.0.0.1:8000"},
		Push:    Push{MaxBodySize: 16 << 20, RateLimit: 20},
	}
}

// UnmarshalYAML implements yaml.Unmarshaler: it sets the defaults first.
func (c *ScrapeConfig) UnmarshalYAML(n *yaml.Node) error {
	*c = ScrapeConfig{MetricsPath: "/snapshot", Scheme: "http", HTTPClient: promconfig.DefaultHTTPClientConfig}
	type plain ScrapeConfig
	return n.Decode((*plain)(c))
}

// Format prints a configuration as YAML, with its secrets replaced, whatever the verb is.
func (c Config) Format(f fmt.State, _ rune) {
	type plain Config
	formatYAML(f, plain(c))
}

// LogValue implements slog.LogValuer.
func (c Config) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// Format prints a job as YAML, with its secrets replaced, whatever the verb is.
func (c ScrapeConfig) Format(f fmt.State, _ rune) {
	type plain ScrapeConfig
	formatYAML(f, plain(c))
}

// LogValue implements slog.LogValuer.
func (c ScrapeConfig) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// MarshalJSON writes a configuration as the text that it prints as.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(fmt.Sprint(c)) }

// MarshalJSON writes a job as the text that it prints as.
func (c ScrapeConfig) MarshalJSON() ([]byte, error) { return json.Marshal(fmt.Sprint(c)) }

func formatYAML(f fmt.State, v any) {
	text, err := yaml.Marshal(v)
	if err != nil {
		fmt.Fprintf(f, "a configuration that is no YAML: %v", err)
		return
	}
	_, _ = f.Write(text) // a fmt.State takes everything
}
