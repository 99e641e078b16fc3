package exporter_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/procmon/procmon/exporter/internal/crowd"
	"github.com/procmon/procmon/test/program"
)

// BenchmarkMetricsBesideProcessExporter lets the released exporter and process-exporter
// (https://github.com/ncabatoff/process-exporter, Debian's prometheus-process-exporter) show
// the same host with at least 1,000 idle processes, both grouped by name. One op is one
// scrape of each; ms are CPU time of the whole program, /metrics alone.
func BenchmarkMetricsBesideProcessExporter(b *testing.B) {
	const (
		settle = 4                       // scrapes
		pause  = 1100 * time.Millisecond // longer than a collection is shared
	)
	peerPath, err := exec.LookPath("prometheus-process-exporter")
	if err != nil {
		b.Skip("prometheus-process-exporter is not installed; Debian's package has that name")
	}
	crowd.Spawn(b, 1000)
	config := filepath.Join(b.TempDir(), "groups.yaml")
	if err := os.WriteFile(config, []byte("process_names: [{name: '{{.Comm}}', cmdline: ['.+']}]\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	ourAddress, peerAddress := program.Address(b), program.Address(b)
	ours := program.Start(b, program.Build(b, "procmon-exporter"), "--web.listen-address", ourAddress, "--log.level", "warn")
	peer := program.Start(b, peerPath, "-web.listen-address", peerAddress, "-config.path", config, "-gather-smaps=false", "-threads=false")
	ours.Answers(b, "http://"+ourAddress+"/-/ready")
	peer.Answers(b, "http://"+peerAddress+"/metrics")

	// scrape returns the whole numbers that samples of one scrape have.
	scrape := func(address string, samples ...string) (numbers []int) {
		_, body := get(b, http.MethodGet, "http://"+address+"/metrics", nil)
		for _, sample := range samples {
			_, rest, _ := bytes.Cut(body, []byte("\n"+sample+" "))
			value, _, _ := bytes.Cut(rest, []byte("\n"))
			n, err := strconv.Atoi(string(value))
			if err != nil {
				b.Fatalf("no %q with a whole number: %v in %.300s", sample, err, body)
			}
			numbers = append(numbers, n)
		}
		return numbers
	}
	next := time.After(0)
	scrapeBoth := func() (collections int) {
		<-next
		we := scrape(ourAddress, `procmon_group_processes{group="sleep"}`, "procmon_exporter_collections_total")
		next = time.After(pause)
		they := scrape(peerAddress, `namedprocess_namegroup_num_procs{groupname="sleep"}`)
		if we[0] < 1000 || they[0] < 1000 {
			b.Fatalf("%d and %d sleeping processes are shown, 1000 run", we[0], they[0])
		}
		return we[1]
	}
	var first int
	for range settle {
		first = scrapeBoth()
	}
	ourCPU, peerCPU := cpuTime(b, ours), cpuTime(b, peer)
	b.ResetTimer()
	scrapes := max(b.N, 20)
	var last int
	for range scrapes {
		last = scrapeBoth()
	}
	b.StopTimer()
	if last-first < scrapes {
		b.Errorf("%d collections were made for %d scrapes", last-first, scrapes)
	}
	perScrape := func(before, after time.Duration) float64 {
		return (after - before).Seconds() * 1000 / float64(scrapes)
	}
	we, they := perScrape(ourCPU, cpuTime(b, ours)), perScrape(peerCPU, cpuTime(b, peer))
	b.ReportMetric(0, "ns/op") // it waits
	b.ReportMetric(we, "cpu-ms/op")
	b.ReportMetric(they, "process-exporter-cpu-ms/op")
	b.ReportMetric(we/they, "x-process-exporter")
}

// cpuTime returns the user and system time of a process: fields 14 and 15 of
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, in ticks of 10 ms.
func cpuTime(b *testing.B, p *program.Process) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from field 3 on
	var sum time.Duration
	for _, field := range fields[11:13] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(ticks) * 10 * time.Millisecond
	}
	return sum
}
