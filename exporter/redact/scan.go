package redact

import "strings"

// A scanner reads a line once, word by word, and notes the secrets.
type scanner struct {
	line   string
	spans  spans
	quote  mark   // the quote that is open
	closed closed // what was found of quotes' ends
	ats    next   // what was found of @

	// What the words before say of the next one.
	awaits     shape // the next word has a secret of this shape
	skip       int   // or the one after so many others
	slash      bool  // an option with a slash awaits it
	role       role  // of the name that awaits it
	program    *program
	positional int      // arguments without a dash since the program's name
	option     bool     // the word before is an option
	nested     bool     // the word before makes a command line of the next
	by         bool     // SQL: IDENTIFIED was said
	printed    int      // where the arguments of echo begin; 0 is nowhere
	last       span     // the word before
	piped      span     // what a pipe takes to this program
	naming     bool     // the next word names what the option value sets
	named      bool     // and that is a secret
	login      sequence // of -u USER -p SECRET
	scripted   bool     // PowerShell reads the line
	searched   bool     // for what follows
	secured    string   // the variable whose value PowerShell makes a secret of
	expects    bool     // expect reads the line
	prompted   bool     // it saw what asks for a password
	sending    bool     // and answers
	user       int      // words since "user", which says who; 0 is none
	assigns    bool     // cmd's set: its value has spaces
}

// run reads the line.
func (s *scanner) run() {
	for i := 0; i < len(s.line); {
		if c := s.line[i]; is(c, space) {
			if c == '\n' {
				s.command()
			}
			i++
			continue
		}
		i = s.word(i)
	}
}

// command forgets the program: another one can begin.
func (s *scanner) command() {
	s.program, s.positional, s.printed, s.piped, s.by, s.awaits, s.user = nil, 0, 0, span{}, false, none, 0
}

// pipe begins a command that reads what the one before prints.
func (s *scanner) pipe(i int) {
	from, to := s.last.from, min(s.last.to, i)
	if s.printed > 0 {
		from, to = s.printed, i
		for to > from && is(s.line[to-1], space) {
			to--
		}
	}
	s.command()
	s.piped = span{from, to}
}

// readPipe hides what the pipe brings: this program reads a secret from it.
func (s *scanner) readPipe() {
	if s.piped.from < s.piped.to {
		s.spans.add(s.line, s.piped.from, s.piped.to)
		s.piped = span{}
	}
}

// toggle opens or closes a quote.
func (s *scanner) toggle(m mark) (opened bool) {
	switch {
	case s.quote.char == 0:
		s.quote = m
		return true
	case s.quote.char == m.char && m.depth <= s.quote.depth:
		s.quote = mark{}
	}
	return s.quote.char != 0
}

// word reads the word that begins at i and returns where it ends, which is not always at a space.
func (s *scanner) word(i int) int {
	if s.skip > 0 {
		if next, skipped := s.skipArgument(i); skipped {
			return next
		}
	}
	if s.awaits != none {
		shape := s.awaits
		s.awaits = none
		if next, taken := s.argument(i, shape); taken {
			s.option, s.nested = false, false
			s.last = span{i, next}
			return next
		}
	}
	if next, taken := s.expected(i); taken {
		s.last = span{i, next}
		return next
	}
	start := i
	body, outer := s.open(i)
	if body >= len(s.line) || is(s.line[body], space) {
		return body
	}
	c := s.line[body]
	isOption := c == '-' || c == '/' && s.isSlashOption(body)
	i = body
	if isOption && s.program != nil {
		if next, known := s.knownOption(body, outer); known {
			s.option, s.nested = true, false
			if next > body && s.awaits == none {
				return next
			}
			i = next
		}
	}
	end, split := s.body(body, i, outer)
	s.last = span{start, end}
	for end > body && (is(s.line[end-1], quote) || strings.IndexByte(`);},\`, s.line[end-1]) >= 0) {
		end--
	}
	text := s.line[body:end]
	switch {
	case text == "":
	case isOption && s.awaits == none:
		s.endOption(text, split)
	case !isOption:
		s.endPlain(body, end, split)
	}
	return max(s.last.to, body+1)
}

// open passes the quotes and brackets that a word begins with. It returns the last one that is
// right before the word, if it is an opening quote.
func (s *scanner) open(i int) (body int, outer mark) {
	for i < len(s.line) {
		if m, n := s.quoteAt(i); n > 0 {
			outer = mark{}
			if s.toggle(m) {
				outer = m
			}
			i += n
			continue
		}
		switch s.line[i] {
		case '(', '{', '[', '@':
		case '$':
			if s.at(i+1) != '(' {
				return i, outer
			}
		case '&', ';':
			s.command()
		case '|':
			s.pipe(i)
		default:
			return i, outer
		}
		outer = mark{}
		i++
	}
	return i, outer
}

// isSlashOption reports whether the word at i is /name and not a path.
func (s *scanner) isSlashOption(i int) bool {
	for i++; i < len(s.line) && !is(s.line[i], space|quote); i++ {
		switch s.line[i] {
		case '/', '\\':
			return false
		case ':', '=':
			return true
		}
	}
	return true
}

// body reads a word from i on: names and values in it, URLs, and what has the form of a secret. It
// returns where the word ends and whether it has names with values.
func (s *scanner) body(body, i int, outer mark) (end int, split bool) {
	token, run := i, i // where a token and a base64 text can begin
	for i < len(s.line) {
		c := s.line[i]
		k := classes[c]
		if k&plainByte != 0 {
			i++
			continue
		}
		if k&space != 0 {
			break
		}
		if c == '.' || i-token >= shortestToken {
			if next := s.token(token, i); next > i {
				i, token, run = next, next, next
				continue
			}
		}
		if c == '/' && s.at(i+1) == '/' && i-token == 1 && s.at(i-1) == '1' && s.at(i+2) == '0' {
			i = s.refreshToken(i)
			token, run = i, i
			continue
		}
		if c == '/' || c == '+' {
			i++
			token = i
			continue
		}
		if i-run >= shortestRandom {
			if next := s.random(body, run, i); next > i {
				i, token, run = next, next, next
				continue
			}
		}
		switch c {
		case '=', ':':
			next := s.separator(body, i, outer)
			split = split || c == '=' || next > i+1
			i = next
		case '"', '\'', '`':
			if c != '\'' || s.quote.char == c || !is(s.at(i-1), letter|digit) {
				s.toggle(mark{char: c})
			}
			i++
		case '\\':
			if m, n := s.quoteAt(i); n > 0 {
				s.toggle(m)
				i += n
			} else {
				i++
			}
		case '(':
			if next := s.call(i); next > i+1 || !is(s.at(next), letter) {
				i = next
			} else {
				return next, split // a command can begin
			}
		case '|':
			s.last = span{body, i}
			s.pipe(i)
			return i + 1, split
		case '&', ';':
			if c == '&' && s.at(i+1) == '&' || c == ';' && s.ends(i+1) {
				s.command()
				return i + 1, split
			}
			i++
		case '>':
			i = s.element(i)
		case '~':
			i = s.azureSecret(run, i)
		default:
			i++
		}
		token, run = i, i
	}
	end = min(i, len(s.line))
	if end-token >= shortestToken || s.at(token) == '-' {
		if next := s.token(token, end); next > end {
			return next, split
		}
	}
	if end-run >= shortestRandom {
		s.random(body, run, end)
	}
	return end, split
}
