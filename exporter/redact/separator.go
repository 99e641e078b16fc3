package redact

import "strings"

// separator reads the = or : at i: the name before it, and if that says so the secret after it.
// It returns where the line goes on.
func (s *scanner) separator(body, i int, outer mark) int {
	c := s.line[i]
	next := i + 1
	switch d := s.at(i + 1); {
	case c == ':' && d == '/' && s.at(i+2) == '/':
		return s.url(i)
	case c == ':' && d == ':':
		return i + 2
	case d == '=', c == '=' && d == '>':
		next++
	}
	from, to := s.nameBefore(body, i)
	name := s.line[from:to]
	if name == "" {
		return next
	}
	before := s.at(from - 1)
	inQuery := before == '?' || before == '&'
	r := classify(name)
	if r == queried && !inQuery {
		r = plain
	}
	if r == plain {
		if !s.saysSecret(name, before, from) {
			return s.unsaid(named{body: body, from: from, at: i}, next, outer)
		}
		r = secret
	}
	isOption := from == body && name[0] == '-' || from == body+1 && before == '/'
	if c == ':' && !isOption && from > body && strings.IndexByte(`/\@.`, before) >= 0 {
		return next // a path, or the name of an image
	}
	at := next
	// Not after NAME=, which empties a variable for the command that follows.
	if c == ':' || to < i && is(s.line[i-1], space) || before == '$' || isSpaced(name) {
		for at < len(s.line) && is(s.line[at], space) {
			at++
		}
	}
	if at >= len(s.line) || is(s.line[at], space) {
		return next
	}
	if m, n := s.quoteAt(at); n > 0 && (m == s.quote || at > next) && s.ends(at+n) {
		return next
	}
	if s.line[at] == '{' && s.at(at+1) != '{' && c == ':' {
		return next // what is in there has names of its own
	}
	if s.line[at] == '(' && r == vague {
		return max(s.second(at), next) // auth=('user', 'password')
	}
	in := setting{listed: !isOption, query: inQuery, spaced: s.at(from-1) == ';' || s.at(from-1) == ' ' && s.at(from-2) == ';'}
	if outer.char != 0 && s.quote == outer && (from == body || isOption) && (isOption || !s.nested) {
		in.argument = outer
	}
	if r == secret && isHeader(name) {
		if end := s.header(name, at, c); end > at {
			return end
		}
	}
	v := s.value(at, in)
	if s.assigns && c == '=' {
		v = s.assigned(v)
	}
	if after, ok := s.afterScheme(v); ok && (r != vague || c == ':' || s.quote.char != 0) {
		v = after
	}
	if v.from >= v.to || s.isHarmless(s.line[v.from:v.to], r) || s.isExcused(name, v) {
		return next
	}
	s.spans.add(s.line, v.from, v.to)
	if text := s.line[v.from:v.to]; c == ':' && strings.HasPrefix(name, "--") && all(text, nameByte) && classify(text)&secret != 0 {
		s.awaits, s.role, s.slash = whole, r, false // --Jwt:Secret x
	}
	return max(v.next, next)
}

// element takes the text of an element of XML whose name says that it is a secret, after the > at i:
// <password>x</password>.
func (s *scanner) element(i int) int {
	from := i
	for from > 0 && i-from < longestName && is(s.line[from-1], nameByte) {
		from--
	}
	start := from
	if s.at(start-1) == ':' { // of a namespace
		for start--; start > 0 && i-start < longestName && is(s.line[start-1], nameByte); {
			start--
		}
	}
	if from == i || s.at(start-1) != '<' || classify(s.line[from:i])&(secret|vague) == 0 {
		return i + 1
	}
	end := strings.IndexByte(s.line[i:], '<')
	if end < 0 || s.at(i+end+1) != '/' {
		return i + 1
	}
	s.spans.add(s.line, i+1, i+end)
	return i + end
}

// assigned returns the value that cmd's set gives a variable: it ends where the command ends.
func (s *scanner) assigned(v extent) extent {
	end := v.next
	for end < len(s.line) && strings.IndexByte("&|<>\"\n", s.line[end]) < 0 {
		end++
	}
	for end > v.next && is(s.line[end-1], space) {
		end--
	}
	if end > v.next {
		v.to, v.next = end, end
	}
	return v
}

// pairs takes what is a secret by its form on both sides of the colon at i: -u user:SECRET of programs in
// no table, the token of a Telegram bot, the hashes of Windows. It returns where the line goes on.
func (s *scanner) pairs(body, from, i, next int) int {
	if d := s.at(next); d == '\\' || d == '/' || is(d, space) {
		return next
	}
	name := s.line[from:i]
	end := s.runOf(next, plainByte)
	text := s.line[next:end]
	switch {
	case len(text) >= 33 && len(name) >= 8 && len(name) <= 11 && strings.HasPrefix(text, "AA") && all(name, digit):
		s.spans.add(s.line, from, end)
		return end
	case len(text) == 32 && len(name) == 32 && isHex(text) && isHex(name): // LM:NT
		s.spans.add(s.line, from, end)
		return end
	case (s.login != asked || s.program != nil || from != body) && !s.isUsers(body, from):
		return next
	}
	v := s.value(next, setting{})
	if text := s.line[v.from:v.to]; text == "" || !isMixed(text) || strings.IndexByte(text, '@') >= 0 || s.isHarmless(text, plain) {
		return next
	}
	s.spans.add(s.line, v.from, v.to)
	return v.next
}

// isUsers reports whether the name at from is the value of an option that wants a user: --user=bob.
func (s *scanner) isUsers(body, from int) bool {
	if c := s.at(from - 1); c != '=' && c != ':' || s.program != nil && s.program.habit == names {
		return false
	}
	start, end := s.nameBefore(body, from-1)
	var w word
	return w.in(users, strings.TrimLeft(s.line[max(start, body):max(end, body)], "-"))
}

var users = set(`u user username login usr userpass`)

// isMixed reports whether text has letters and others, as passwords do and names do not.
func isMixed(text string) bool { return !all(text, letter|joiner|dot) && !all(text, digit|joiner|dot) }

func isHex(text string) bool {
	for i := range len(text) {
		if c := lower(text[i]); !is(c, digit) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// saysSecret knows the names, before the byte at from, that say what they are only here: for this program, in
// this script, in this URL.
func (s *scanner) saysSecret(name string, before byte, from int) bool {
	switch {
	case isSecretID(name), s.program != nil && s.program.isSetting(name), s.scripted && before == '$' && s.isSecured(name):
		return true
	}
	return before == '&' && name == "p" && strings.Contains(s.line[max(0, from-64):from], "u=")
}

// named is where a name and the = or : behind it stand in a word that begins at body.
type named struct{ body, from, at int }

// unsaid takes what is a secret though the name does not say so, and returns where the line goes on.
func (s *scanner) unsaid(n named, next int, outer mark) int {
	c, name := s.line[n.at], strings.TrimRight(s.line[n.from:n.at], "\"'`\\] \t")
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case len(name) <= 2:
		if c == ':' && (equalFold(name, "p") && s.at(n.from-1) == '/' && n.from == n.body+1 || name == "-p" && n.from == n.body) {
			return s.slashP(next, outer)
		}
	case len(last) == len("key") && equalFold(last, "key"), len(last) == len("name") && equalFold(last, "name"):
		v := s.value(s.afterSpaces(c, next), setting{listed: true})
		text := s.line[v.from:v.to]
		s.named = all(text, nameByte) && classify(text)&(secret|vague) != 0
	case s.named && equalFold(last, "value"): // <add key="Password" value="x"/>
		s.named = false
		if v := s.value(s.afterSpaces(c, next), setting{listed: true}); s.take(v, whole, plain) {
			return v.next
		}
	case c == ':' && equalFold(name, "thin"): // jdbc:oracle:thin:user/password@host
		if v := s.value(next, setting{}); strings.IndexByte(s.line[v.from:v.to], '@') > 0 && s.take(v, oracle, plain) {
			return v.next
		}
		return next
	case equalFold(name, "userid"):
		v := s.value(next, setting{listed: true})
		if slash := strings.IndexByte(s.line[v.from:v.to], '/'); slash > 0 && all(s.line[v.from:v.from+slash], nameByte) && s.take(v, oracle, plain) {
			return v.next
		}
	}
	if c != ':' {
		return next
	}
	if end := s.pairs(n.body, n.from, n.at, next); end > next {
		return end
	}
	return s.userInfo(n.from, n.at, next)
}

// afterSpaces passes the spaces that can stand after a colon.
func (s *scanner) afterSpaces(c byte, i int) int {
	for c == ':' && s.at(i) == ' ' {
		i++
	}
	return min(i, len(s.line))
}

// slashP takes the value of /p:, which is a password to many programs of Windows. To the
// others it is a property (/p:Name=Value), a port or another number.
func (s *scanner) slashP(at int, outer mark) int {
	v := s.value(at, setting{argument: outer})
	text := s.line[v.from:v.to]
	if text == "" || strings.IndexByte(text, '=') >= 0 || all(text, digit) || s.isHarmless(text, secret) {
		return at
	}
	s.spans.add(s.line, v.from, v.to)
	return max(v.next, at)
}

// nameBefore returns the name that ends before i, without quotes and brackets around it.
func (s *scanner) nameBefore(body, i int) (from, to int) {
	to = i
	if i == body || i == body+1 && s.at(i-1) == '+' {
		// "name = value", which is three words
		for to > 0 && i-to < 4 && (is(s.line[to-1], space) || s.line[to-1] == '+') {
			to--
		}
	}
	for n := 0; n < 8 && to > 0 && (is(s.line[to-1], quote) || s.line[to-1] == '\\' || s.line[to-1] == ']'); n++ {
		to--
	}
	from = to
	for from > 0 && to-from < longestName && is(s.line[from-1], nameByte) {
		from--
	}
	return from, to
}

// isSpaced reports whether the name is an option of sc.exe, which has a space after its =
// (https://learn.microsoft.com/windows-server/administration/windows-commands/sc-create).
func isSpaced(name string) bool { return equalFold(name, "password") }

// isSecretID reports whether name is that of a secret of Vault's AppRole, elsewhere it is what it says;
// SonarQube's, which is a token; or that of Spring Cloud Config.
func isSecretID(name string) bool {
	switch {
	case len(name) < len("secretid"):
		return false
	case strings.IndexByte(name, '.') < 0:
		return equalFold(name, "secret_id") || equalFold(name, "secretid")
	case len(name) < len("sonar.login"):
		return false
	}
	end := name[len(name)-len("sonar.login"):]
	return equalFold(end, "sonar.login") || equalFold(end, "encrypt.key")
}

// isExcused knows the names that a rule would take and that everybody has.
func (s *scanner) isExcused(name string, v extent) bool {
	switch {
	case name == "PWD" || name == "OLDPWD":
		return s.line[v.from] == '/' // the folder a shell is in
	case equalFold(name, "-storepass"), equalFold(name, "-keypass"):
		return s.line[v.from:v.to] == "env" || s.line[v.from:v.to] == "file"
	}
	return indexFold(name, "existingsecret") >= 0 // the name of one of Kubernetes, in values of charts
}

func isHeader(name string) bool {
	name = strings.TrimLeft(name, "-")
	return equalFold(name, "authorization") || equalFold(name, "proxy-authorization") || equalFold(name, "cookie") || equalFold(name, "set-cookie")
}

// header takes the value of a header that has spaces, and returns where it ends, or zero for a value that
// is like those of other names.
func (s *scanner) header(name string, at int, c byte) int {
	if _, n := s.quoteAt(at); n > 0 {
		return 0
	}
	isCookie := strings.HasSuffix(name, "ookie") || strings.HasSuffix(name, "OOKIE")
	if c == '=' && isCookie {
		return 0
	}
	from := at
	if first, to := s.nextWord(at); !isCookie && first < to {
		var w word
		if w.in(schemes, s.line[first:to]) {
			from, _ = s.nextWord(to)
		}
	}
	end := from
	if s.quote.char != 0 {
		end, _ = s.closing(from, s.quote)
	} else {
		for end < len(s.line) {
			v := s.value(end, setting{})
			end = max(v.next, end+1)
			if last := s.at(end - 1); last != ',' && s.at(end) != ';' && last != ';' {
				break
			}
			if s.at(end) == ';' {
				end++
			}
			next, _ := s.nextWord(end)
			if next >= len(s.line) || s.line[next] == '-' {
				break
			}
			end = next
		}
	}
	end = min(end, len(s.line))
	if from < end && !isReference(s.line[from:end]) {
		s.spans.add(s.line, from, end)
	}
	return end
}
