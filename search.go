package procmon

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of a search.
const (
	maxSearchText  = 4 << 10 // bytes
	maxSearchTerms = 64
)

// A Search says which processes are looked for. The zero value matches all.
type Search struct {
	text  string
	terms []searchTerm
}

// searchTerm is one word of a search.
type searchTerm struct {
	field searchField
	not   bool
	text  string // in lower case
	exact bool
	pid   uint32
	op    string  // of figures
	limit float64 // percent, bytes, or seconds
}

type searchField int

const (
	searchAny searchField = iota // name, user or command line
	searchName
	searchUser
	searchCmdline
	searchExe
	searchHost
	searchPID
	searchCPU
	searchMemory
	searchStarted
)

var searchFields = map[string]searchField{
	"name": searchName, "user": searchUser, "cmd": searchCmdline, "exe": searchExe, "host": searchHost, "pid": searchPID,
	"cpu": searchCPU, "mem": searchMemory, "started": searchStarted,
}

const searchHelp = "allowed are plain words, name: user: cmd: exe: host: pid: (as in name:chrome, name:=svchost.exe for the whole name, cmd:\"two words\"), " +
	"cpu>50, mem>1GB, started<1h, and - before any of them"

// A SearchError says what is wrong with the text of a search, and where.
type SearchError struct {
	Position int    // of the wrong character: Unicode code points from 0
	Problem  string // names the term and what is allowed
}

func (e *SearchError) Error() string { return e.Problem }

// ParseSearch returns the search that text says. Its terms stand apart by spaces and must all
// match; text within double quotes is one. A plain word matches name, user or command line;
// name:, user:, cmd:, exe: and host: match one of them: all by what they contain, without
// case, or after := by the whole. pid: is a number. cpu and mem are compared by < <= > or >=:
// percent of one core, and bytes with a unit (K, M, G, T with or without B or iB, powers of
// 1024). started< is less than so long ago, started> longer: 30s, 15m, 1h, 7d, 2w. A term
// after - must not match. An error is a *SearchError.
func ParseSearch(text string) (Search, error) {
	wrong := func(at int, format string, args ...any) (Search, error) {
		return Search{}, &SearchError{utf8.RuneCountInString(text[:at]), fmt.Sprintf(format, args...)}
	}
	if len(text) > maxSearchText {
		return wrong(maxSearchText, "the search has %d bytes; at most %d are allowed", len(text), maxSearchText)
	}
	if i := invalidUTF8(text); i >= 0 {
		return wrong(i, "the search is not UTF-8")
	}
	s := Search{text: text}
	for at := skipSpace(text, 0); at < len(text); at = skipSpace(text, at) {
		word, closed := cutTerm(text[at:])
		if !closed {
			return wrong(at+strings.LastIndexByte(word, '"'), "%q: a quote is open; end it with another \"", word)
		}
		term, in, err := parseTerm(word)
		if err != nil {
			return wrong(at+in, "%q: %v; %s", word, err, searchHelp)
		}
		if s.terms = append(s.terms, term); len(s.terms) > maxSearchTerms {
			return wrong(at, "the search has more than %d terms", maxSearchTerms)
		}
		at += len(word)
	}
	return s, nil
}

// invalidUTF8 returns where text is not UTF-8, or -1.
func invalidUTF8(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return -1
}

// skipSpace returns where something other than white space begins in text, from at on.
func skipSpace(text string, at int) int {
	return len(text) - len(strings.TrimLeftFunc(text[at:], unicode.IsSpace))
}

// cutTerm returns the first term, with its quotes, and whether all of them are closed.
func cutTerm(text string) (term string, closed bool) {
	quoted := false
	for i, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case !quoted && unicode.IsSpace(r):
			return text[:i], true
		}
	}
	return text, !quoted
}

// parseTerm returns what word says, or where in it something is wrong.
func parseTerm(word string) (t searchTerm, at int, err error) {
	rest, not := strings.CutPrefix(word, "-")
	if t.not = not; not {
		at++
	}
	if rest == "" {
		return t, 0, errors.New("there is nothing after the -")
	}
	i := strings.IndexAny(rest, `:<>"`)
	if i <= 0 || rest[i] == '"' {
		t.text = strings.ToLower(strings.ReplaceAll(rest, `"`, ""))
		if t.text == "" {
			return t, at, errors.New("there is no text")
		}
		return t, at, nil
	}
	field, known := searchFields[strings.ToLower(rest[:i])]
	if !known {
		return t, at, fmt.Errorf("%q is no field", rest[:i])
	}
	t.field = field
	at += i
	value := strings.ReplaceAll(rest[i+1:], `"`, "")
	if field >= searchCPU {
		if rest[i] == ':' {
			return t, at, errors.New("it takes <, <=, > or >=")
		}
		at++
		t.op = rest[i : i+1]
		if after, equal := strings.CutPrefix(value, "="); equal {
			t.op, value = t.op+"=", after
			at++
		}
		return t, at, t.figure(value)
	}
	if rest[i] != ':' {
		return t, at, fmt.Errorf("%s takes a colon", rest[:i])
	}
	at++
	if value, t.exact = strings.CutPrefix(value, "="); t.exact {
		at++
	}
	if value == "" {
		return t, at, errors.New("there is nothing after the colon")
	}
	if field == searchPID {
		pid, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return t, at, errors.New("a pid is a number from 0 to 4294967295")
		}
		t.pid = uint32(pid)
	}
	t.text = strings.ToLower(value)
	return t, at, nil
}

// figure takes in what is compared.
func (t *searchTerm) figure(value string) error {
	units := map[string]float64{"": 1, "%": 1}
	switch t.field {
	case searchMemory:
		units = memoryUnits
	case searchStarted:
		units = map[string]float64{"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
	}
	digits := len(value) - len(strings.TrimLeft(value, "0123456789."))
	unit, known := units[strings.ToLower(value[digits:])]
	n, err := strconv.ParseFloat(value[:digits], 64)
	if err != nil || !known || math.IsInf(n*unit, 0) {
		switch t.field {
		case searchMemory:
			return errors.New("memory is a number with a unit, as 500MB or 1.5GB")
		case searchStarted:
			return errors.New("a time is a number with a unit, as 30s, 15m, 1h, 7d or 2w")
		}
		return errors.New("CPU is a number of percent, as 50 or 0.5")
	}
	t.limit = n * unit
	return nil
}

var memoryUnits = map[string]float64{
	"": 1, "b": 1,
	"k": 1 << 10, "kb": 1 << 10, "kib": 1 << 10,
	"m": 1 << 20, "mb": 1 << 20, "mib": 1 << 20,
	"g": 1 << 30, "gb": 1 << 30, "gib": 1 << 30,
	"t": 1 << 40, "tb": 1 << 40, "tib": 1 << 40,
}

// String returns the text that was parsed.
func (s Search) String() string { return s.text }

func (t *searchTerm) matches(text string) bool {
	if t.exact {
		return strings.EqualFold(text, t.text)
	}
	return containsFold(text, t.text)
}

// MatchHost reports whether nothing is said against the host.
func (s Search) MatchHost(host string) bool {
	return !slices.ContainsFunc(s.terms, func(t searchTerm) bool { return t.field == searchHost && t.matches(host) == t.not })
}

// MatchFacts reports whether nothing is said against the identity and the static facts of p,
// at an instant.
func (s Search) MatchFacts(p *Process, at time.Time) bool {
	for i := range s.terms {
		t := &s.terms[i]
		var match bool
		switch t.field {
		case searchAny:
			match = t.matches(p.Name) || p.Username.Known && t.matches(p.Username.Value) || p.Cmdline.Known && t.matches(p.Cmdline.Value)
		case searchName:
			match = t.matches(p.Name)
		case searchUser:
			match = p.Username.Known && t.matches(p.Username.Value)
		case searchCmdline:
			match = p.Cmdline.Known && t.matches(p.Cmdline.Value)
		case searchExe:
			match = p.Exe.Known && t.matches(p.Exe.Value)
		case searchPID:
			match = p.PID == t.pid
		case searchStarted:
			match = p.StartTime.Known && t.compare(at.Sub(p.StartTime.Value).Seconds())
		default:
			continue
		}
		if match == t.not {
			return false
		}
	}
	return true
}

// MatchFigures reports whether nothing is said against the figures of a process at an
// instant: CPU in percent of one core, and the working set in bytes.
func (s Search) MatchFigures(cpu Opt[float64], memory Opt[uint64]) bool {
	for i := range s.terms {
		t := &s.terms[i]
		var match bool
		switch t.field {
		case searchCPU:
			match = cpu.Known && t.compare(cpu.Value)
		case searchMemory:
			match = memory.Known && t.compare(float64(memory.Value))
		default:
			continue
		}
		if match == t.not {
			return false
		}
	}
	return true
}

func (t *searchTerm) compare(v float64) bool {
	switch t.op {
	case "<":
		return v < t.limit
	case "<=":
		return v <= t.limit
	case ">":
		return v > t.limit
	}
	return v >= t.limit
}

// Figures reports whether the search asks for figures, so that MatchFigures can say no.
func (s Search) Figures() bool {
	return slices.ContainsFunc(s.terms, func(t searchTerm) bool { return t.field == searchCPU || t.field == searchMemory })
}

// Timed reports whether MatchFacts depends on the instant.
func (s Search) Timed() bool {
	return slices.ContainsFunc(s.terms, func(t searchTerm) bool { return t.field == searchStarted })
}

// Lines reports whether MatchFacts needs command lines and paths.
func (s Search) Lines() bool {
	return slices.ContainsFunc(s.terms, func(t searchTerm) bool {
		return t.field == searchAny || t.field == searchCmdline || t.field == searchExe
	})
}

// A TextNeed is a text without which nothing can match: one of the names and users, or of the
// command lines and paths.
type TextNeed struct {
	Words, Lines bool // where it can be
	Match        func(text string) bool
}

// Needs returns what must be there for anything to match.
func (s Search) Needs() (needs []TextNeed) {
	for i := range s.terms {
		t := &s.terms[i]
		n := TextNeed{Match: t.matches}
		switch t.field {
		case searchName, searchUser:
			n.Words = true
		case searchCmdline, searchExe:
			n.Lines = true
		case searchAny:
			n.Words, n.Lines = true, true
		default:
			continue
		}
		if !t.not {
			needs = append(needs, n)
		}
	}
	return needs
}

// containsFold reports whether s contains sub, which is in lower case, without case.
func containsFold(s, sub string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return strings.Contains(strings.ToLower(s), sub)
		}
	}
	lower := func(c byte) byte {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}
	for i := 0; i+len(sub) <= len(s); i++ {
		n := 0
		for n < len(sub) && lower(s[i+n]) == sub[n] {
			n++
		}
		if n == len(sub) {
			return true
		}
	}
	return false
}
