//go:build linux

package wine_test

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkTableBesideGopsutil runs the benchmark of the process table as a Windows program, and
// reports what that measured: ms/op is one collection of some 200 processes, x-gopsutil how many of
// them gopsutil's way to the same facts of the same processes takes. One op here is a whole run. The
// times are Wine's; the ratio is one of calls, which Windows has too.
func BenchmarkTableBesideGopsutil(b *testing.B) {
	w := open(b)
	var out []byte
	for b.Loop() {
		bench := exec.Command("go", "test", "-exec", w.program, "-run", "^$", "-bench", "ReadBesideGopsutil", "-benchtime", "5x",
			"github.com/procmon/procmon/exporter/proctable")
		bench.Env = append(w.environment(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
		var err error
		if out, err = bench.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	found := false
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "BenchmarkReadBesideGopsutil") {
			continue
		}
		found = true
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				b.Fatalf("%v in %s", err, line)
			}
			if fields[i+1] != "ns/op" {
				b.ReportMetric(value, fields[i+1])
			}
		}
	}
	if !found {
		b.Fatalf("no figures in %s", out)
	}
}
