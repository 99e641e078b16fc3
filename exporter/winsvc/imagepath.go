package winsvc

import "strings"

// ImagePath returns the command line of a service. The program is quoted whatever is in its
// path: without quotes, Windows tries C:\Program.exe for C:\Program Files\….
func ImagePath(program string, args []string) string {
	var b strings.Builder
	b.WriteString(`"` + program + `"`) // a path has no quotes, and this one does not end in a backslash
	for _, arg := range args {
		b.WriteByte(' ')
		writeQuoted(&b, arg)
	}
	return b.String()
}

// writeQuoted writes an argument so that the program gets it as it is
// (https://learn.microsoft.com/en-us/cpp/c-language/parsing-c-command-line-arguments): backslashes
// stand for themselves unless a quote follows, where each is doubled.
func writeQuoted(b *strings.Builder, arg string) {
	if arg != "" && !strings.ContainsAny(arg, " \t\n\v\"") {
		b.WriteString(arg)
		return
	}
	b.WriteByte('"')
	backslashes := 0
	for i := range len(arg) {
		switch arg[i] {
		case '\\':
			backslashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, backslashes+1))
			backslashes = 0
		default:
			backslashes = 0
		}
		b.WriteByte(arg[i])
	}
	b.WriteString(strings.Repeat(`\`, backslashes) + `"`)
}
