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
