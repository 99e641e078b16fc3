package redact

import "strings"

// next remembers where the next @ is, so that looking ahead costs no more than the line is long.
type next struct {
	known     bool
	after, at int // -1 is none
}

// nextAt returns where the first @ from i on is, or -1.
func (s *scanner) nextAt(i int) int {
	n := &s.ats
	if !n.known || i < n.after || n.at >= 0 && n.at < i {
		*n = next{known: true, after: i, at: strings.IndexByte(s.line[i:], '@')}
		if n.at >= 0 {
			n.at += i
		}
	}
	return n.at
}

// url reads the URL whose :// begins at i, and returns where what follows its user and
// password begins (https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1).
func (s *scanner) url(i int) int {
	from := i + len("://")
	end, at, colon := from, -1, -1
	for end < len(s.line) && !is(s.line[end], space|quote) && strings.IndexByte(`/?#\<>`, s.line[end]) < 0 {
		switch s.line[end] {
		case '@':
			at = end
		case ':':
			if colon < 0 {
				colon = end
			}
		}
		end++
	}
	if at < 0 && colon >= 0 && colon+1 < end && s.line[from] != '[' && !all(s.line[colon+1:end], digit) &&
		is(s.line[colon+1], letter|digit) && !strings.Contains(s.line[colon:end], ",") {
		// Not a port, so it is a password with a / that should have been encoded.
		if a := s.nextAt(end); a >= 0 && a-end < 256 && !strings.ContainsAny(s.line[end:a], " \t\"'`") {
			at = a
		}
	}
	if at < 0 {
		return s.webhook(from, end)
	}
	if colon < 0 || colon > at {
		if s.isToken(i, s.line[from:at]) {
			s.spans.add(s.line, from, at)
		}
		return at
	}
	if user := s.line[from:colon]; s.isToken(i, user) {
		s.spans.add(s.line, from, colon)
	}
	if colon+1 < at && !isReference(s.line[colon+1:at]) {
		s.spans.add(s.line, colon+1, at)
	}
	return at
}

// isToken reports whether the user in a URL is a token: long and not a name.
func (s *scanner) isToken(i int, user string) bool {
	if user == "" || isReference(user) || strings.ContainsAny(user, ". ") {
		return false
	}
	if tokenLength(user) > 0 {
		return true
	}
	digits := len(user) - len(strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, user))
	return len(user) >= 16 && digits > 1 && s.line[max(0, i-1)] == 's' || len(user) >= 32
}

// hooks are the places of URLs that let in who knows them.
var hooks = [...]struct{ host, path string }{
	{"hooks.slack.com", "/services/"}, {"hooks.slack.com", "/workflows/"}, {"hooks.slack.com", "/triggers/"},
	{"discord.com", "/api/webhooks/"}, {"discordapp.com", "/api/webhooks/"},
	{"webhook.office.com", "/webhookb2/"}, {"outlook.office.com", "/webhook/"}, {"hooks.zapier.com", "/hooks/catch/"},
	{"api.telegram.org", "/bot"},
}

// webhook takes the path of a URL whose host stands from from to end.
func (s *scanner) webhook(from, end int) int {
	host := s.line[from:end]
	if len(host) < len("discord.com") || len(host) > 64 {
		return from
	}
	for _, h := range hooks {
		if strings.HasSuffix(host, h.host) && strings.HasPrefix(s.line[end:], h.path) {
			v := s.value(end+len(h.path), setting{query: true, listed: true})
			s.spans.add(s.line, v.from, v.to)
			return max(v.next, end)
		}
	}
	return from
}

// people are names before a colon that a mail address follows, or the version of a package.
var people = set(`user username member group account serviceaccount login email mail mailto to from cc bcc sip sips xmpp acct npm git file
	link workspace pkg pserver ext gserver sserver user-name upn owner domain`)

// userInfo takes the password of user:password@host:port, whose name begins at from and whose
// colon stands at i. Without a scheme it takes a port or a proxy to tell it from a mail address.
func (s *scanner) userInfo(from, i, next int) int {
	at := s.nextAt(i)
	if at < 0 || at-i > 256 || at == i+1 || s.at(i+1) == '\\' || s.at(from-1) == '@' {
		return next
	}
	var w word
	name := strings.TrimLeft(s.line[from:i], "-")
	if w.in(people, name) || strings.HasPrefix(name, "sha") || strings.ContainsAny(s.line[i:at], " \t\"'`/\\,;=") {
		return next
	}
	end, port := at+1, -1
	for end < len(s.line) && (is(s.line[end], nameByte) || s.line[end] == ':' && port < 0) {
		if s.line[end] == ':' {
			port = end
		}
		end++
	}
	proxied := from >= 6 && indexFold(s.line[max(0, from-24):from], "proxy") >= 0 || s.program != nil && from >= 3 && s.line[from-3:from] == "-x "
	host := s.line[at+1 : end]
	if port > at+1 && port+1 < end && all(s.line[port+1:end], digit) || proxied && end > at+1 || s.isLogin(from, s.line[i+1:at], host, end) {
		s.spans.add(s.line, i+1, at)
		return at
	}
	return next
}

// isLogin reports whether a password stands between a user, whose name begins at from, and @host.
func (s *scanner) isLogin(from int, password, host string, end int) bool {
	if s.at(end) == '(' { // user:password@tcp(host:3306)/database, of Go's MySQL driver
		return host == "" || strings.HasPrefix(host, "tcp") || host == "unix"
	}
	before := s.at(from - 1)
	switch {
	case host == "" || strings.HasPrefix(host, "sha") || s.isUser(from):
		return false
	case s.program != nil && s.program.habit == dials:
		return true
	case before == '/' && is(s.at(from-2), nameByte): // domain/user:password@host
		return strings.IndexByte(host, '.') > 0 && isHost(host)
	case before == 0 || before == '=' || before == '/' || is(before, space|quote): // user:password@host
		return isMixed(password) && strings.IndexByte(password, ':') < 0 && !isRelease(password) && isHost(host) &&
			!all(s.line[from:from+s.nameLength(from)], digit|dot)
	}
	return false
}

// isHost reports whether text, which has the bytes of a name, is one of a host or an IPv4 address.
func isHost(text string) bool {
	return !is(text[0], digit) || all(text, digit|dot) && strings.Count(text, ".") == 3
}

// isRelease reports whether text is a version as after the name of an image or a package: v1.2-rc1.
func isRelease(text string) bool {
	text = strings.TrimPrefix(text, "v")
	return text != "" && is(text[0], digit) && strings.IndexByte(text, '.') > 0 && all(text, nameByte)
}

// isUser reports whether the name at from is that of an option, and so what follows is a user@domain.
func (s *scanner) isUser(from int) bool {
	before := s.at(from - 1)
	return s.line[from] == '-' || before == '/' && (from == 1 || is(s.at(from-2), space|quote))
}
