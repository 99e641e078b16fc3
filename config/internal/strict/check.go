package strict

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds a configuration with its aliases written out.
const maxNodes = 1_000_000

// Types says how a configuration is written where its Go types do not.
type Types struct {
	Scalars []reflect.Type                // structs that are written as a single value
	Shapes  map[reflect.Type]reflect.Type // structs that are written in another form than their fields have
	Hidden  func(name string) bool        // keys of a type that are none here; nil hides none
	// Unknown says why a name is no key of t; "" leaves it to the nearest known key. nil is always "".
	Unknown func(t reflect.Type, name string) string
}

// checker holds a tree of YAML nodes against the types that they are for, at every depth,
// before anything is decoded: the decoders of the packages that own the types do not say
// where they found what is wrong.
type checker struct {
	types *Types
	nodes int
}

// check returns the first thing that is wrong with n as a value of type t.
func (c *checker) check(n *yaml.Node, t reflect.Type, at Key) error {
	if c.nodes++; c.nodes > maxNodes {
		return problem(n, at, "the configuration is too large, or its aliases are")
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.ShortTag() == "!!null" {
		return nil
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Interface:
		return nil
	case c.isScalar(t):
		if n.Kind != yaml.ScalarNode {
			return problem(n, at, "a single value is wanted here, not %s", kindOf(n))
		}
		return decodable(n, t, at)
	case t.Kind() == reflect.Slice:
		return c.checkList(n, t.Elem(), at)
	case t.Kind() == reflect.Map:
		return c.checkMap(n, t, at)
	}
	return c.checkStruct(n, t, at)
}

func (c *checker) isScalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		return slices.Contains(c.types.Scalars, t)
	case reflect.Slice, reflect.Map, reflect.Interface:
		return false
	}
	return true
}

func (c *checker) checkList(n *yaml.Node, item reflect.Type, at Key) error {
	if n.Kind != yaml.SequenceNode {
		return problem(n, at, "a list is wanted here, not %s", kindOf(n))
	}
	for i, v := range n.Content {
		if v.ShortTag() == "!!null" {
			return problem(v, at.With(i), "is empty")
		}
		if err := c.check(v, item, at.With(i)); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) checkMap(n *yaml.Node, t reflect.Type, at Key) error {
	return c.checkEntries(n, at, func(name, value *yaml.Node) error {
		if err := decodable(name, t.Key(), at.With(name.Value)); err != nil {
			return err
		}
		return c.check(value, t.Elem(), at.With(name.Value))
	})
}

func (c *checker) checkStruct(n *yaml.Node, t reflect.Type, at Key) error {
	known := c.types.fieldsOf(t)
	err := c.checkEntries(n, at, func(name, value *yaml.Node) error {
		at := at.With(name.Value)
		field, ok := known.types[name.Value]
		if !ok {
			if known.others == nil {
				return problem(name, at, "%s", c.types.unknown(t, name.Value, known.names))
			}
			field = known.others
		}
		return c.check(value, field, at)
	})
	if err != nil || !unmarshals(t) {
		return err
	}
	return decodable(n, t, at)
}

// checkEntries calls f for every entry of a mapping, those that are merged into it too.
func (c *checker) checkEntries(n *yaml.Node, at Key, f func(name, value *yaml.Node) error) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return problem(n, at, "a mapping of keys to values is wanted here, not %s", kindOf(n))
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if name.Kind != yaml.ScalarNode {
			return problem(name, at, "a key is wanted here, not %s", kindOf(name))
		}
		if name.ShortTag() == "!!merge" {
			merged := []*yaml.Node{value}
			if value.Kind == yaml.SequenceNode {
				merged = value.Content
			}
			for _, m := range merged {
				if c.nodes++; c.nodes > maxNodes {
					return problem(m, at, "the configuration is too large, or its aliases are")
				}
				if err := c.checkEntries(m, at, f); err != nil {
					return err
				}
			}
			continue
		}
		if first, ok := lines[name.Value]; ok {
			return problem(name, at.With(name.Value), "there twice; the first is in line %d", first)
		}
		lines[name.Value] = name.Line
		if err := f(name, value); err != nil {
			return err
		}
	}
	return nil
}

// unmarshals reports whether values of type t read themselves, and check themselves then.
func unmarshals(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[interface {
		UnmarshalYAML(func(any) error) error
	}]()) || p.Implements(reflect.TypeFor[yaml.Unmarshaler]())
}

// decodable returns what decoding n alone into a t has to say.
func decodable(n *yaml.Node, t reflect.Type, at Key) error {
	err := n.Decode(reflect.New(t).Interface())
	if err == nil {
		return nil
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return problem(n, at, "is not a URL: %v", ue.Err) // without the URL: a password may be in it
	}
	if _, ok := errors.AsType[*yaml.TypeError](err); !ok {
		return problem(n, at, "%v", err)
	}
	// The text of a TypeError holds the value, which may be a secret.
	switch t.Kind() {
	case reflect.Bool:
		return problem(n, at, "is not true or false")
	case reflect.Int, reflect.Int64, reflect.Uint16, reflect.Uint64:
		return problem(n, at, "is not a whole number, or too large a one")
	case reflect.Float64:
		return problem(n, at, "is not a number")
	}
	return problem(n, at, "is not what is wanted here")
}

func problem(n *yaml.Node, at Key, format string, args ...any) error {
	return &Error{Line: n.Line, Key: at.String(), Problem: fmt.Sprintf(format, args...)}
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a single value"
}

// fields are the keys of a struct.
type fields struct {
	names  []string
	types  map[string]reflect.Type
	others reflect.Type // of keys that are not among names; nil if these are all
}

func (o *Types) fieldsOf(t reflect.Type) fields {
	if shape, ok := o.Shapes[t]; ok {
		t = shape
	}
	all := fields{types: map[string]reflect.Type{}}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "-" || !f.IsExported():
			continue
		case o.Hidden != nil && o.Hidden(name):
			continue
		case strings.Contains(options, "inline") && f.Type.Kind() == reflect.Map:
			all.others = f.Type.Elem()
			continue
		case strings.Contains(options, "inline"):
			inner := o.fieldsOf(f.Type)
			all.names = append(all.names, inner.names...)
			for name, t := range inner.types {
				all.types[name] = t
			}
			continue
		case name == "":
			name = strings.ToLower(f.Name)
		}
		all.names = append(all.names, name)
		all.types[name] = f.Type
	}
	return all
}
