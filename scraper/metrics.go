package scraper

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/procmon/procmon"
)

// metrics are those of the pulling side. Those of single targets are made when they are
// collected, so that a target that is gone leaves nothing behind.
type metrics struct {
	scrapes  prometheus.Counter
	failures *prometheus.CounterVec

	up, duration, processes, dropped *prometheus.Desc
}

func newMetrics() *metrics {
	ofTarget := []string{model.JobLabel, model.InstanceLabel}
	m := &metrics{
		scrapes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "procmon_scrapes_total", Help: "Scrapes of targets, good and failed.",
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "procmon_scrape_failures_total", Help: "Scrapes of targets that failed, by reason.",
		}, []string{"reason"}),
		up:        prometheus.NewDesc("procmon_target_up", "Whether the last scrape of the target was good.", ofTarget, nil),
		duration:  prometheus.NewDesc("procmon_target_scrape_duration_seconds", "Duration of the last scrape of the target.", ofTarget, nil),
		processes: prometheus.NewDesc("procmon_target_scrape_processes", "Processes in the last good scrape of the target.", ofTarget, nil),
		dropped:   prometheus.NewDesc("procmon_targets_dropped", "Discovered targets that are not scraped.", nil, nil),
	}
	for _, r := range reasons {
		m.failures.WithLabelValues(string(r))
	}
	return m
}

func (m *metrics) scraped(err error) {
	m.scrapes.Inc()
	if err != nil {
		m.failures.WithLabelValues(string(reasonOf(err))).Inc()
	}
}

// collector is the prometheus.Collector of a manager.
type collector struct{ *Manager }

func (m collector) Describe(ch chan<- *prometheus.Desc) {
	m.metrics.scrapes.Describe(ch)
	m.metrics.failures.Describe(ch)
	for _, d := range []*prometheus.Desc{m.metrics.up, m.metrics.duration, m.metrics.processes, m.metrics.dropped} {
		ch <- d
	}
}

func (m collector) Collect(ch chan<- prometheus.Metric) {
	m.metrics.scrapes.Collect(ch)
	m.metrics.failures.Collect(ch)
	_, dropped := m.Dropped()
	ch <- prometheus.MustNewConstMetric(m.metrics.dropped, prometheus.GaugeValue, float64(dropped))

	seen := map[[2]string]bool{}
	for _, s := range m.Targets() {
		job, instance := s.Labels[model.JobLabel], s.Labels[model.InstanceLabel]
		if s.Health == procmon.HealthUnknown || seen[[2]string{job, instance}] {
			continue // two series of the same labels would fail the whole collection
		}
		seen[[2]string{job, instance}] = true
		gauge := func(d *prometheus.Desc, v float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, job, instance)
		}
		up := 0.0
		if s.Health == procmon.HealthUp {
			up = 1
		}
		gauge(m.metrics.up, up)
		gauge(m.metrics.duration, s.LastDuration.Seconds())
		gauge(m.metrics.processes, float64(s.LastProcesses))
	}
}
