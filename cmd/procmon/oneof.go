package main

import (
	"fmt"
	"slices"
	"strings"
)

// oneOf is a flag that takes one of a few words.
type oneOf struct {
	allowed []string
	value   string
}

func (o *oneOf) Set(value string) error {
	if !slices.Contains(o.allowed, value) {
		return fmt.Errorf("%q is not one of %s", value, strings.Join(o.allowed, ", "))
	}
	o.value = value
	return nil
}

func (o *oneOf) String() string { return o.value }
