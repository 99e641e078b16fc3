package exporter

import (
	"html/template"
	"net/http"
	"time"

	"github.com/procmon/procmon/exporter/hostfacts"
)

// The page has neither script nor style, so that its policy can forbid all.
const landingPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var landingPage = template.Must(template.New("landing").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>procmon-exporter on {{.Hostname}}</title>
<h1>procmon-exporter on {{.Hostname}}</h1>
<p>Version {{.Version}}. {{if .Collected}}{{.Processes}} processes at {{.Collected}}.{{else}}Nothing is collected yet.{{end}}</p>
<ul>
<li><a href="metrics">/metrics</a>: processes grouped by name, for Prometheus</li>
<li><a href="snapshot">/snapshot</a>: every process as JSON, for a procmon server</li>
<li><a href="-/healthy">/-/healthy</a>, <a href="-/ready">/-/ready</a>: for service managers</li>
</ul>
</html>
`))

func (e *Exporter) serveLanding(w http.ResponseWriter, _ *http.Request) {
	hostname, err := hostfacts.Hostname()
	if err != nil {
		hostname = "a host without a name"
	}
	stats := e.collector.statistics()
	page := struct {
		Hostname, Version, Collected string
		Processes                    int
	}{hostname, e.version, "", stats.processes}
	if !stats.last.IsZero() {
		page.Collected = stats.last.UTC().Format(time.RFC3339)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", landingPolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	if err := landingPage.Execute(w, page); err != nil {
		e.log.Debug("the landing page was not written", "error", err)
	}
}
