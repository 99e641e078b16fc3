package redact

import "strings"

// skipArgument passes an argument that stands between an option and its secret.
func (s *scanner) skipArgument(i int) (next int, skipped bool) {
	s.skip--
	v := s.value(i, setting{})
	if s.line[i] == '-' || v.next <= i {
		s.skip, s.awaits = 0, none
		return i, false
	}
	s.last = span{i, v.next}
	return v.next, true
}

// argument takes the word at i as the value of the option before it, unless it is another
// option or an operator of a shell.
func (s *scanner) argument(i int, sh shape) (next int, taken bool) {
	sending := s.sending
	s.sending = false
	switch c, d := s.line[i], s.at(i+1); {
	case sending && strings.HasPrefix(s.line[i:], "-- "):
		s.awaits = sh
		return i + 2, true
	case c == '-' && (d == '-' || is(d, letter)) && !s.encodes():
		return i, false
	case c == '/' && s.slash && is(d, letter) && s.isSlashOption(i):
		return i, false
	case strings.IndexByte("|&<>;", c) >= 0 && (d == 0 || is(d, space) || d == c):
		return i, false
	}
	v := s.value(i, setting{})
	if s.role == secret && sh == whole && v.from < v.to {
		if next, ok := s.afterScheme(v); ok {
			v = next
		}
	}
	if !s.take(v, sh, s.role) || v.next <= i {
		return i, false
	}
	return v.next, true
}

func (s *scanner) encodes() bool { return s.program != nil && s.program.habit == encodes }

// take notes the secret of that shape in a value. It reports whether the value was understood.
func (s *scanner) take(v extent, sh shape, r role) bool {
	text := s.line[v.from:v.to]
	from, to := 0, len(text)
	cut := func(separator byte) {
		from = strings.IndexByte(text, separator) + 1
		if from == 2 && separator == ':' && (s.at(v.from+2) == '\\' || s.at(v.from+2) == '/') {
			if next := strings.IndexByte(text[2:], ':'); next >= 0 {
				from = 2 + next + 1 // C:\file:SECRET
			} else {
				from = 0
			}
		}
		if from == 0 {
			from = to
		}
	}
	switch sh {
	case pair:
		if strings.Contains(text, "://") {
			return false
		}
		cut(':')
	case percent:
		cut('%')
	case comma:
		cut(',')
	case literal:
		cut('=')
		if _, n := s.quoteAt(v.from + from); from < to && n > 0 { // NAME='a b'
			if quoted := s.value(v.from+from, setting{}); quoted.from < quoted.to {
				s.spans.add(s.line, quoted.from, quoted.to)
				return true
			}
		}
	case oracle:
		cut('/')
		if at := strings.LastIndexByte(text, '@'); at > from {
			to = at
		}
	case after:
		cut(':')
	case semicolon:
		cut(';')
	case openssl:
		from = to
		if strings.HasPrefix(text, "pass:") {
			from = len("pass:")
		} else if text == "stdin" {
			s.readPipe()
		}
	}
	if from >= to {
		return sh != whole
	}
	if s.isHarmless(text[from:to], r) {
		return false
	}
	s.spans.add(s.line, v.from+from, v.from+to)
	return true
}

// knownOption reads the word at i if it is an option of the program that has a secret. It returns
// where the word goes on, or that the next word is awaited.
func (s *scanner) knownOption(i int, outer mark) (next int, known bool) {
	if s.program.habit == encodes {
		if end := i + 1 + s.nameLength(i+1); end > i+1 && end-i <= 20 && hasPrefixFold("-encodedcommand", string(new(word).fold("-"+s.line[i+1:end]))) {
			return s.awaitOrTake(i, end, option{attached: apart, shape: whole}, outer)
		}
		return i, false
	}
	for _, o := range s.program.options {
		end := i + len(o.name)
		if end > len(s.line) {
			continue
		}
		if o.name[0] == '/' {
			if s.line[i+1:end] != o.name[1:] && !equalFold(s.line[i+1:end], o.name[1:]) {
				continue
			}
		} else if s.line[i:end] != o.name {
			if next, known = s.cluster(i, o, outer); known {
				return next, known
			}
			continue
		}
		if next, known = s.awaitOrTake(i, end, o, outer); known {
			return next, known
		}
	}
	return i, false
}

// awaitOrTake takes the value of the option that stands from i to end.
func (s *scanner) awaitOrTake(i, end int, o option, outer mark) (next int, known bool) {
	s.slash, s.role = s.line[i] == '/', plain
	if end == len(s.line) || is(s.line[end], space) || s.closes(end) {
		if o.attached == adjacent {
			return i, false
		}
		if end == len(s.line) {
			s.readPipe()
		}
		s.awaits, s.skip = o.shape, o.skip
		return end, true
	}
	at := end
	switch c := s.line[end]; {
	case c == '=' && o.attached != adjacent, c == ':':
		at++
	case o.attached == apart:
		return i, false
	}
	if at >= len(s.line) || is(s.line[at], space) {
		return i, false
	}
	v := s.value(at, setting{argument: outer})
	if !s.take(v, o.shape, plain) {
		return i, false
	}
	return v.next, true
}

// cluster reads options of one letter that are written together, as in curl -sSu user:SECRET.
func (s *scanner) cluster(i int, o option, outer mark) (next int, known bool) {
	flags := s.program.flags
	if len(o.name) != 2 || flags == "" {
		return i, false
	}
	end := i + 1
	for end < len(s.line) && end-i <= 12 && strings.IndexByte(flags, s.line[end]) >= 0 && s.line[end] != o.name[1] {
		end++
	}
	if end == i+1 || s.at(end) != o.name[1] {
		return i, false
	}
	return s.awaitOrTake(i, end+1, o, outer)
}

// closes reports whether the quote that is open ends at i.
func (s *scanner) closes(i int) bool {
	m, n := s.quoteAt(i)
	return n > 0 && m == s.quote && s.ends(i+n)
}

// nameLength returns how many bytes of a name follow from i on.
func (s *scanner) nameLength(i int) int {
	start := i
	for i < len(s.line) && is(s.line[i], nameByte) {
		i++
	}
	return i - start
}

// A sequence is how far the line is in saying -u USER -p SECRET, which many programs take that
// are in no table.
type sequence uint8

const (
	unsaid sequence = iota
	asked           // -u
	given           // -u USER
)

// endOption learns from an option that has no value in its word.
func (s *scanner) endOption(text string, split bool) {
	s.option, s.nested, s.assigns = text[0] == '-', false, false
	before := s.login
	s.login = unsaid
	if split || s.begins(text) {
		return
	}
	if s.program == nil {
		switch text {
		case "-u", "-U", "-user", "--user", "-username", "--username", "-l", "--login":
			s.login = asked
			return
		case "-p", "-P":
			if before == given {
				s.awaits, s.role, s.slash = whole, counted, false
				return
			}
		}
	}
	name := strings.TrimLeft(text, "-/")
	switch {
	case name == "":
		s.option = false
		return
	case name == "S" && s.program != nil && s.program.habit == readsIfAsked,
		equalFold(name, "set-password"), equalFold(name, "with-token"):
		s.readPipe()
		return
	case len(name) >= 5 && (strings.HasSuffix(name, "stdin") || strings.HasSuffix(name, "-fd")):
		s.readPipe()
		return
	case name == "c", name == "C", name == "k", name == "K", name == "lc", name == "ic", name == "r", name == "R",
		hasPrefixFold(name, "comm") && hasPrefixFold("command", string(new(word).fold(name))):
		s.nested = true
		return
	case text == "-v":
		s.option = false // takes no value, almost everywhere
		return
	case equalFold(text, "/v"), equalFold(name, "name"):
		s.naming = true
		return
	case s.named && (equalFold(text, "/d") || equalFold(name, "value")):
		s.awaits, s.role, s.slash, s.named = whole, plain, true, false
		return
	case s.program != nil && s.program.habit == hashes && strings.Contains(name, "b"):
		s.program = htpasswdFile
		if strings.Contains(name, "n") {
			s.program = htpasswdPrint
		}
		if strings.HasSuffix(name, "C") {
			s.positional-- // the cost
		}
		return
	case len(name) >= 3 && hasPrefixFold("encodedcommand", string(new(word).fold(name))),
		equalFold(name, "ec"), equalFold(name, "encodedarguments"):
		s.awaits, s.role, s.slash = whole, plain, text[0] == '/'
		return
	}
	if colon := strings.LastIndexByte(name, ':'); colon > 0 && text[0] == '-' { // .NET: --Smtp:Password x
		name = name[colon+1:]
	}
	if s.program != nil && s.program.isSetting(name) {
		s.awaits, s.role, s.slash = whole, plain, text[0] == '/'
		return
	}
	if len(name) < 2 || !all(name, nameByte) || strings.HasSuffix(name, "-secret-keys") || strings.HasSuffix(name, "-secret-subkeys") || // GnuPG's
		equalFold(name, "auth-user-pass") ||
		text[0] == '-' && equalFold(text, "-credential") {
		return
	}
	if r := classify(name); r&(secret|counted|vague) != 0 {
		if s.program != nil && s.program.habit == names && (equalFold(name, "secret") || equalFold(name, "secrets")) {
			return
		}
		s.awaits, s.role, s.slash = whole, r, text[0] == '/'
	}
}
