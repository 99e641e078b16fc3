package redact

import "strings"

// methods are values of names such as auth and token, that say how and not what.
var methods = set(`any auto aws-sigv4 basic bearer certificate client cram-md5 digest disabled dual enabled false form github
	gssapi header iam integrated jwt kerberos key ldap local login managed md5 mutual ntlm negotiate no none oauth oauth2 off oidc on
	pam password peer plain prompt public-key publickey radius required saml scram-sha-1 scram-sha-256 scram-sha-512 server sspi
	system token true trust tls windows x509 xoauth2 yes optional simple external pat interact nointeract`)

// nothing are values that say that there is no secret here.
var nothing = set(`true false yes no on off none null nil undefined prompt ask required optional enabled disabled stdin env empty
	- -- *`)

// verbs are how PowerShell's commands begin, which a secret is asked of: $pw = Read-Host.
var verbs = []string{"get-", "read-", "convertto-", "convertfrom-", "new-", "import-"}

// roots are folders that absolute paths begin with.
var roots = set(`etc var run home usr opt tmp root srv mnt dev proc app apps data secrets config conf workspace users library media
	private volumes keys certs ssl cert mount mounts vault lib bin sys snap nix`)

func set(list string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(list) {
		all[w] = true
	}
	return all
}

func (w *word) in(set map[string]bool, text string) bool {
	return len(text) <= longestWord && set[string(w.fold(text))]
}

// longestHarmless bounds in bytes what is looked at again because it was no secret.
const longestHarmless = 1024

// isHarmless reports whether a value is none of a name that says r: it is a switch, a method, a
// quantity, a path, or stands for what is somewhere else.
func (s *scanner) isHarmless(text string, r role) bool {
	if len(text) > longestHarmless {
		return false
	}
	var w word
	switch {
	case hidden(text), len(text) == 1 && !is(text[0], letter), w.in(nothing, text):
		return true
	case s.scripted && text[0] == '$' && all(text[1:], nameByte): // a variable of PowerShell
		return true
	case r == counted && all(text, digit):
		return true
	case r == vague && (w.in(methods, text) || isVersion(text)):
		return true
	}
	return isReference(text) || isPath(text) || isFile(text)
}

// isVersion reports whether text is a version as in the name of an image: auth:1.2.
func isVersion(text string) bool {
	return len(text) < 16 && (equalFold(text, "latest") || is(text[0], digit) && strings.Contains(text, "."))
}

// isReference reports whether text names a variable, a file or a command that has the secret:
// $NAME, ${name}, $env:NAME, $(command), %NAME%, {{ name }}, <name>, @file, id=name.
func isReference(text string) bool {
	switch text[0] {
	case '$':
		rest := text[1:]
		if strings.HasPrefix(rest, "(") || strings.HasPrefix(rest, "{") || hasPrefixFold(rest, "env:") {
			return true
		}
		return rest != "" && all(rest, letter|digit|joiner) && (strings.ToUpper(rest) == rest || classify(rest) != plain)
	case '%':
		return len(text) > 2 && text[len(text)-1] == '%' && all(text[1:len(text)-1], letter|digit|joiner)
	case '{':
		return strings.HasPrefix(text, "{{")
	case '<':
		return text[len(text)-1] == '>'
	case '@':
		return isPath(text[1:])
	case '(':
		return true
	case '.', '\\', '[': // a part of a regular expression: .* \S+ [^ ]+
		return strings.HasPrefix(text, ".*") || strings.HasPrefix(text, `\S`) || strings.HasPrefix(text, "[^")
	}
	for _, prefix := range [...]string{"file:", "fileb:", "env:", "id=", "src=", "type=", "vault:", "arn:"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	for _, prefix := range verbs {
		if hasPrefixFold(text, prefix) {
			return true
		}
	}
	return strings.HasSuffix(text, "()")
}

// isFile reports whether text is the name of a file that secrets are kept in.
func isFile(text string) bool {
	dot := strings.LastIndexByte(text, '.')
	var w word
	return dot > 0 && len(text)-dot <= 6 && all(text[:dot], nameByte) && w.in(files, text[dot+1:])
}

var files = set(`key pem crt cer pfx p12 jks json yaml yml txt ppk kdbx conf ini env cfg xml keytab gpg asc pub toml ps1 ldif`)

// isPath reports whether text is without doubt the path of a file.
func isPath(text string) bool {
	if len(text) < 3 {
		return false
	}
	switch {
	case text[0] == '/':
		root, _, found := strings.Cut(text[1:], "/")
		var w word
		return found && w.in(roots, root)
	case text[0] == '~':
		return text[1] == '/' || text[1] == '\\'
	case text[0] == '.':
		return strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") || strings.HasPrefix(text, `.\`) || strings.HasPrefix(text, `..\`)
	case text[0] == '\\':
		return text[1] == '\\' && is(text[2], letter|digit)
	case text[1] == ':':
		return is(text[0], letter) && (text[2] == '\\' || text[2] == '/')
	}
	return false
}
