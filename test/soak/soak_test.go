//go:build linux

// Package soak_test has the exporter work for long, and holds that it does not grow: not in
// memory, not in goroutines, not in descriptors.
package soak_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/procmon/procmon/test/program"
)

// figures are those of the exporter that must not grow. What grows for a good reason does so
// in the first quarter of the time: buffers for as many processes as there are.
var figures = []struct {
	metric  string
	slack   float64 // by how much the last quarter may be above the second
	process float64 // and for each process that this machine has more than it had until then
}{
	{"process_resident_memory_bytes", 3 << 20, 4 << 10},
	{"go_goroutines", 3, 0},
	{"process_open_fds", 8, 1},
}

const hostProcesses = "procmon_host_processes"

// TestExporterDoesNotGrow scrapes an exporter that pushes and records events, while processes
// come and go. SOAK is how long, at one scrape a second; without it scrapes follow each other
// at once, a few hundred of them.
func TestExporterDoesNotGrow(t *testing.T) {
	rounds, pause := 400, time.Duration(0)
	if text := os.Getenv("SOAK"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < time.Minute {
			t.Fatalf("SOAK=%s: not a duration of at least a minute, like 30m", text)
		}
		rounds, pause = int(d/time.Second), time.Second
	}
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
	}))
	defer sink.Close()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := program.Address(t)
	exporter := program.Start(t, program.Build(t, "procmon-exporter"), "--web.listen-address", address, "--log.level", "warn",
		"--collector.events", "--push.mode", "always", "--push.url", sink.URL, "--push.key-file", key, "--push.interval", "1s",
		"--push.spool.path", filepath.Join(t.TempDir(), "spool"))
	exporter.Answers(t, "http://"+address+"/-/ready")

	tick := time.NewTicker(max(pause, time.Millisecond))
	defer tick.Stop()
	samples := make([][]float64, len(figures)+1) // the last are of hostProcesses
	for range rounds {
		if err := exec.CommandContext(t.Context(), "sh", "-c", "for i in 1 2 3 4 5; do /bin/true; done").Run(); err != nil {
			t.Fatal(err)
		}
		values, err := scrape(t.Context(), "http://"+address)
		if err != nil {
			t.Fatal(err)
		}
		for i := range samples {
			samples[i] = append(samples[i], values[i])
		}
		if pause > 0 {
			<-tick.C
		}
	}
	quarter := rounds / 4
	processes := samples[len(figures)]
	more := max(0, slices.Max(processes)-slices.Max(processes[:2*quarter]))
	for i, f := range figures {
		early, late := median(samples[i][quarter:2*quarter]), median(samples[i][3*quarter:])
		t.Logf("%s: %.0f in the second quarter, %.0f in the last", f.metric, early, late)
		if late > early+f.slack+more*f.process {
			t.Errorf("%s grew from %.0f to %.0f", f.metric, early, late)
		}
	}
}

// scrape asks as a server and Prometheus do, and returns the figures.
func scrape(ctx context.Context, url string) ([]float64, error) {
	if _, err := program.Get(ctx, url+"/snapshot"); err != nil {
		return nil, err
	}
	body, err := program.Get(ctx, url+"/metrics")
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	var values []float64
	metrics := []string{hostProcesses}
	for i, f := range figures {
		metrics = slices.Insert(metrics, i, f.metric)
	}
	for _, metric := range metrics {
		family := families[metric]
		if family == nil || len(family.Metric) != 1 {
			return nil, fmt.Errorf("no %s in %s", metric, strconv.Quote(strings.TrimSpace(string(body[:min(len(body), 500)]))))
		}
		values = append(values, family.Metric[0].GetGauge().GetValue())
	}
	return values, nil
}

func median(values []float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}
