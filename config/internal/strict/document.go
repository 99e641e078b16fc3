package strict

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Decode reads the only document of data over what into, a pointer to a struct, holds
// already. It returns the root of the document, nil if there is nothing in it. An error about
// what data say is an *Error without its File.
func Decode(data []byte, into any, types Types) (*yaml.Node, error) {
	root, err := document(data)
	if err != nil || root == nil {
		return nil, err
	}
	c := checker{types: &types}
	if err := c.check(root, reflect.TypeOf(into).Elem(), nil); err != nil {
		return nil, err
	}
	if err := root.Decode(into); err != nil {
		return nil, syntaxError(err)
	}
	return root, nil
}

// DecodeValue reads a single value into what into points to; key names it in an error.
func DecodeValue(n *yaml.Node, into any, key string) error {
	t := reflect.TypeOf(into).Elem()
	if err := decodable(n, t, Key{}); err != nil {
		e, ok := errors.AsType[*Error](err)
		if ok {
			e.Key = key
		}
		return err
	}
	return n.Decode(into)
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
