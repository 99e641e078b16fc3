package redact

import "strings"

// A shape is which part of a value is the secret.
type shape uint8

const (
	none      shape = iota
	whole           // all of it
	pair            // user:SECRET
	percent         // user%SECRET
	comma           // user,SECRET
	oracle          // user/SECRET@database
	literal         // name=SECRET
	openssl         // pass:SECRET
	after           // name:SECRET
	semicolon       // name;SECRET
)

// An option is one whose value is a secret for a program, where its name does not say so.
// Its value follows as an argument, or after = or :, or right after it when attached says so.
type option struct {
	name     string // with its dash, or with a slash when it can have either; then lower case is any case
	attached attached
	shape    shape
	skip     int // arguments between it and the secret: -b USER DOMAIN SECRET
}

type attached uint8

const (
	apart    attached = iota // -p SECRET
	either                   // -p SECRET or -pSECRET
	adjacent                 // -pSECRET, where -p alone asks for it
)

// A program is what is known of the arguments of a program, or of one of its commands.
type program struct {
	options    []option
	positional int   // the argument without a dash that is a secret, from 1; 0 is none
	last       int   // the last one that is, when it is not the only one
	shape      shape // of the positional argument
	commands   commands
	settings   map[string]bool // names in lower case, whose values are secrets: NAME=SECRET and -NAME SECRET
	flags      string          // letters of options without a value, which can stand in a word before one that has a secret
	habit      habit
}

// commands are programs, or commands of one, by their names; in the table there can be several names in a key.
type commands map[string]*program

// takes reads the options in a list. A + after a name says either, a ! adjacent; then = and a shape
// that is not whole, or @ and the number of arguments to skip: -p+ -u+=pair -b@2.
func takes(list string) []option {
	shapes := map[string]shape{"pair": pair, "percent": percent, "comma": comma, "oracle": oracle, "literal": literal, "openssl": openssl, "after": after, "semicolon": semicolon, "none": none}
	var all []option
	for _, w := range strings.Fields(list) {
		o := option{shape: whole}
		name, rest, shaped := strings.Cut(w, "=")
		if shaped {
			o.shape = shapes[rest]
		}
		if before, n, found := strings.Cut(name, "@"); found {
			name, o.skip = before, int(n[0]-'0')
		}
		switch name[len(name)-1] {
		case '+':
			o.attached = either
		case '!':
			o.attached = adjacent
		}
		o.name = strings.TrimRight(name, "+!")
		all = append(all, o)
	}
	return all
}

// runs reports whether an argument that is the name of another program starts it. What has nothing to tell
// is no reason to forget what is known of this one, whose command it can be.
func (p *program) runs(other *program, afterOption bool) bool {
	known := p.options != nil || p.commands != nil || p.settings != nil
	return p.habit != sets && (!afterOption || p.options == nil) && (!known || other.tells())
}

func (p *program) tells() bool {
	return p.habit != 0 || p.positional > 0 || p.options != nil || p.commands != nil || p.settings != nil
}

// argument is a program whose nth argument is a secret.
func argument(n int) *program { return &program{positional: n, shape: whole} }

// arguments is the same from one to another.
func arguments(first, last int) *program {
	return &program{positional: first, last: last, shape: whole}
}

// optioned is a program whose options in the list have secrets.
func optioned(list string) *program { return &program{options: takes(list)} }

// keeping is a program of whose settings those in the list are secrets.
func keeping(list string) *program { return &program{settings: set(list)} }

// isSetting reports whether the value of a name is a secret.
func (p *program) isSetting(name string) bool {
	if p.habit == keeps {
		return true
	}
	var w word
	return p.settings != nil && w.in(p.settings, strings.TrimLeft(name, "-/"))
}

// A habit is what a program does with secrets that options do not describe.
type habit uint8

const (
	_            habit = iota
	prints             // its arguments, which a pipe takes to the next program
	reads              // a secret from the pipe
	readsIfAsked       // the same, with the option -S
	sets               // NAME SECRET: the argument after a name that says so
	mounts             // net use
	connects           // arguments such as user/SECRET@database
	encodes            // powershell -EncodedCommand
	hashes             // htpasswd -b
	names              // what is called a secret is its name
	keeps              // the value of every NAME=SECRET
	dials              // arguments such as user:SECRET@host
	strange            // its options are others than those that many have
	asks               // expect: it sends what it was asked for
)

// switches reports whether the options of a program have no values, so that the word after one is
// an argument.
func (p *program) switches() bool {
	return p.habit == reads || p.habit == hashes || p.habit == connects
}

// index gives each of the names in a key its program.
func index(lists commands) commands {
	all := make(commands, 2*len(lists))
	for list, p := range lists {
		if p.commands != nil {
			p.commands = index(p.commands)
		}
		for _, name := range strings.Fields(list) {
			all[name] = p
		}
	}
	return all
}

// programNamed returns what is known of the program of that path, or nil.
func programNamed(path string) *program {
	if len(path) > longestWord+len(".exe") || len(path) < 2 {
		return nil
	}
	var w word
	low := w.fold(path)
	p, found := programs[string(low)]
	for n := len(low) - 1; !found && n > 1 && n >= len(low)-4; n-- {
		if low[n] == '.' && kinds[string(low[n+1:])] {
			return programs[string(low[:n])]
		}
	}
	return p
}

// kinds are the endings of the files of programs, which can be left out when they are called.
var kinds = set(`exe com bat cmd py ps1 sh vbs`)
