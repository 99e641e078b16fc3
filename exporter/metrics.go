package exporter

import (
	"bytes"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/groups"
	"github.com/procmon/procmon/exporter/push"
)

func newRegistry(e *Exporter) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&groupMetrics{tracker: e.collector.groups, descriptions: groupDescriptions()},
		&hostMetrics{collector: e.collector, descriptions: hostDescriptions()},
		&agentMetrics{exporter: e, descriptions: agentDescriptions()},
	)
	return r
}

// serveMetrics writes the metrics of a collection in the format that the request prefers
// (https://prometheus.io/docs/instrumenting/content_negotiation/).
func (e *Exporter) serveMetrics(w http.ResponseWriter, r *http.Request) {
	c, err := e.collector.collect(r.Context())
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	c.release() // what the metrics say of it is kept beside it
	families, err := e.registry.Gather()
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultAcceptedFormats()...)
	var text bytes.Buffer
	encoder := expfmt.NewEncoder(&text, format)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			e.refuse(w, r, err)
			return
		}
	}
	body, chosen := text.Bytes(), requestedEncoding(r)
	if chosen != identity {
		body = e.collector.compressor.compress(nil, body, chosen)
	}
	w.Header().Set("Content-Type", string(format))
	writeBody(w, r, body, chosen)
}

// metric is one metric of subjects of type T: an unknown value has no sample.
type metric[T any] struct {
	description *prometheus.Desc
	kind        prometheus.ValueType
	value       func(*T) procmon.Opt[float64]
}

func counterOf[T any](name, help string, labels []string, value func(*T) procmon.Opt[float64]) metric[T] {
	return metric[T]{prometheus.NewDesc(name, help, labels, nil), prometheus.CounterValue, value}
}

func gaugeOf[T any](name, help string, labels []string, value func(*T) procmon.Opt[float64]) metric[T] {
	return metric[T]{prometheus.NewDesc(name, help, labels, nil), prometheus.GaugeValue, value}
}

func (m *metric[T]) collect(ch chan<- prometheus.Metric, subject *T, labels ...string) {
	if v := m.value(subject); v.Known {
		ch <- prometheus.MustNewConstMetric(m.description, m.kind, v.Value, labels...)
	}
}

func describe[T any](ch chan<- *prometheus.Desc, metrics []metric[T]) {
	for i := range metrics {
		ch <- metrics[i].description
	}
}

func number[T int | uint32 | uint64 | float64](v T) procmon.Opt[float64] {
	return procmon.Some(float64(v))
}

func known[T uint32 | uint64 | float64](v procmon.Opt[T]) procmon.Opt[float64] {
	return procmon.Opt[float64]{Value: float64(v.Value), Known: v.Known}
}

// scaled returns v in another unit.
func scaled(v procmon.Opt[float64], factor float64) procmon.Opt[float64] {
	v.Value *= factor
	return v
}

func unixTime(v procmon.Opt[time.Time]) procmon.Opt[float64] {
	if !v.Known {
		return procmon.Opt[float64]{}
	}
	return procmon.Some(float64(v.Value.UnixMilli()) / 1000)
}

// groupMetrics tells of the processes, grouped by name.
type groupMetrics struct {
	tracker      *groups.Tracker
	descriptions []metric[groups.Group]
}

func groupDescriptions() []metric[groups.Group] {
	type group = groups.Group
	type value = procmon.Opt[float64]
	by := []string{"group"}
	return []metric[group]{
		gaugeOf("procmon_group_processes", "Number of processes in the group.", by,
			func(g *group) value { return number(g.Processes) }),
		counterOf("procmon_group_starts_total", "Processes that joined the group since the exporter began.", by,
			func(g *group) value { return number(g.Starts) }),
		counterOf("procmon_group_ends_total", "Processes that left the group since the exporter began.", by,
			func(g *group) value { return number(g.Ends) }),
		counterOf("procmon_group_cpu_user_seconds_total", "CPU time that the group's processes used in user mode since the exporter began.", by,
			func(g *group) value { return g.UserSeconds }),
		counterOf("procmon_group_cpu_system_seconds_total", "CPU time that the group's processes used in kernel mode since the exporter began.", by,
			func(g *group) value { return g.SystemSeconds }),
		gaugeOf("procmon_group_working_set_bytes", "Physical memory of the group's processes: working set on Windows, resident set elsewhere.", by,
			func(g *group) value { return known(g.WorkingSetBytes) }),
		gaugeOf("procmon_group_private_bytes", "Memory committed to the group's processes alone.", by,
			func(g *group) value { return known(g.PrivateBytes) }),
		gaugeOf("procmon_group_threads", "Number of threads of the group's processes.", by,
			func(g *group) value { return known(g.Threads) }),
		gaugeOf("procmon_group_handles", "Number of open handles (file descriptors outside Windows) of the group's processes.", by,
			func(g *group) value { return known(g.Handles) }),
		counterOf("procmon_group_read_bytes_total", "Bytes that the group's processes read since the exporter began.", by,
			func(g *group) value { return known(g.ReadBytes) }),
		counterOf("procmon_group_write_bytes_total", "Bytes that the group's processes wrote since the exporter began.", by,
			func(g *group) value { return known(g.WriteBytes) }),
		gaugeOf("procmon_group_oldest_start_time_seconds", "Start of the group's oldest process, in seconds since 1970.", by,
			func(g *group) value { return unixTime(g.OldestStart) }),
	}
}

func (m *groupMetrics) Describe(ch chan<- *prometheus.Desc) { describe(ch, m.descriptions) }

func (m *groupMetrics) Collect(ch chan<- prometheus.Metric) {
	all := m.tracker.Groups()
	for i := range all {
		for j := range m.descriptions {
			m.descriptions[j].collect(ch, &all[i], all[i].Name)
		}
	}
}

// agentMetrics tells of the exporter's own work.
type agentMetrics struct {
	exporter     *Exporter
	descriptions []metric[agentState]
}

type agentState struct {
	stats        collectorStats
	groups, left int
	limit        int
	push         push.Stats
}

func agentDescriptions() []metric[agentState] {
	type value = procmon.Opt[float64]
	return []metric[agentState]{
		gaugeOf("procmon_exporter_build_info", "Version of the exporter; always 1.", []string{"version", "goversion", "goos", "goarch"},
			func(*agentState) value { return number(1) }),
		counterOf("procmon_exporter_collections_total", "Collections that succeeded.", nil,
			func(s *agentState) value { return number(s.stats.collections) }),
		counterOf("procmon_exporter_collection_failures_total", "Collections that failed.", nil,
			func(s *agentState) value { return number(s.stats.failures) }),
		gaugeOf("procmon_exporter_collection_duration_seconds", "Time that the last collection took.", nil,
			func(s *agentState) value { return number(s.stats.took.Seconds()) }),
		gaugeOf("procmon_exporter_groups", "Number of groups that are shown.", nil,
			func(s *agentState) value { return number(s.groups) }),
		gaugeOf("procmon_exporter_groups_limit", "Number of groups that can be shown.", nil,
			func(s *agentState) value { return number(s.limit) }),
		gaugeOf("procmon_exporter_ungrouped_processes", "Processes that are in no group because the limit was reached; above 0, group metrics are incomplete.", nil,
			func(s *agentState) value { return number(s.left) }),
		counterOf("procmon_exporter_pushes_delivered_total", "Snapshots that were pushed and accepted.", nil,
			func(s *agentState) value { return number(s.push.Delivered) }),
		counterOf("procmon_exporter_pushes_dropped_total", "Snapshots that the server refused for good, or that the queue had no room for.", nil,
			func(s *agentState) value { return number(s.push.Dropped) }),
		counterOf("procmon_exporter_push_failures_total", "Attempts to push that failed and are made again.", nil,
			func(s *agentState) value { return number(s.push.Failures) }),
		gaugeOf("procmon_exporter_pushes_waiting", "Snapshots that wait for their delivery.", nil,
			func(s *agentState) value { return number(s.push.Waiting) }),
	}
}

func (m *agentMetrics) Describe(ch chan<- *prometheus.Desc) { describe(ch, m.descriptions) }

func (m *agentMetrics) Collect(ch chan<- prometheus.Metric) {
	tracker := m.exporter.collector.groups
	state := agentState{
		stats: m.exporter.collector.statistics(), groups: tracker.Len(), left: tracker.Left(), limit: tracker.Limit(),
		push: m.exporter.pusher.Stats(),
	}
	m.descriptions[0].collect(ch, &state, m.exporter.version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for i := 1; i < len(m.descriptions); i++ {
		m.descriptions[i].collect(ch, &state)
	}
}
