package groups

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// longestLabel bounds the value of a label in bytes: processes choose their names.
const longestLabel = 256

// Label returns text that came from a process as the value of a label: valid UTF-8 of at
// most 256 bytes. Control characters, which a terminal or a log might obey, become U+FFFD.
func Label(text string) string {
	if len(text) <= longestLabel && !strings.ContainsFunc(text, spoils) {
		return text
	}
	text = strings.Map(func(r rune) rune {
		if spoils(r) {
			return utf8.RuneError
		}
		return r
	}, text)
	if len(text) <= longestLabel {
		return text
	}
	const mark = "…"
	end := longestLabel - len(mark)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}

// spoils reports whether r is a control character or stands for bytes that are not UTF-8.
func spoils(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }
