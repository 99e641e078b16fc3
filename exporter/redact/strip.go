package redact

import "strings"

// programOf returns the first argument of a command line, with its quotes.
//
// A path below C:\Program Files is often written without quotes
// (https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-createprocessw),
// there it ends after .exe.
func programOf(line string) string {
	line = strings.TrimLeft(line, " \t")
	if rest, quoted := strings.CutPrefix(line, `"`); quoted {
		if end := strings.IndexByte(rest, '"'); end >= 0 {
			return line[:end+2]
		}
		// Without an end the quote says nothing about where the program ends.
		line = rest
	}
	first := line
	if end := strings.IndexAny(line, " \t\r\n"); end >= 0 {
		first = line[:end]
	}
	if len(first) < len(line) && len(first) == len(`C:\Program`) && equalFold(first[1:], `:\program`) {
		if end := indexFold(line, ".exe "); end >= 0 && !strings.ContainsAny(line[3:end], `:/"<>|?*`) {
			return line[:end+len(".exe")]
		}
		if len(line) > 4 && equalFold(line[len(line)-4:], ".exe") && !strings.ContainsAny(line[3:], `:/"<>|?*`) {
			return line
		}
	}
	return first
}

// indexFold returns where lower, which is lower case, begins in text of any case, or -1.
func indexFold(text, lower string) int {
	for i := 0; i+len(lower) <= len(text); i++ {
		if equalFold(text[i:i+len(lower)], lower) {
			return i
		}
	}
	return -1
}
