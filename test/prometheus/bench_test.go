package prometheus_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-faster/jx"
	"github.com/klauspost/compress/zstd"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/test/program"
	"github.com/procmon/procmon/test/workload"
)

// BenchmarkScrapeBesidePrometheus compares what one scrape of a host with 250 processes costs the
// server (fetch, decode, validate, store durably) with what the same 250 processes cost Prometheus
// as 4 series each. Both run at the same time against the same 20 hosts. One op is one scrape of
// procmon's; ms are CPU time of the whole program, idle work included.
func BenchmarkScrapeBesidePrometheus(b *testing.B) {
	const hosts, kinds, settle = 100, 10, 5 // settle is in scrapes of each host
	prometheusPath := program.Need(b, "prometheus")
	dir := b.TempDir()
	hosted := &hostSimulation{}
	var recordings []*recording
	for i := range kinds {
		recordings = append(recordings, record(workload.New(1, i)))
	}
	var targets []string
	for i := range hosts {
		server := httptest.NewServer(&simulatedHost{fleet: hosted, recording: recordings[i%kinds]})
		b.Cleanup(server.Close)
		targets = append(targets, server.Listener.Addr().String())
	}
	list := `["` + strings.Join(targets, `","`) + `"]`
	ours := writeFile(b, dir, "procmon.yaml", "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs: [{job_name: hosts, static_configs: [{targets: "+list+
		"}], relabel_configs: [{source_labels: [__address__], target_label: host}]}]\n")
	theirs := writeFile(b, dir, "prometheus.yml", "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs: [{job_name: hosts, static_configs: [{targets: "+list+"}]}]\n")
	procmonServer := program.Start(b, program.Build(b, "procmon"), "server", "--config.file", ours,
		"--storage.path", filepath.Join(dir, "data"), "--web.listen-address", program.Address(b), "--log.level", "warn")
	prometheus := program.Start(b, prometheusPath, "--config.file="+theirs, "--log.level=warn",
		"--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+program.Address(b))

	reached := func(snapshots, metrics int) func(context.Context) error {
		return func(context.Context) error {
			if s, m := hosted.counts(); s < snapshots || m < metrics {
				return fmt.Errorf("%d of %d snapshots, %d of %d metrics were fetched", s, snapshots, m, metrics)
			}
			return nil
		}
	}
	procmonServer.Until(b, "the first scrapes", reached(settle*hosts, settle*hosts))

	snapshots, metrics := hosted.counts()
	procmonCPU, prometheusCPU := cpuSeconds(b, procmonServer), cpuSeconds(b, prometheus)
	b.ResetTimer()
	scrapes := max(b.N, 10*hosts)
	procmonServer.Until(b, "the scrapes", reached(snapshots+scrapes, metrics+scrapes))
	b.StopTimer()
	s, m := hosted.counts()
	perSnapshot := 1000 * (cpuSeconds(b, procmonServer) - procmonCPU) / float64(s-snapshots)
	perMetrics := 1000 * (cpuSeconds(b, prometheus) - prometheusCPU) / float64(m-metrics)
	b.ReportMetric(perSnapshot, "procmon-cpu-ms/scrape")
	b.ReportMetric(perMetrics, "prometheus-cpu-ms/scrape")
	b.ReportMetric(perSnapshot/perMetrics, "procmon/prometheus")
}

// hostSimulation counts what was fetched of all hosts.
type hostSimulation struct {
	snapshots, metrics atomic.Int64
}

func (f *hostSimulation) counts() (snapshots, metrics int) {
	return int(f.snapshots.Load()), int(f.metrics.Load())
}

// recording is what a host answers second by second, made before the measuring begins: a load
// generator that works hard beside what it measures is measured too.
type recording struct {
	start             time.Time
	snapshot, metrics [120][]byte
}

func record(host *workload.Host) *recording {
	r := &recording{start: time.Now().UTC()}
	for i := range r.snapshot {
		s := host.Snapshot()
		s.Timestamp = r.start.Add(time.Duration(i) * time.Second)
		var e jx.Encoder
		s.Encode(&e)
		r.snapshot[i] = encoder.EncodeAll(e.Bytes(), nil)
		var zipped bytes.Buffer
		zip := gzip.NewWriter(&zipped)
		zip.Write(series(s))
		zip.Close()
		r.metrics[i] = zipped.Bytes()
	}
	return r
}

// simulatedHost serves the workload's processes as snapshots and as series.
type simulatedHost struct {
	fleet     *hostSimulation
	recording *recording
	steps     [2]atomic.Int64 // of snapshots and metrics that were served
}

func (h *simulatedHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/snapshot" {
		h.fleet.snapshots.Add(1)
		w.Header().Set("Content-Type", procmon.ContentType)
		w.Header().Set("Content-Encoding", "zstd")
		w.Write(h.recording.snapshot[int(h.steps[0].Add(1))%len(h.recording.snapshot)])
		return
	}
	h.fleet.metrics.Add(1)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	w.Header().Set("Content-Encoding", "gzip")
	w.Write(h.recording.metrics[int(h.steps[1].Add(1))%len(h.recording.metrics)])
}

// encoder compresses as the exporter does.
var encoder, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))

// series writes 4 series a process in the text format of Prometheus, with the labels
// pid, name and user.
func series(s *procmon.Snapshot) []byte {
	var b bytes.Buffer
	for _, metric := range []struct {
		name, kind string
		value      func(*procmon.Process) float64
	}{
		{"process_cpu_seconds_total", "counter", func(p *procmon.Process) float64 { return p.CPUSeconds.Value }},
		{"process_working_set_bytes", "gauge", func(p *procmon.Process) float64 { return float64(p.WorkingSetBytes.Value) }},
		{"process_read_bytes_total", "counter", func(p *procmon.Process) float64 { return float64(p.ReadBytes.Value) }},
		{"process_written_bytes_total", "counter", func(p *procmon.Process) float64 { return float64(p.WriteBytes.Value) }},
	} {
		fmt.Fprintf(&b, "# TYPE %s %s\n", metric.name, metric.kind)
		for i := range s.Processes {
			p := &s.Processes[i]
			fmt.Fprintf(&b, "%s{pid=\"%d\",name=%q,user=%q} %v\n", metric.name, p.PID, p.Name, p.Username.Value, metric.value(p))
		}
	}
	return b.Bytes()
}

// cpuSeconds returns the user and system time of a process: fields 14 and 15 of
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, in ticks of 10 ms.
func cpuSeconds(b *testing.B, p *program.Process) float64 {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from field 3 on
	var ticks float64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return ticks / 100
}
