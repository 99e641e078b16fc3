package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v3"

	"github.com/procmon/procmon/config/internal/strict"
)

// An Error says what is wrong with a configuration, and where.
type Error = strict.Error

type key = strict.Key

// later are keys of Prometheus that this version does not act on. To pass over them in
// silence would be to promise alerts that never come.
var later = []string{"alerting", "rule_files"}

// types says how the types of other packages are written.
func types() strict.Types {
	return strict.Types{
		Scalars: []reflect.Type{reflect.TypeFor[URL](), reflect.TypeFor[promconfig.URL](), reflect.TypeFor[relabel.Regexp]()},
		Shapes: map[reflect.Type]reflect.Type{
			reflect.TypeFor[targetgroup.Group](): reflect.TypeFor[struct {
				Targets []string       `yaml:"targets"`
				Labels  model.LabelSet `yaml:"labels"`
			}](),
		},
		// They name a secret in a secret manager, and there is none.
		Hidden: func(name string) bool { return strings.HasSuffix(name, "_ref") },
		Unknown: func(t reflect.Type, name string) string {
			if t == reflect.TypeFor[Config]() && slices.Contains(later, name) {
				return "not supported by this version of procmon"
			}
			return ""
		},
	}
}

// Load reads the configuration in the file of that path. Relative paths in it are relative
// to its directory.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, data)
}

// Parse is Load for data that were read already; name is the path of their file. An error
// about what data say is an *Error.
func Parse(name string, data []byte) (*Config, error) {
	c, err := parse(data)
	if e, ok := errors.AsType[*Error](err); ok {
		e.File = name
		return nil, e
	}
	if err != nil {
		return nil, err
	}
	c.setDirectory(filepath.Dir(name))
	return c, nil
}

func parse(data []byte) (*Config, error) {
	c := Default()
	root, err := strict.Decode(data, c, types())
	if err != nil {
		return nil, err
	}
	c.inherit(root)
	if at, err := c.validate(); err != nil {
		e := &Error{Key: at.String(), Problem: err.Error()}
		if root != nil {
			e.Line = at.Line(root)
		}
		return nil, e
	}
	return c, nil
}

// setDirectory makes relative paths relative to dir.
func (c *Config) setDirectory(dir string) {
	join := func(path *string) {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	join(&c.Storage.Path)
	join(&c.Web.ConfigFile)
	join(&c.Push.TokensFile)
	for i := range c.ScrapeConfigs {
		job := &c.ScrapeConfigs[i]
		job.HTTPClient.SetDirectory(dir)
		discovery := job.Discovery()
		discovery.SetDirectory(dir)
	}
}

// inherit fills in what the file at root does not say. A timeout that it does not say is
// never the reason for an error: it is at most the interval.
func (c *Config) inherit(root *yaml.Node) {
	if at := (key{"global", "scrape_timeout"}); root == nil || !at.In(root) {
		c.Global.ScrapeTimeout = min(c.Global.ScrapeTimeout, c.Global.ScrapeInterval)
	}
	for i := range c.ScrapeConfigs {
		job := &c.ScrapeConfigs[i]
		if job.ScrapeInterval == 0 {
			job.ScrapeInterval = c.Global.ScrapeInterval
		}
		if job.ScrapeTimeout == 0 {
			job.ScrapeTimeout = min(c.Global.ScrapeTimeout, job.ScrapeInterval)
		}
		if job.BodySizeLimit == 0 {
			job.BodySizeLimit = c.Global.BodySizeLimit
		}
	}
}
