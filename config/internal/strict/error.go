// Package strict reads YAML so that every mistake in it is an error, which says where it is:
// a key that is not known, one that is there twice, a list where a single value is wanted.
//
// What always holds: no text of an error holds the value of a secret.
package strict

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// An Error says what is wrong with a configuration, and where.
type Error struct {
	File    string
	Line    int    // from 1; 0 where no line is to blame
	Key     string // like scrape_configs[0].tls_config.ca_file; empty where no key is to blame
	Problem string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(e.Line))
	}
	b.WriteString(": ")
	if e.Key != "" {
		b.WriteString(e.Key)
		b.WriteString(": ")
	}
	b.WriteString(e.Problem)
	return b.String()
}

// A Key is the way from the root of a configuration to a place in it: names and indices.
type Key []any

// With returns the key of what is one step further.
func (k Key) With(step any) Key { return append(k[:len(k):len(k)], step) }

func (k Key) String() string {
	var b strings.Builder
	for _, step := range k {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		case string:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(quoteOdd(step))
		}
	}
	return b.String()
}

// quoteOdd keeps a name of a peer's making from looking like something else.
func quoteOdd(name string) string {
	for _, r := range name {
		if r < '0' || r > 'z' && r < 0xa0 || !strconv.IsPrint(r) {
			return strconv.Quote(name)
		}
	}
	if name == "" {
		return `""`
	}
	return name
}

// Line returns the line of the deepest node on the way that is there.
func (k Key) Line(root *yaml.Node) int {
	line, _ := k.find(root)
	return line
}

// In reports whether the whole way is there.
func (k Key) In(root *yaml.Node) bool {
	_, all := k.find(root)
	return all
}

func (k Key) find(n *yaml.Node) (line int, all bool) {
	line = n.Line
	for _, step := range k {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		next, at := child(n, step)
		if next == nil {
			return line, false
		}
		n, line = next, at
	}
	return line, true
}

// child returns one step, and its line: that of the name, or of the item of a list.
func child(n *yaml.Node, step any) (*yaml.Node, int) {
	switch step := step.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && step < len(n.Content) {
			return n.Content[step], n.Content[step].Line
		}
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i+1], n.Content[i].Line
			}
		}
	}
	return nil, 0
}
