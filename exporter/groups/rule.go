package groups

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/procmon/procmon"
)

// A Rule puts processes into a group. Name, Exe, User and Cmdline are regular expressions
// (https://pkg.go.dev/regexp/syntax) that match anywhere in the text unless they are anchored;
// empty ones are not asked. A process is taken when all that are given match; one that is given
// does not match a fact that is unknown.
type Rule struct {
	// Group is the name of the group. $1, ${1} and ${part} stand for what the parts in
	// parentheses of Name matched, $$ for a dollar sign. Where nothing remains of it, the
	// process is in the group of its own name.
	Group   string
	Name    string // of the process
	Exe     string // path of its program
	User    string // as in snapshots: DOMAIN\name on Windows
	Cmdline string // as in snapshots: redacted
}

// rule is a Rule made ready.
type rule struct {
	group                    string
	expands                  bool
	name, exe, user, cmdline *regexp.Regexp // nil is not asked
}

// Check returns the errors in the rules: each names the rule and its key, as in
// "groups[2].cmdline: ...".
func (o Options) Check() error {
	_, err := compile(o.Rules)
	return err
}

func compile(rules []Rule) ([]rule, error) {
	var all []rule
	var problems []error
	for i, from := range rules {
		r, err := from.compile()
		for _, e := range err {
			problems = append(problems, fmt.Errorf("groups[%d]%w", i, e))
		}
		all = append(all, r)
	}
	return all, errors.Join(problems...)
}

// compile makes r ready. The errors begin with the key that they are about.
func (r Rule) compile() (ready rule, problems []error) {
	expression := func(key, pattern string) *regexp.Regexp {
		if pattern == "" {
			return nil
		}
		e, err := regexp.Compile(pattern)
		if err != nil {
			problems = append(problems, fmt.Errorf(".%s: %w", key, err))
		}
		return e
	}
	ready = rule{
		group: r.Group,
		name:  expression("name", r.Name), exe: expression("exe", r.Exe),
		user: expression("user", r.User), cmdline: expression("cmdline", r.Cmdline),
	}
	if r.Group == "" {
		problems = append(problems, errors.New(".group: missing; it is the name of the group"))
	}
	if r.Name == "" && r.Exe == "" && r.User == "" && r.Cmdline == "" {
		problems = append(problems, errors.New(": needs at least one of name, exe, user and cmdline"))
	}
	var parts []string
	if ready.name != nil {
		parts = ready.name.SubexpNames()
	}
	// What Expand replaces (https://pkg.go.dev/regexp#Regexp.Expand), and a dollar sign that it would drop.
	reference := regexp.MustCompile(`\$(?:\$|(\w+)|\{(\w+)\}|)`)
	for _, found := range reference.FindAllStringSubmatch(r.Group, -1) {
		ready.expands = true
		if part := found[1] + found[2]; found[0] != "$$" && !hasPart(parts, part) {
			problems = append(problems, fmt.Errorf(".group: %q stands for no part in parentheses of the name pattern; write $$ for a dollar sign", found[0]))
		}
	}
	return ready, problems
}

// hasPart reports whether an expression with these parts, as SubexpNames returns them, has
// the one of that number or name.
func hasPart(parts []string, part string) bool {
	for i, name := range parts {
		if part == fmt.Sprint(i) || name != "" && part == name {
			return true
		}
	}
	return false
}

// match returns the name of the group if r takes p.
func (r *rule) match(p *procmon.Process) (group string, ok bool) {
	if !matches(r.exe, p.Exe) || !matches(r.user, p.Username) || !matches(r.cmdline, p.Cmdline) {
		return "", false
	}
	switch {
	case r.name == nil:
		return strings.ReplaceAll(r.group, "$$", "$"), true
	case !r.expands:
		return r.group, r.name.MatchString(p.Name)
	}
	at := r.name.FindStringSubmatchIndex(p.Name)
	if at == nil {
		return "", false
	}
	return string(r.name.ExpandString(nil, r.group, p.Name, at)), true
}

func matches(e *regexp.Regexp, fact procmon.Opt[string]) bool {
	return e == nil || fact.Known && e.MatchString(fact.Value)
}
