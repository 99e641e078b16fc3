package webui_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/procmon/procmon/webui"
)

// FuzzInstant holds that whatever is accepted is in range and is read the same when it is
// written again, in either way.
func FuzzInstant(f *testing.F) {
	for _, seed := range []string{"2026-11-22T20:15:00.123456789Z", "2026-11-22T22:15:00 02:00", "1795378500.5", "-1.5", "1.7953785e+09", "-0.000000001", "1e-9", "0x1ep3", ".5", "5."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := webui.ParseInstant(text)
		if err != nil {
			return
		}
		if at.Year() < 1700 || at.Year() >= 2200 || at.Location() != time.UTC {
			t.Fatalf("%q is %v", text, at)
		}
		seconds, nanoseconds, sign := at.Unix(), at.Nanosecond(), ""
		if seconds < 0 {
			sign, seconds = "-", -seconds
			if nanoseconds > 0 {
				seconds, nanoseconds = seconds-1, 1e9-nanoseconds
			}
		}
		for _, again := range []string{at.Format(time.RFC3339Nano), fmt.Sprintf("%s%d.%09d", sign, seconds, nanoseconds)} {
			if got, err := webui.ParseInstant(again); err != nil || !got.Equal(at) {
				t.Fatalf("%q is %v, and written as %q it is %v, %v", text, at, again, got, err)
			}
		}
	})
}

// FuzzChangesCursor holds that what is accepted is what was written.
func FuzzChangesCursor(f *testing.F) {
	for _, seed := range []string{"", "AAAA", "gICo1rbn_5IxgIC4pOyB-Y0xAQ", "////", "AgQC"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if again, err := webui.ParseChangesCursor(text); err == nil && again != text {
			t.Fatalf("%q is written again as %q", text, again)
		}
	})
}

func TestHarmless(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a=b": "a=b", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\ta": "'\ta", "\ra": "'\ra", "  =1": "'  =1", "\u00a0=1": "'\u00a0=1",
		"\ufeff=1": "'\ufeff=1", "\u200e=1": "'\u200e=1", "＝1": "'＝1", "ä": "ä", "'=1": "'=1", "\x00=1": "'\x00=1",
	} {
		if got := webui.Harmless(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
