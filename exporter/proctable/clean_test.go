package proctable_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/procmon/procmon/exporter/proctable"
)

func TestClean(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"plain", "bash -c ls", "bash -c ls"},
		{"not UTF-8", "a\xffb", "a\uFFFDb"},
		{"as long as allowed", strings.Repeat("x", proctable.MaxText), strings.Repeat("x", proctable.MaxText)},
		{"too long", strings.Repeat("x", proctable.MaxText+1), strings.Repeat("x", proctable.MaxText) + "…"},
		{"cut within a character", "x" + strings.Repeat("é", proctable.MaxText/2), "x" + strings.Repeat("é", proctable.MaxText/2-1) + "…"},
		{"too long and not UTF-8", strings.Repeat("\x80", proctable.MaxText+9), "\uFFFD…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := proctable.Clean(test.text)
			if got != test.want {
				t.Errorf("got %d bytes ending in %q, want %d ending in %q", len(got), got[max(0, len(got)-20):], len(test.want), test.want[max(0, len(test.want)-20):])
			}
			if !utf8.ValidString(got) {
				t.Error("not UTF-8")
			}
		})
	}
}
