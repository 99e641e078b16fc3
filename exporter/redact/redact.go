// Package redact hides the secrets of command lines, so that they do not leave the host.
//
// A command line is read once, from left to right, by rules that stand in tables: names
// that secrets go by (names.go), programs whose options or arguments are secrets
// (programs.go), credentials in URLs, and texts that are secrets by their form (formats.go).
// Quotes are not trusted: Windows has several ways to read them, shells have others, and on Linux the
// arguments are joined by spaces and a quote is any other character. So words end at
// spaces, also inside quotes, which finds what is in the command line of a command line, and only
// the end of a secret asks for the quotes around it. When in doubt what looks like a part of
// a secret goes with it.
//
// What always holds: the text that replaces a secret is Marker whatever its length; a line
// that was redacted stays as it is when it is redacted again; valid UTF-8 stays valid; the
// time is linear in the length of the line.
package redact

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Marker stands where a secret was.
const Marker = "***"

// Limits of the patterns of an administrator: each costs time for every command line.
const (
	maxPatterns      = 64
	maxPatternLength = 1024 // bytes
)

// maxPasses bounds how often a line is read: what one reading replaced can show the next one
// more, which takes a line that was made for it.
const maxPasses = 8

// Mode says what is left of a command line.
type Mode string

// The modes.
const (
	Redact Mode = "redact" // everything but secrets; also the empty Mode
	Strip  Mode = "strip"  // the program alone, without its arguments
	Off    Mode = "off"    // everything
)

// ParseMode returns the mode of that name; the empty text is Redact.
func ParseMode(name string) (Mode, error) {
	switch m := Mode(name); m {
	case "":
		return Redact, nil
	case Redact, Strip, Off:
		return m, nil
	}
	return "", fmt.Errorf("mode %q: must be %s, %s or %s", name, Redact, Strip, Off)
}

// Options says what to hide. The zero value hides what the built-in rules find.
type Options struct {
	Mode Mode
	// Patterns are regular expressions (https://pkg.go.dev/regexp/syntax) for secrets that
	// the built-in rules do not know. What the parts in parentheses match is replaced, or
	// all of a match when the expression has none. At most 64, of at most 1,024 bytes each. They
	// are used in mode Redact.
	Patterns []string
}

// A Redactor hides secrets as its Options say. It can be used by several goroutines.
type Redactor struct {
	mode     Mode
	patterns []*regexp.Regexp
}

// New returns a Redactor. Its errors name the mode or the pattern, as in "patterns[2]: ...",
// and what is wrong with it.
func New(o Options) (*Redactor, error) {
	mode, err := ParseMode(string(o.Mode))
	if err != nil {
		return nil, err
	}
	r := &Redactor{mode: mode}
	if len(o.Patterns) > maxPatterns {
		return nil, fmt.Errorf("patterns: %d of them; at most %d are allowed", len(o.Patterns), maxPatterns)
	}
	var problems []error
	for i, pattern := range o.Patterns {
		e, err := compile(pattern)
		if err != nil {
			problems = append(problems, fmt.Errorf("patterns[%d]: %w", i, err))
			continue
		}
		r.patterns = append(r.patterns, e)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return r, nil
}

func compile(pattern string) (*regexp.Regexp, error) {
	switch {
	case pattern == "":
		return nil, errors.New("empty; it must be a regular expression")
	case len(pattern) > maxPatternLength:
		return nil, fmt.Errorf("%d bytes long; at most %d are allowed", len(pattern), maxPatternLength)
	}
	return regexp.Compile(pattern)
}

// Line returns the command line without what the mode hides. Arguments that NUL separates, as
// Linux tells them, are told apart by it, and separated by spaces in what is returned.
func (r *Redactor) Line(cmdline string) string {
	if first, _, found := strings.Cut(cmdline, "\x00"); found {
		if r.mode == Strip {
			return r.redact(first)
		}
		cmdline = r.arguments(cmdline)
	}
	switch r.mode {
	case Off:
		return cmdline
	case Strip:
		return r.strip(r.redact(cmdline))
	}
	return r.redact(cmdline)
}

// strip leaves the program of a line. What is hidden in it can have been a quote around it.
func (r *Redactor) strip(line string) string {
	for range maxPasses {
		program := r.redact(programOf(line))
		if program == line {
			return line
		}
		line = program
	}
	return Marker
}

// arguments joins a list of arguments. Spaces within them are hidden from the rules, so that
// a secret of several words goes as a whole; what is in an argument is read later.
func (r *Redactor) arguments(list string) string {
	const inner = "\x1f" // in which a line that has it already is not told from its spaces
	if r.mode == Redact && strings.Contains(list, " ") && !strings.Contains(list, inner) {
		list = strings.NewReplacer(" ", inner, "\x00", " ").Replace(list)
		return strings.ReplaceAll(r.redact(list), inner, " ")
	}
	return strings.ReplaceAll(list, "\x00", " ")
}

// redact reads the line until nothing is found any more.
func (r *Redactor) redact(line string) string {
	for range maxPasses {
		next := line
		for _, pattern := range r.patterns {
			next = replaceMatches(pattern, next)
		}
		next = replaceSecrets(next)
		if next == line {
			return line
		}
		line = next
	}
	return Marker
}

func replaceMatches(pattern *regexp.Regexp, line string) string {
	var found spans
	for _, at := range pattern.FindAllStringSubmatchIndex(line, -1) {
		groups := at[2:]
		if len(groups) == 0 {
			groups = at
		}
		for i := 0; i < len(groups); i += 2 {
			if groups[i] >= 0 {
				found.add(line, groups[i], groups[i+1])
			}
		}
	}
	return found.replace(line)
}

func replaceSecrets(line string) string {
	s := scanner{line: line}
	s.run()
	return s.spans.replace(line)
}

// hidden reports whether nothing but Marker, or nothing at all, is there to be hidden.
func hidden(text string) bool { return strings.Trim(text, Marker[:1]) == "" }
