package webui

import "time"

// ParseInstant is how an at parameter is read.
func ParseInstant(value string) (time.Time, error) { return instant("at", value) }

// RoutesOf returns "METHOD /path" of what a server with o answers: what openapi.yaml has to
// describe, and what is operational.
func RoutesOf(o Options) (inFile, other []string) {
	for _, rt := range (&Server{}).routes(o, &pages{}) {
		for method := range rt.methods {
			switch rt.kind {
			case described:
				inFile = append(inFile, method+" "+rt.paths[0])
			case operational:
				other = append(other, method+" "+rt.paths[0])
			}
		}
	}
	return inFile, other
}

// ParseChangesCursor reads and writes a cursor of compare again.
func ParseChangesCursor(text string) (string, error) {
	c, err := parseChangesCursor(text)
	return c.String(), err
}

// Harmless is what a cell of a download is made into.
func Harmless(text string) string { return harmless(text) }
