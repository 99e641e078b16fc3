package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// unknown says what is wrong with a name that is no key of t.
func (o *Types) unknown(t reflect.Type, name string, known []string) string {
	if o.Unknown != nil {
		if why := o.Unknown(t, name); why != "" {
			return why
		}
	}
	if near := nearest(name, known); near != "" {
		return fmt.Sprintf("unknown key; did you mean %q?", near)
	}
	sorted := slices.Sorted(slices.Values(known))
	return "unknown key; known here are " + strings.Join(sorted, ", ")
}

// nearest returns the name that takes the fewest edits, or "" if all are far away.
func nearest(name string, known []string) string {
	best, least := "", max(2, len(name)/2)+1
	for _, k := range known {
		d := distance(strings.ToLower(name), k)
		if strings.HasSuffix(name, k) || strings.HasPrefix(k, name) && len(name) > 3 {
			d = min(d, 1)
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
