package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/procmon/procmon/config/internal/strict"
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
	c := Default()
	root, err := strict.Decode(data, c, types())
	if e, ok := errors.AsType[*Error](err); ok {
		e.File = name
		return nil, e
	}
	if err != nil {
		return nil, err
	}
	if at, err := c.validate(); err != nil {
		e := &Error{File: name, Key: at.String(), Problem: err.Error()}
		if root != nil {
			e.Line = at.Line(root)
		}
		return nil, e
	}
	for _, path := range c.paths() {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(filepath.Dir(name), *path)
		}
	}
	return c, nil
}

// Set sets one key, like push.interval, to what the text stands for in a file. An error is an
// *Error with that key. The caller calls Validate when all are set.
func (c *Config) Set(key, text string) error {
	field, err := c.field(key)
	if err != nil {
		return err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if field.Kind() == reflect.String {
		n.Tag = "!!str" // a path may look like a number, and like nothing
	}
	return strict.DecodeValue(n, field.Addr().Interface(), key)
}

// Get returns what a key is set to, as it is written in a file.
func (c *Config) Get(key string) (string, error) {
	field, err := c.field(key)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(field.Interface()), nil
}

func (c *Config) field(key string) (reflect.Value, error) {
	v := reflect.ValueOf(c).Elem()
	for name := range strings.SplitSeq(key, ".") {
		next := reflect.Value{}
		if v.Kind() == reflect.Struct {
			for f := range v.Type().Fields() {
				if f.Tag.Get("yaml") == name {
					next = v.FieldByIndex(f.Index)
				}
			}
		}
		if !next.IsValid() {
			return next, &Error{Key: key, Problem: "unknown key"}
		}
		v = next
	}
	return v, nil
}

func (c *Config) paths() []*string {
	return []*string{&c.Web.ConfigFile, &c.Web.TokenFile, &c.Push.KeyFile, &c.Push.TLS.CAFile, &c.Push.Spool.Path}
}

// types says how the types are written, and what to do about secrets.
func types() strict.Types {
	return strict.Types{
		Scalars: []reflect.Type{reflect.TypeFor[Regexp]()},
		Unknown: func(t reflect.Type, name string) string {
			switch {
			case t == reflect.TypeFor[Web]() && name == "token":
				return "unknown key; the token is in a file of its own, which token_file names"
			case t == reflect.TypeFor[Push]() && (name == "key" || name == "token" || name == "token_file"):
				return "unknown key; the key is in a file of its own, which key_file names"
			}
			return ""
		},
	}
}
