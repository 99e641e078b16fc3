// Package prometheus_test lets a real Prometheus scrape the exporter and the server.
package prometheus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/procmon/procmon/test/program"
)

func TestPrometheusScrapesExporterAndServer(t *testing.T) {
	prometheusPath, promtool := program.Need(t, "prometheus"), program.Need(t, "promtool")
	dir := t.TempDir()
	exporterAddress, serverAddress, prometheusAddress := program.Address(t), program.Address(t), program.Address(t)

	exporter := program.Start(t, program.Build(t, "procmon-exporter"), "--web.listen-address", exporterAddress)
	exporter.Answers(t, "http://"+exporterAddress+"/-/ready")

	serverConfig := writeFile(t, dir, "procmon.yaml", `
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: hosts
    static_configs: [{targets: ["`+exporterAddress+`"]}]
`)
	server := program.Start(t, program.Build(t, "procmon"), "server", "--config.file", serverConfig,
		"--storage.path", filepath.Join(dir, "data"), "--web.listen-address", serverAddress)
	server.Until(t, "a host that is up", func(ctx context.Context) error {
		var got struct {
			Hosts []struct{ State string }
		}
		body, err := program.Get(ctx, "http://"+serverAddress+"/api/v1/hosts")
		if err != nil {
			return err
		}
		if err := json.Unmarshal(body, &got); err != nil || len(got.Hosts) != 1 || got.Hosts[0].State != "up" {
			return fmt.Errorf("%w: %s", err, body)
		}
		return nil
	})

	prometheusConfig := writeFile(t, dir, "prometheus.yml", `
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - {job_name: exporter, static_configs: [{targets: ["`+exporterAddress+`"]}]}
  - {job_name: server, static_configs: [{targets: ["`+serverAddress+`"]}]}
`)
	prometheus := program.Start(t, prometheusPath, "--config.file="+prometheusConfig,
		"--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+prometheusAddress)

	for _, query := range []string{
		`count(up{job=~"exporter|server"} == 1) == 2`,
		`sum(procmon_group_processes{job="exporter"}) > 0`,
		`sum(procmon_group_processes{job="exporter",group="procmon-exporter"}) >= 1`,
		`sum(procmon_group_working_set_bytes{job="exporter",group="procmon-exporter"}) > 1e6`,
		`sum(procmon_target_up{job="server"}) == 1`,
	} {
		prometheus.Until(t, query, func(ctx context.Context) error {
			body, err := program.Get(ctx, "http://"+prometheusAddress+"/api/v1/query?query="+url.QueryEscape(query))
			if err != nil {
				return err
			}
			var got struct {
				Data struct{ Result []json.RawMessage }
			}
			if err := json.Unmarshal(body, &got); err != nil {
				return err
			}
			if len(got.Data.Result) == 0 {
				return fmt.Errorf("no result")
			}
			return nil
		})
	}

	for _, address := range []string{exporterAddress, serverAddress} {
		metrics, err := program.Get(t.Context(), "http://"+address+"/metrics")
		if err != nil {
			t.Fatal(err)
		}
		check := exec.Command(promtool, "check", "metrics")
		check.Stdin = bytes.NewReader(metrics)
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("promtool check metrics: %v\n%s", err, out)
		}
	}
}

func writeFile(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
