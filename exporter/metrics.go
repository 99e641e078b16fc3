package exporter

import (
	"bytes"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/groups"
)

// metrics tells Prometheus of the groups, of the processes that were asked for, of the host
// and of the exporter itself.
type metrics struct {
	exporter  *Exporter
	log       *slog.Logger
	maxSeries int // of groups and processes together
	runtime   prometheus.Gatherer

	mu        sync.Mutex // guards what follows
	groups    []metric[groups.Group]
	processes []metric[processRow]
	host      []metric[procmon.Snapshot]
	agent     []metric[agentState]
	chosen    chooser
	warned    time.Time // when the log was last told that the limit bites
	length    int       // of the last text
}

func newMetrics(e *Exporter, o MetricsOptions) (*metrics, error) {
	names, err := o.Processes.compile()
	if err != nil {
		return nil, err
	}
	runtime := prometheus.NewRegistry()
	runtime.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &metrics{
		exporter: e, log: e.log, maxSeries: o.maxSeries(), runtime: runtime, chosen: chooser{names: names, top: o.Processes.Top},
		groups: groupDescriptions(o), processes: processDescriptions(o), host: hostDescriptions(), agent: agentDescriptions(),
	}, nil
}

// serveMetrics writes the metrics of a collection in the format that the request prefers
// (https://prometheus.io/docs/instrumenting/content_negotiation/).
func (e *Exporter) serveMetrics(w http.ResponseWriter, r *http.Request) {
	c, err := e.collector.collect(r.Context())
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	c.release() // the text is of the latest
	format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultAcceptedFormats()...)
	body, err := e.metrics.encode(format)
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	chosen := requestedEncoding(r)
	if chosen != identity {
		body = e.collector.compressor.compress(nil, body, chosen)
	}
	w.Header().Set("Content-Type", string(format))
	writeBody(w, r, body, chosen)
}

// encode returns everything in a format.
func (m *metrics) encode(format expfmt.Format) ([]byte, error) {
	families, err := m.runtime.Gather()
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	families = m.gather(families)
	var text bytes.Buffer
	text.Grow(m.length + m.length/16 + bytes.MinRead)
	encoder := expfmt.NewEncoder(&text, format)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			return nil, err
		}
	}
	m.length = text.Len()
	return text.Bytes(), nil
}

// gather appends what there is to tell of the latest collection, which is never an older one
// than before, and sorts all by name. It is valid until the next call.
func (m *metrics) gather(families []*dto.MetricFamily) []*dto.MetricFamily {
	c := m.exporter.collector.hold()
	if c == nil {
		return families
	}
	defer c.release()
	clearSamples(m.groups)
	clearSamples(m.processes)
	clearSamples(m.host)
	clearSamples(m.agent)

	tracker := m.exporter.collector.groups
	groups, rows := m.share(tracker, c)
	series := 0
	for i := range groups {
		series += addSamples(m.groups, &groups[i], groups[i].Name)
	}
	for i := range rows {
		series += addSamples(m.processes, &rows[i], rows[i].labels()...)
	}
	m.addHost(&c.snapshot)

	leftProcesses, leftGroups := tracker.Left()
	state := agentState{
		stats: m.exporter.collector.statistics(), push: m.exporter.pusher.Stats(),
		groups: len(groups), groupsLimit: tracker.Limit(), ungrouped: leftProcesses,
		series: series, seriesLimit: m.maxSeries, seriesLeft: leftGroups*len(m.groups) + m.chosen.left*len(m.processes),
	}
	state.events, state.overwritten, state.recording = m.exporter.collector.eventStats()
	m.warn(&state)
	m.addAgent(&state)

	families = appendFamilies(families, m.groups)
	families = appendFamilies(families, m.processes)
	families = appendFamilies(families, m.host)
	families = appendFamilies(families, m.agent)
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return families
}

// share divides the series that there can be: groups with members come first, then the
// processes that were asked for, then groups that have ended.
func (m *metrics) share(tracker *groups.Tracker, c *collection) ([]groups.Group, []processRow) {
	if len(m.processes) == 0 {
		return tracker.Groups(), nil
	}
	wanted := m.chosen.see(&c.rows, c.began)
	tracker.Trim(max(m.maxSeries-wanted*len(m.processes), 0) / len(m.groups))
	all := tracker.Groups()
	chosen := m.chosen.choose((m.maxSeries - len(all)*len(m.groups)) / len(m.processes))
	rows := make([]processRow, len(chosen))
	for i, at := range chosen {
		rows[i] = processRow{&c.rows.Processes[at], &c.rows.Details[at]}
	}
	return all, rows
}

// warn tells the log when the limit begins to bite, and not again within the hour.
func (m *metrics) warn(s *agentState) {
	switch {
	case s.seriesLeft == 0:
	case m.warned.IsZero() || time.Since(m.warned) > time.Hour:
		m.log.Warn("/metrics leaves out series: there are more processes or groups than its limit has room for",
			"limit", s.seriesLimit, "left_out", s.seriesLeft, "ungrouped_processes", s.ungrouped)
		m.warned = time.Now()
	}
}
