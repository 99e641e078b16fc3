package redact

// A class is what a byte can be a part of.
type class uint8

const (
	letter class = 1 << iota
	digit
	upper
	space
	quote
	joiner // - and _, which join the words of a name
	dot

	nameByte  = letter | digit | joiner | dot // of names of options, variables and hosts
	plainByte = letter | digit | joiner       // of tokens
)

// classes is indexed by byte.
var classes = [256]class{
	' ': space, '\t': space, '\n': space, '\r': space, '\v': space, '\f': space, 0: space,
	'"': quote, '\'': quote, '`': quote,
	'-': joiner, '_': joiner, '.': dot,
	'0': digit, '1': digit, '2': digit, '3': digit, '4': digit, '5': digit, '6': digit, '7': digit, '8': digit, '9': digit,
	'a': letter, 'b': letter, 'c': letter, 'd': letter, 'e': letter, 'f': letter, 'g': letter, 'h': letter, 'i': letter,
	'j': letter, 'k': letter, 'l': letter, 'm': letter, 'n': letter, 'o': letter, 'p': letter, 'q': letter, 'r': letter,
	's': letter, 't': letter, 'u': letter, 'v': letter, 'w': letter, 'x': letter, 'y': letter, 'z': letter,
	'A': letter | upper, 'B': letter | upper, 'C': letter | upper, 'D': letter | upper, 'E': letter | upper, 'F': letter | upper,
	'G': letter | upper, 'H': letter | upper, 'I': letter | upper, 'J': letter | upper, 'K': letter | upper, 'L': letter | upper,
	'M': letter | upper, 'N': letter | upper, 'O': letter | upper, 'P': letter | upper, 'Q': letter | upper, 'R': letter | upper,
	'S': letter | upper, 'T': letter | upper, 'U': letter | upper, 'V': letter | upper, 'W': letter | upper, 'X': letter | upper,
	'Y': letter | upper, 'Z': letter | upper,
}

func is(c byte, k class) bool { return classes[c]&k != 0 }

func lower(c byte) byte {
	if is(c, upper) {
		return c + 'a' - 'A'
	}
	return c
}

// all reports whether text has bytes of class k only.
func all(text string, k class) bool {
	for i := range len(text) {
		if !is(text[i], k) {
			return false
		}
	}
	return true
}

// equalFold reports whether text is low in any case of ASCII; low is lower case.
func equalFold(text, low string) bool {
	return len(text) == len(low) && hasPrefixFold(text, low)
}

// hasPrefixFold reports whether text begins with low in any case of ASCII; low is lower case.
func hasPrefixFold(text, low string) bool {
	if len(text) < len(low) {
		return false
	}
	for i := range len(low) {
		if lower(text[i]) != low[i] {
			return false
		}
	}
	return true
}

// A word holds a short word in lower case.
type word struct {
	bytes [longestWord]byte
	n     int
}

// longestWord is longer than any word of the tables, in bytes.
const longestWord = 24

// fold puts text in lower case into w. Of what is longer only the end is kept.
func (w *word) fold(text string) []byte {
	if len(text) > longestWord {
		text = text[len(text)-longestWord:]
	}
	for i := range len(text) {
		w.bytes[i] = lower(text[i])
	}
	w.n = len(text)
	return w.bytes[:w.n]
}
