package redact

import "strings"

// shortestToken is the least length in bytes of a word that can be a token by its form.
const shortestToken = 16

// A format is a beginning that says that a token is a secret, and the least number of bytes
// that follow it.
type format struct {
	prefix string
	least  int
}

// formats are indexed by the first byte. Sources are the pages that the vendors keep for
// scanners of secrets (https://docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns).
var formats = [128][]format{
	'A': {{"AKIA", 16}, {"ASIA", 16}, {"AIza", 30}, {"AGE-SECRET-KEY-", 20}, {"ATATT3", 20}, {"ATCTT3", 20}, {"ATBB", 24}, {"AKCp", 50}},
	'C': {{"CCIPAT_", 20}},
	'E': {{"EAAA", 50}, {"EAACEdEose0cBA", 20}},
	'F': {{"FlyV1", 20}},
	'G': {{"GOCSPX-", 20}},
	'L': {{"LTAI", 16}},
	'N': {{"NRAK-", 20}, {"NRJS-", 15}},
	'P': {{"PMAK-", 20}},
	'R': {{"RGAPI-", 20}},
	'S': {{"SWMTKN-", 40}, {"SK", 32}},
	'v': {{"vercel_", 24}},
	'a': {{"at_live_", 10}, {"apify_api_", 20}},
	'b': {{"bkua_", 20}},
	'c': {{"cfut_", 20}, {"cio", 40}},
	'd': {{"dop_v1_", 20}, {"doo_v1_", 20}, {"dor_v1_", 20}, {"dckr_pat_", 16}, {"dckr_oat_", 16}, {"dapi", 32}, {"dp.pt.", 20}},
	'f': {{"figd_", 20}, {"fo1_", 20}},
	'g': {{"ghp_", 20}, {"gho_", 20}, {"ghu_", 20}, {"ghs_", 20}, {"ghr_", 20}, {"github_pat_", 20}, {"glpat-", 10}, {"glptt-", 16},
		{"gldt-", 16}, {"glrt-", 16}, {"glcbt-", 16}, {"glsoat-", 16}, {"glft-", 16}, {"glimt-", 16}, {"glsa_", 20}, {"glc_", 20}, {"gsk_", 20}, {"gitea_", 30}},
	'h': {{"hf_", 20}},
	'k': {{"key-", 32}},
	'l': {{"lin_api_", 20}, {"ldap_", 40}},
	'n': {{"npm_", 20}, {"nfp_", 20}, {"nvapi-", 20}, {"ntn_", 30}},
	'o': {{"oy2", 43}},
	'p': {{"pypi-", 16}, {"pul-", 30}, {"pplx-", 20}, {"pnu_", 30}, {"pscale_tkn_", 20}, {"pscale_pw_", 20}},
	'r': {{"rk_live_", 10}, {"rk_test_", 10}, {"r8_", 30}, {"rubygems_", 30}},
	's': {{"sk_live_", 8}, {"sk_test_", 8}, {"sk-ant-", 16}, {"sk-proj-", 16}, {"sk-or-", 16}, {"sk-", 20}, {"shpat_", 20}, {"shpss_", 20}, {"shpca_", 20},
		{"shppa_", 20}, {"sntrys_", 20}, {"sntryu_", 20}, {"secret_", 40}, {"sq0atp-", 16}, {"sq0csp-", 16}, {"sbp_", 30}, {"sgp_", 20}},
	't': {{"tskey-", 12}, {"tfp_", 30}},
	'w': {{"whsec_", 20}},
	'x': {{"xkeysib-", 40}, {"xoxb-", 10}, {"xoxp-", 10}, {"xoxa-", 10}, {"xoxr-", 10}, {"xoxs-", 10}, {"xoxc-", 10}, {"xoxd-", 10}, {"xoxe-", 10}, {"xapp-", 10}, {"xai-", 40}},
	'y': {{"ya29_", 20}},
}

// dotted are beginnings that a dot follows.
var dotted = set(`SG hvs hvb hvr ya29 s dt0c01 xoxe pat-eu1 pat-na1 atlasv1 dp`)

// tokenLength returns how many bytes of text are a token by their beginning, or zero.
func tokenLength(text string) int {
	if text == "" || text[0] >= 128 {
		return 0
	}
	for _, f := range formats[text[0]] {
		if !strings.HasPrefix(text, f.prefix) || len(text) < len(f.prefix)+f.least {
			continue
		}
		if f.prefix == "SK" && (len(text) != 34 || !isHex(text[2:])) {
			continue
		}
		if f.prefix == "sk-" && !strings.ContainsAny(text, "0123456789") || all(text[len(f.prefix):], joiner) {
			continue
		}
		return len(text)
	}
	return 0
}

// token notes the secret that the token from from to i is or begins, and returns where the line
// goes on; zero is where it is.
func (s *scanner) token(from, i int) int {
	for from < i && s.line[from] == '-' {
		from++
		if from < i && strings.HasPrefix(s.line[from-1:], "-----BEGIN") {
			return s.pem(from - 1)
		}
	}
	text := s.line[from:i]
	end := 0
	switch {
	case len(text) >= 10 && strings.HasPrefix(text, "eyJ") && s.at(i) == '.':
		if end = s.runOf(i+1, plainByte|dot); end-i < 8 {
			end = 0
		}
	case len(text) >= 40 && strings.HasPrefix(text, "eyJ"):
		end = i
	case len(text) <= 7 && len(text) > 0 && s.at(i) == '.' && dottedHas(text):
		end = s.runOf(i+1, plainByte|dot)
		if n := end - i - 1; n < 16 || len(text) == 1 && (n < 24 || n > 32 || strings.IndexByte(s.line[i+1:end], '.') >= 0) ||
			!strings.ContainsAny(s.line[i+1:end], "0123456789") {
			end = 0
		}
	case len(text) >= 23 && len(text) <= 28 && s.at(i) == '.' && strings.IndexByte("MNO", text[0]) >= 0 && s.at(i+7) == '.' && all(s.line[i+1:i+7], plainByte):
		if end = s.runOf(i+8, plainByte); end-i < 8+27 { // Discord
			end = 0
		}
	case len(text) == 29 && isProductKey(text):
		end = i
	default:
		if n := tokenLength(text); n > 0 {
			end = from + n
		}
	}
	if end == 0 {
		return 0
	}
	for end < len(s.line) && s.line[end] == '=' {
		end++
	}
	if s.at(end) == ':' && len(text) == 20 && text[2:4] == "IA" { // AKIA...:SECRET
		end = max(end, s.value(end+1, setting{}).to)
	}
	s.spans.add(s.line, from, end)
	return end
}

// azureSecret notes the secret of an application of Entra ID that has the tilde at i and a letter Q before it
// (https://learn.microsoft.com/purview/sit-defn-azure-ad-client-secret), and returns where the line goes on.
func (s *scanner) azureSecret(run, i int) int {
	if i-run == 5 && s.line[i-1] == 'Q' && is(s.line[i-2], digit) {
		end := i + 1
		for end < len(s.line) && end-i < 48 && (is(s.line[end], plainByte|dot) || s.line[end] == '~') {
			end++
		}
		if n := end - i - 1; n >= 31 && n <= 40 {
			s.spans.add(s.line, run, end)
			return end
		}
	}
	return i + 1
}

// refreshToken notes the token of Google whose 1 stands before i: 1//0...
func (s *scanner) refreshToken(i int) int {
	end := s.runOf(i+2, plainByte)
	if end-i < 24 {
		return i + 1
	}
	s.spans.add(s.line, i-1, end)
	return end
}

func dottedHas(text string) bool {
	return strings.IndexByte("Shysdxpa", text[0]) >= 0 && dotted[text] // what most words begin with is in no list
}

// runOf returns where the bytes of class k end that begin at i.
func (s *scanner) runOf(i int, k class) int {
	for i < len(s.line) && is(s.line[i], k) {
		i++
	}
	return i
}

// isProductKey reports whether text is five times five capitals and digits.
func isProductKey(text string) bool {
	for i := range len(text) {
		if i%6 == 5 != (text[i] == '-') || !is(text[i], upper|digit) && text[i] != '-' {
			return false
		}
	}
	return true
}

// pem notes a private key (https://www.rfc-editor.org/rfc/rfc7468) whose first line begins at from.
func (s *scanner) pem(from int) int {
	const begin, end = "PRIVATE KEY-----", "-----END"
	at := strings.Index(s.line[from:min(len(s.line), from+64)], begin)
	if at < 0 {
		return 0
	}
	from += at + len(begin)
	to := len(s.line)
	if n := strings.Index(s.line[from:], end); n >= 0 {
		to = from + n
	}
	s.spans.add(s.line, from, to)
	return to + (min(len(s.line), to+len(end)) - to)
}
