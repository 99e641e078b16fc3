package redact

import "strings"

// expected takes the word at i if the program says that this argument is a secret.
func (s *scanner) expected(i int) (next int, taken bool) {
	p := s.program
	if p == nil || max(p.positional, p.last) <= s.positional && p.habit != mounts && p.habit != connects {
		return i, false
	}
	m, n := s.quoteAt(i)
	switch c := s.at(i + n); {
	case n > 0 && m == s.quote && s.ends(i+n), s.option && !p.switches():
		return i, false
	case c == 0, c == '-', c == '+', c == '/' && s.isSlashOption(i+n), strings.IndexByte("|&<>;", c) >= 0:
		return i, false
	}
	isNext := p.positional <= s.positional+1
	if p.positional > 0 && !isNext && n == 0 {
		return i, false
	}
	v := s.value(i, setting{})
	text := s.line[v.from:v.to]
	sh := p.shape
	switch {
	case v.from >= v.to:
		return i, false
	case p.positional > 0 && !isNext:
		s.positional++ // one argument, also when it has spaces
		return v.next, true
	case p.habit == mounts:
		if isDevice(text) {
			return v.next, true
		}
		sh = whole
	case p.habit == connects:
		if name, rest, found := strings.Cut(text, "="); found && (equalFold(name, "userid") || equalFold(name, "target")) {
			v.from += len(text) - len(rest)
			text = rest
		}
		user, _, _ := strings.Cut(text, "/")
		if user == "" || user == text || strings.ContainsAny(user, `@=:.\`) || !strings.Contains(text, "@") && isScript(text) {
			return i, false
		}
		sh = oracle
	}
	if !s.take(v, sh, plain) {
		return i, false
	}
	s.positional++
	return v.next, true
}

// isDevice reports whether text is what net use gives a name to or a name that it gives
// (https://learn.microsoft.com/windows-server/administration/windows-commands/net-use).
func isDevice(text string) bool {
	return text == "*" || len(text) == 2 && text[1] == ':' || strings.HasPrefix(text, `\\`) || strings.HasPrefix(text, "//") ||
		strings.Contains(text, "://") || len(text) <= 5 && hasPrefixFold(text, "lpt")
}

// isScript reports whether text is a file of a database program.
func isScript(text string) bool {
	for _, suffix := range [...]string{".sql", ".dmp", ".log", ".par", ".ctl", ".rman", ".rcv", ".dat", ".csv"} {
		if len(text) > len(suffix) && equalFold(text[len(text)-len(suffix):], suffix) {
			return true
		}
	}
	return false
}

// endPlain learns from a word that is no option.
func (s *scanner) endPlain(body, end int, split bool) {
	after, nested := s.option, s.nested
	s.option, s.nested = false, false
	s.assigns = equalFold(s.line[body:end], "set") && (nested || s.starts(body))
	if s.login == asked {
		s.login = given
	} else {
		s.login = unsaid
	}
	if end-body > 256 {
		return
	}
	text := s.line[body:end]
	if split {
		if s.program != nil && !after {
			s.positional++
		}
		return
	}
	if s.naming {
		s.naming, s.named = false, classify(text)&valued != 0
		return
	}
	if s.begins(text) {
		return
	}
	if p := s.program; p != nil && !p.tells() && isScriptFile(text) {
		s.program, s.login = nil, unsaid // what follows are the script's options
		return
	}
	base := text[lastSlash(text)+1:]
	if p := programNamed(base); p != nil && (nested || s.program == nil || s.program.runs(p, after)) {
		s.program, s.positional = p, 0
		s.scripted = s.scripted || p.habit == encodes
		s.expects = s.expects || p.habit == asks
		switch p.habit {
		case prints:
			s.printed = min(end+1, len(s.line))
			for s.at(s.printed) == '-' && is(s.at(s.printed+1), letter) && is(s.at(s.printed+2), space) {
				s.printed += 3 // echo -n
			}
		case reads:
			s.readPipe()
		}
		return
	}
	if s.program != nil {
		if s.program.habit == sets && strings.HasPrefix(text, "http-basic.") {
			s.program, s.positional = httpBasic, 0
			return
		}
		if (!after || s.program.switches()) && text[0] != '+' {
			s.positional++
		}
		if s.program.habit == sets {
			name := text[max(strings.LastIndexByte(text, '/'), strings.LastIndexByte(text, ':'))+1:]
			if r := classify(name); r&(secret|vague) != 0 {
				s.awaits, s.role, s.slash = whole, r, false
				return
			}
		}
	}
	s.keyword(text, end)
}

// starts reports whether a command begins at i.
func (s *scanner) starts(i int) bool {
	for n := 0; n < 4 && i > 0 && is(s.line[i-1], space|quote); n++ {
		i--
	}
	return i == 0 || s.line[i-1] == '&' || s.line[i-1] == '('
}

// lastSlash returns where the last / or \\ is, or -1.
func lastSlash(text string) int {
	i := len(text) - 1
	for i >= 0 && text[i] != '/' && text[i] != '\\' {
		i--
	}
	return i
}

// isScriptFile reports whether text is the file of a program that an interpreter runs.
func isScriptFile(text string) bool {
	for _, suffix := range [...]string{".py", ".js", ".rb", ".pl", ".mjs", ".pyz"} {
		if strings.HasSuffix(text, suffix) {
			return true
		}
	}
	return false
}

// begins makes text the command of the program if it is one that is known.
func (s *scanner) begins(text string) bool {
	if s.program == nil || s.program.commands == nil || len(text) > longestWord {
		return false
	}
	var w word
	p := s.program.commands[string(w.fold(text))]
	if p != nil {
		s.program, s.positional = p, 0
	}
	return p != nil
}

// keyword knows the words that a secret follows without an option: IDENTIFIED BY x, PASSWORD 'x',
// Bearer x.
func (s *scanner) keyword(text string, end int) {
	if s.user > 0 {
		s.user++
	}
	switch {
	case equalFold(text, "user"), equalFold(text, "username"):
		s.user = 1
	case s.user == 3 && (equalFold(text, "password") || equalFold(text, "passwd") || equalFold(text, "pwd") || equalFold(text, "pass")):
		var w word
		if from, to := s.nextWord(end); !w.in(said, strings.TrimRight(s.line[from:to], `"'.,;`)) {
			s.awaits, s.role, s.slash = whole, secret, false
		}
	case equalFold(text, "identified"):
		s.by = true
	case s.by && equalFold(text, "by"):
		s.by = false
		s.awaits, s.role, s.slash = whole, plain, false
	case equalFold(text, "password"):
		if s.at(end) == ' ' && s.at(end+1) == '\'' && s.quote.char != '\'' {
			s.awaits, s.role, s.slash = whole, plain, false
		}
	case equalFold(text, "bearer"):
		if from, to := s.nextWord(end); to-from >= 16 {
			s.awaits, s.role, s.slash = whole, plain, false
		}
	case s.expects && (indexFold(text, "assword") >= 0 || indexFold(text, "assphrase") >= 0):
		s.prompted = true
	case s.prompted && (text == "send" || text == "exp_send"):
		s.awaits, s.role, s.slash, s.sending, s.prompted = whole, plain, false, true, false
	case equalFold(text, ".logon"):
		s.awaits, s.role, s.slash = comma, plain, false
	case equalFold(text, "connect"), equalFold(text, "conn"):
		from, to := s.nextWord(end)
		user, rest, found := strings.Cut(s.line[from:to], "/")
		if found && user != "" && all(user, nameByte) && strings.IndexByte(rest, '@') > 0 {
			s.awaits, s.role, s.slash = oracle, plain, false
		}
	case s.scripted && hasPrefixFold(text, "env:") && s.at(end) == ' ' && s.at(end+1) != '-' && classify(text[len("env:"):])&(secret|vague) != 0:
		s.awaits, s.role, s.slash = whole, plain, false
	case text == "<<<":
		s.awaits, s.role, s.slash = whole, plain, false
	}
}

// said are words that follow the word password in sentences.
var said = set(`changed reset expired expires policy is was for to has file prompt and or change not`)

// nextWord returns the word after i.
func (s *scanner) nextWord(i int) (from, to int) {
	for i < len(s.line) && is(s.line[i], space) {
		i++
	}
	from = i
	for i < len(s.line) && i-from < 64 && !is(s.line[i], space) {
		i++
	}
	return from, i
}

// schemes are the first words of the header Authorization
// (https://www.iana.org/assignments/http-authschemes), and others that are in use.
var schemes = set(`basic bearer digest token negotiate ntlm apikey hawk sharedkey sharedkeylite sharedaccesssignature
	aws4-hmac-sha256 hoba mutual vapid dpop pve apitoken pveapitoken kerberos key splunk ssws genie-key genie`)

// afterScheme returns the value after the name of a scheme: Bearer x.
func (s *scanner) afterScheme(v extent) (extent, bool) {
	var w word
	from, to := s.nextWord(v.to)
	if !w.in(schemes, s.line[v.from:v.to]) || from == v.to || from == to || s.line[from] == '-' || is(s.line[from], quote) || v.next != v.to {
		return v, false
	}
	return s.value(from, setting{}), true
}

// call takes the secret of a call whose parenthesis stands at i, and returns where the line goes on:
// NetworkCredential("user", "password"), auth("user", "password"), SetPassword("password"),
// SetEnvironmentVariable("API_KEY", "key"), Headers.Add("X-Token", "token").
func (s *scanner) call(i int) int {
	_, n := s.quoteAt(i + 1)
	if n == 0 {
		return i + 1
	}
	to := i
	if before := s.line[max(0, i-len("]::new")):i]; before == "]::new" {
		to -= len(before)
	}
	from := to
	for from > 0 && to-from < 40 && is(s.line[from-1], letter|digit) {
		from--
	}
	if hasPrefixFold(s.line[from:to], "get") {
		return i + 1
	}
	named := classify(s.line[from:to])&(secret|vague) != 0
	if !named {
		v := s.value(i+1, setting{})
		name := s.line[v.from:v.to]
		named = name != "" && len(name) <= 64 && all(name, nameByte) && classify(name)&(secret|vague) != 0 && s.at(v.next) == ','
	} else if name := s.line[from:to]; hasPrefixFold(name, "set") || equalFold(name, "password") || hasPrefixFold(name, "change") {
		if v := s.value(i+1, setting{}); s.at(v.next) != ',' && v.from < v.to && s.take(v, whole, plain) {
			return v.next
		}
	}
	if !named {
		return i + 1
	}
	return s.second(i)
}

// isSecured reports whether PowerShell makes a secret of the variable: ConvertTo-SecureString $name.
func (s *scanner) isSecured(name string) bool {
	const command = "convertto-securestring"
	if !s.searched {
		s.searched = true
		for at := 0; ; {
			n := indexFold(s.line[at:], command)
			if n < 0 {
				break
			}
			at += n + len(command)
			if from, to := s.nextWord(at); from < to && s.line[from] == '$' {
				s.secured = strings.TrimRight(s.line[from+1:to], `"');`)
				break
			}
		}
	}
	return name != "" && name == s.secured
}

// second takes the second text of those in the parenthesis at i, and returns where the line goes on.
func (s *scanner) second(i int) int {
	m, n := s.quoteAt(i + 1)
	if n == 0 {
		return i + 1
	}
	at := i + 1 + n
	user := strings.IndexByte(s.line[at:min(len(s.line), at+longestName)], m.char)
	if user < 0 {
		return i + 1
	}
	at += user + 1
	for at < len(s.line) && (s.line[at] == ',' || s.line[at] == ' ') {
		at++
	}
	if _, n := s.quoteAt(at); n > 0 && s.at(at-1) != m.char {
		if v := s.value(at, setting{}); s.take(v, whole, plain) {
			return v.next
		}
	}
	return i + 1
}
