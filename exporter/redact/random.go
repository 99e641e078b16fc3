package redact

import "strings"

// shortestRandom is the least length in bytes of a text that is a secret because nobody
// would write it by hand.
const shortestRandom = 32

// unwords are parts of names whose values look random and are none of anybody's secrets: what Chromium's
// processes pass to each other, and what identifies things by their content.
var unwords = set(`handle seed digest hash hashes sha sha1 sha256 sha512 md5 checksum fingerprint integrity preferences prefs commit revision
	rev build guid uuid etag cid thumbprint trial pipe channel id cert certificate hostkey pubkey pinnedpubkey public features
	classpath cp`)

// random notes the text from from to i as a secret if it looks random, and returns where the line
// goes on; zero is where it is. Words are told from base64 by how often letters, capitals and
// digits take turns: about six times in ten bytes where bytes are random, twice in CamelCase.
// Hexadecimal digits as long as digests are names: of commits, containers, files; and so are
// UUIDs. Paths are no secrets.
func (s *scanner) random(body, from, i int) int {
	for from < i && (s.line[from] == '-' || s.line[from] == '/') {
		from++
	}
	text := s.line[from:i]
	if len(text) < shortestRandom || s.at(from-1) == '\\' || !looksRandom(text) || s.isPublic(body, from, text) {
		return 0
	}
	end := i
	for s.at(end) == '=' {
		end++
	}
	s.spans.add(s.line, from, end)
	return end
}

// isPublic reports whether what is before a random text says that it is no secret.
func (s *scanner) isPublic(body, from int, text string) bool {
	if strings.HasPrefix(text, "AAAA") || strings.HasPrefix(text, "AppX") || strings.HasPrefix(text, "sha256-") || strings.HasPrefix(text, "sha384-") || strings.HasPrefix(text, "sha512-") ||
		strings.HasPrefix(text, "sha256//") {
		return true
	}
	c := s.at(from - 1)
	if c != '=' && c != ':' {
		return false
	}
	start, end := s.nameBefore(from, from-1)
	for name := s.line[max(start, body):end]; name != ""; {
		at := 0
		for at < len(name) && !is(name[at], letter|digit) {
			at++
		}
		name = name[at:]
		to := 0
		for to < len(name) && is(name[to], letter|digit) {
			to++
		}
		var w word
		if w.in(unwords, name[:to]) {
			return true
		}
		name = name[to:]
	}
	return false
}

// looksRandom reports whether text, which has the bytes of base64, is not made of words.
func looksRandom(text string) bool {
	var lowers, uppers, digits, turns, groups, slashes, joiners, beyond int
	before := class(0)
	for i := range len(text) {
		k := classes[text[i]]
		switch {
		case k&upper != 0:
			uppers++
		case k&letter != 0:
			lowers++
		case k&digit != 0:
			digits++
			if before != k {
				groups++
			}
		case text[i] == '/':
			slashes++
		default:
			joiners++
		}
		if c := lower(text[i]); k&letter != 0 && c > 'f' {
			beyond++
		}
		if k&(letter|digit) != 0 {
			if before != 0 && k != before {
				turns++
			}
			before = k
		}
	}
	n := len(text)
	switch {
	case beyond == 0 && slashes == 0 && uppers*lowers == 0: // hexadecimal
		return joiners == 0 && digits > n/4 && lowers+uppers > n/8 && !isDigest(n) && n > 36
	case slashes > 1+n/16 || joiners > 1+n/8:
		return false
	case uppers > 1 && lowers > 1 && digits > 1:
		return turns*100 >= n*46 || groups >= 4 && turns*100 >= n*38
	case uppers == 0 && n >= 40 && joiners == 0 && slashes == 0:
		return groups >= 6 && turns*100 >= n*28
	}
	return false
}

// isDigest reports whether so many hexadecimal digits are a digest's: MD5, SHA-1, SHA-2.
func isDigest(n int) bool {
	return n == 32 || n == 40 || n == 56 || n == 64 || n == 96 || n == 128
}
