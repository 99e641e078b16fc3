package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

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
	root, err := document(data)
	if err != nil {
		return nil, err
	}
	if root != nil {
		if err := new(checker).check(root, reflect.TypeFor[Config](), nil); err != nil {
			return nil, err
		}
		if err := root.Decode(c); err != nil {
			return nil, syntaxError(err)
		}
	}
	c.inherit(root)
	if at, err := c.validate(); err != nil {
		e := &Error{Key: at.String(), Problem: err.Error()}
		if root != nil {
			e.Line = at.line(root)
		}
		return nil, e
	}
	return c, nil
}

// document returns the only document of data, or nil if there is nothing in it.
func document(data []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	switch err := d.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, syntaxError(err)
	}
	switch err := d.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, syntaxError(err)
	default:
		return nil, &Error{Line: second.Line, Problem: "a second document begins here; only one is allowed"}
	}
	root := first.Content[0]
	if root.Tag == "!!null" {
		return nil, nil
	}
	return root, nil
}

var lineOfError = regexp.MustCompile(`^line (\d+): (.*)`)

// syntaxError takes the line out of the text of an error of package yaml.
func syntaxError(err error) *Error {
	text := err.Error()
	if te, ok := errors.AsType[*yaml.TypeError](err); ok && len(te.Errors) > 0 {
		text = te.Errors[0]
	}
	text = strings.TrimPrefix(text, "yaml: ")
	e := &Error{Problem: text}
	if m := lineOfError.FindStringSubmatch(text); m != nil {
		e.Line, _ = strconv.Atoi(m[1]) // digits; too many of them are no line
		e.Problem = m[2]
	}
	return e
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
	if at := (key{"global", "scrape_timeout"}); root == nil || !at.in(root) {
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
