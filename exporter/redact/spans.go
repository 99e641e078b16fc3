package redact

import (
	"cmp"
	"slices"
	"strings"
)

// A span is a part of a line, from its first byte to the one after its last.
type span struct{ from, to int }

// spans are the parts of a line that are secrets, in any order.
type spans struct{ list []span }

// add notes a secret, unless it is hidden already.
func (s *spans) add(line string, from, to int) {
	if from < to && !hidden(line[from:to]) {
		s.list = append(s.list, span{from, to})
	}
}

// replace returns the line with Marker for each secret; for those that overlap there is one.
func (s *spans) replace(line string) string {
	if len(s.list) == 0 {
		return line
	}
	slices.SortFunc(s.list, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	b.Grow(len(line) + len(Marker)*len(s.list))
	end := 0
	for _, at := range s.list {
		if at.from >= end {
			b.WriteString(line[end:at.from])
			b.WriteString(Marker)
		}
		end = max(end, at.to)
	}
	b.WriteString(line[end:])
	return b.String()
}
