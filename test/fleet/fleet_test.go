//go:build linux

// Package fleet_test measures a server that scrapes a thousand hosts.
package fleet_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-faster/jx"
	"github.com/klauspost/compress/zstd"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/test/program"
	"github.com/procmon/procmon/test/workload"
)

const (
	hosts  = 1000
	kinds  = 20 // different histories
	rounds = 40 // different snapshots of each
	settle = 2  // rounds before it is measured
)

// BenchmarkThousandHosts runs the server against a thousand hosts of 250 processes each, all of
// which it scrapes every 15 seconds, for some minutes. One op is all of that. It reports the
// CPU that the server uses, fetching and storing included, in cores, and the most memory that
// it had. The hosts are in the process of the benchmark, whose CPU does not count.
func BenchmarkThousandHosts(b *testing.B) {
	for b.Loop() {
		measure(b)
	}
}

func measure(b *testing.B) {
	f := record(b)
	l, err := net.Listen("tcp", "0.0.0.0:0") // every address of 127.0.0.0/8 is a host
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: f}
	go server.Serve(l) //nolint:errcheck // it ends with Close
	b.Cleanup(func() { server.Close() })

	port := l.Addr().(*net.TCPAddr).Port
	targets := make([]string, hosts)
	for i := range targets {
		targets[i] = fmt.Sprintf(`"127.0.%d.%d:%d"`, 1+i/250, 1+i%250, port)
	}
	dir := b.TempDir()
	config := filepath.Join(dir, "procmon.yaml")
	text := "global: {scrape_interval: 15s, scrape_timeout: 10s}\nscrape_configs: [{job_name: hosts, static_configs: [{targets: [" +
		strings.Join(targets, ",") + "]}], relabel_configs: [{source_labels: [__address__], target_label: host}]}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	p := program.Start(b, program.Build(b, "procmon"), "server", "--config.file", config,
		"--storage.path", filepath.Join(dir, "data"), "--web.listen-address", program.Address(b), "--log.level", "warn")
	until := func(served int64) {
		p.Until(b, "the scrapes", func(context.Context) error {
			if n := f.served.Load(); n < served {
				return fmt.Errorf("%d of %d snapshots were fetched", n, served)
			}
			return nil
		})
	}
	until(settle * hosts)
	cpu, began, served := cpuSeconds(b, p), time.Now(), f.served.Load()
	for round := range minutes(b) * 4 {
		until(served + int64(round+1)*hosts)
	}
	took := time.Since(began).Seconds()
	used := cpuSeconds(b, p) - cpu
	b.ReportMetric(used/took, "cores")
	b.ReportMetric(1000*used/float64(f.served.Load()-served), "cpu-ms/scrape")
	b.ReportMetric(float64(f.served.Load()-served)/took, "scrapes/s")
	b.ReportMetric(peakMiB(b, p), "MiB-RSS-peak")
	if out := p.Output(); strings.Contains(out, "level=ERROR") || strings.Contains(out, "level=WARN") {
		b.Log(out)
	}
	p.Kill()
}

// minutes is how long is measured, 3 unless FLEET_MINUTES says otherwise.
func minutes(b *testing.B) int {
	text := os.Getenv("FLEET_MINUTES")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("FLEET_MINUTES is %q; it must be a number from 1 on", text)
	}
	return n
}

// fleet serves what was recorded before, since making snapshots costs more than storing them.
type fleet struct {
	snapshots [kinds][rounds][]byte // compressed as the exporter does
	served    atomic.Int64
	steps     [1 << 16]atomic.Int64 // by the last two bytes of the address
}

func record(b *testing.B) *fleet {
	b.Helper()
	f := &fleet{}
	start := time.Now().UTC().Truncate(time.Second).Add(-time.Second)
	var workers sync.WaitGroup
	for kind := range kinds {
		workers.Go(func() {
			encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
			if err != nil {
				b.Error(err)
				return
			}
			h := workload.New(1, kind)
			for round := range rounds {
				s := h.Snapshot()
				s.Timestamp = start.Add(time.Duration(round) * workload.Step * time.Second)
				var e jx.Encoder
				s.Encode(&e)
				f.snapshots[kind][round] = encoder.EncodeAll(e.Bytes(), nil)
			}
		})
	}
	workers.Wait()
	return f
}

func (f *fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || r.URL.Path != "/snapshot" {
		http.NotFound(w, r)
		return
	}
	ip := local.IP.To4()
	host := int(ip[2])<<8 | int(ip[3])
	round := f.steps[host].Add(1) - 1
	f.served.Add(1)
	w.Header().Set("Content-Type", procmon.ContentType)
	w.Header().Set("Content-Encoding", "zstd")
	_, _ = w.Write(f.snapshots[host%kinds][min(round, rounds-1)]) // who went away does not count
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
	ticks := 0.0
	for _, field := range fields[11:13] {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return ticks / 100
}

// peakMiB returns VmHWM, the most memory that a process had.
func peakMiB(b *testing.B, p *program.Process) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kib / 1024
}
