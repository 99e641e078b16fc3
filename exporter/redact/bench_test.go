package redact_test

import (
	"strings"
	"testing"

	"github.com/procmon/procmon/exporter/redact"
)

// BenchmarkLine redacts command lines. One op is a pass over all of its lines; ns/line is the
// mean of one.
func BenchmarkLine(b *testing.B) {
	var windows, chrome, secrets []string
	for _, line := range harmlessLines {
		switch {
		case strings.Contains(line, "chrome.exe"):
			chrome = append(chrome, line)
		case strings.Contains(line, ".exe") && len(line) < 300:
			windows = append(windows, line)
		}
	}
	for _, line := range secretLines {
		given, _ := split(line)
		secrets = append(secrets, given)
	}
	long := []string{strings.Repeat("--option=value C:\\some\\path ", 64<<10/28)}
	r := redactor(b, redact.Options{})
	for _, bench := range []struct {
		name  string
		lines []string
	}{{"windows", windows}, {"chrome", chrome}, {"secrets", secrets}, {"64KiB", long}} {
		b.Run(bench.name, func(b *testing.B) {
			bytes := 0
			for _, line := range bench.lines {
				bytes += len(line)
			}
			b.ReportAllocs()
			b.SetBytes(int64(bytes))
			for b.Loop() {
				for _, line := range bench.lines {
					r.Line(line)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(bench.lines)), "ns/line")
			b.ReportMetric(float64(bytes)/float64(len(bench.lines)), "B/line")
		})
	}
}
