package redact

import "strings"

// A mark is a quote as it stands in a line: with backslashes before it where a command line
// stands in another one.
type mark struct {
	char  byte // 0 is no quote
	depth int  // backslashes
}

// An extent is where a value stands: its text without quotes, and where the line goes on.
type extent struct{ from, to, next int }

// A setting says where a value stands, which says what can end it.
type setting struct {
	listed   bool // others can follow without a space: name=value;name=value
	query    bool // in a URL
	spaced   bool // in a connection string, where values have spaces
	argument mark // the quote around name and value
}

// quoteAt returns the quote that begins at i, and its length with backslashes, or zeros.
func (s *scanner) quoteAt(i int) (mark, int) {
	start := i
	for i < len(s.line) && i-start < 16 && (s.line[i] == '\\' || s.line[i] == '^') {
		i++
	}
	if i < len(s.line) && is(s.line[i], quote) && (i == start || s.line[i] != '`') {
		return mark{s.line[i], strings.Count(s.line[start:i], `\`)}, i + 1 - start
	}
	return mark{}, 0
}

// ends reports whether what ended before i can be all of a value: a space, the end of the line or
// of something around it follows, maybe after more quotes.
func (s *scanner) ends(i int) bool {
	for range 16 {
		_, n := s.quoteAt(i)
		if n == 0 {
			break
		}
		i += n
	}
	return i >= len(s.line) || is(s.line[i], space) || strings.IndexByte(",;)}]|&<>", s.line[i]) >= 0
}

// closing returns where the quote that closes m begins and ends, from i on. Without one that is
// the end of the line.
func (s *scanner) closing(i int, m mark) (from, to int) {
	if c := &s.closed; c.mark == m && c.after <= i && i <= c.from {
		return c.from, c.to
	}
	from, to = len(s.line), len(s.line)
	doubled := false
	for j := i; j < len(s.line); j++ {
		at := strings.IndexByte(s.line[j:], m.char)
		if at < 0 {
			break
		}
		j += at
		depth := 0
		for j-depth > i && s.line[j-depth-1] == '\\' {
			depth++
		}
		// "" is a quote within quotes to Windows' programs; at the end of one it says that only after another.
		if depth == 0 && m == (mark{char: '"'}) && s.at(j+1) == '"' && (doubled && s.at(j+2) == ' ' || !s.ends(j+2)) && j > i && strings.IndexByte(s.line[j+2:], '"') >= 0 {
			doubled = true
			j++
			continue
		}
		if depth%2 == 0 || m.depth > 0 && depth <= m.depth {
			from, to = j-depth, j+1
			if m.depth == 0 || depth > m.depth {
				from = j // the backslashes belong to the text
			}
			break
		}
	}
	s.closed = closed{mark: m, after: i, from: from, to: to}
	return from, to
}

// closed is what closing found last.
type closed struct {
	mark            mark
	after, from, to int
}

// value returns the extent of the value that begins at i.
func (s *scanner) value(i int, in setting) extent {
	start, joined := i, false
	if m, n := s.quoteAt(i); n > 0 && m != s.quote {
		from, to := s.closing(i+n, m)
		switch {
		case to == from: // it has no end
			return extent{start, len(s.line), len(s.line)}
		case s.ends(to):
			return extent{i + n, from, to}
		}
		i, joined = to, true // "begin"end
	} else if i < len(s.line) && (s.line[i] == '{' || s.line[i] == '[') && in.listed {
		// Braces quote in ODBC, brackets list in JSON.
		if end := strings.IndexByte(s.line[i:min(len(s.line), i+4096)], s.line[i]+2); end >= 0 {
			return extent{i + 1, i + end, i + end + 1}
		}
	}
	limit := len(s.line)
	spaced := false
	if in.argument.char != 0 {
		limit, _ = s.closing(i, in.argument)
		spaced = true
	} else if in.spaced && s.quote.char != 0 {
		limit, _ = s.closing(i, s.quote)
		spaced = true
	}
	for i < limit && !s.stops(start, i, in, spaced) {
		c := s.line[i]
		if !is(c, quote) || c == '\'' && !joined || s.quote.char == c {
			i++
			continue
		}
		// Windows allows quotes in the middle: be"gin and e"nd.
		from, to := s.closing(i+1, mark{char: c})
		if to == from || to > limit {
			i++
			continue
		}
		i = to
	}
	return extent{start, i, i}
}

// stops reports whether a value that began at start, without a quote, ends before i.
func (s *scanner) stops(start, i int, in setting, spaced bool) bool {
	c := s.line[i]
	switch {
	case is(c, plainByte):
		return false
	case is(c, space):
		return !spaced && (!in.spaced || !s.goesOn(i))
	case is(c, quote):
		return s.ends(i)
	}
	switch c {
	case '\\', '^':
		_, n := s.quoteAt(i)
		return n > 0 && s.ends(i)
	case ')', '}', ']':
		return s.ends(i+1) && strings.IndexByte(s.line[start:min(i, start+256)], opener(c)) < 0
	case '|':
		return i+1 < len(s.line) && (is(s.line[i+1], space) || s.line[i+1] == '|')
	case '#':
		return in.query
	case '&':
		return in.query || s.at(i+1) == '&' || in.listed && s.nameFollows(i+1)
	case ';':
		return in.spaced || s.ends(i+1) || in.listed && s.nameFollows(i+1)
	case ',':
		return in.listed && (s.ends(i+1) || s.nameFollows(i+1))
	}
	return false
}

func opener(c byte) byte {
	if c == ')' {
		return '('
	}
	return c - 2
}

// at returns the byte at i, or 0 outside of the line.
func (s *scanner) at(i int) byte {
	if i < 0 || i >= len(s.line) {
		return 0
	}
	return s.line[i]
}

// nameFollows reports whether a name and = follow, or :, as between the parts of a list.
func (s *scanner) nameFollows(i int) bool {
	for i < len(s.line) && (s.line[i] == ' ' || is(s.line[i], quote)) {
		i++
	}
	for end := min(len(s.line), i+48); i < end; i++ {
		switch c := s.line[i]; {
		case c == '=' || c == ':' && i+1 < len(s.line) && is(s.line[i+1], space|quote):
			return true
		case !is(c, nameByte) && strings.IndexByte(" []", c) < 0 && !is(c, quote):
			return false
		}
	}
	return false
}

// goesOn reports whether a value of a connection string goes on after the space at i: the
// next part of the string follows.
func (s *scanner) goesOn(i int) bool {
	for end := min(len(s.line), i+64); i < end; i++ {
		switch c := s.line[i]; {
		case c == ';':
			return s.nameFollows(i + 1)
		case c == '=' || is(c, quote) || c == ' ' && (s.at(i+1) == '-' || s.at(i+1) == '/'):
			return false
		}
	}
	return false
}
