package storage

import (
	"github.com/prometheus/client_golang/prometheus"
)

// counters are the metrics that count what the store does.
type counters struct {
	appended      prometheus.Counter
	duplicates    prometheus.Counter
	commits       prometheus.Counter
	blocks        prometheus.Counter
	appendSeconds prometheus.Histogram
}

func newCounters() counters {
	return counters{
		appended: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "procmon_storage_snapshots_appended_total",
			Help: "Snapshots that were stored.",
		}),
		duplicates: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "procmon_storage_snapshots_duplicate_total",
			Help: "Snapshots that were delivered again and not stored twice.",
		}),
		commits: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "procmon_storage_commits_total",
			Help: "Batches that were written to the disk.",
		}),
		blocks: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "procmon_storage_blocks_written_total",
			Help: "Blocks that were made of snapshots.",
		}),
		appendSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "procmon_storage_append_duration_seconds",
			Help:    "Time from the arrival of a snapshot until it was durable.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
	}
}

var (
	hostsDesc = prometheus.NewDesc("procmon_storage_hosts",
		"Hosts of which snapshots are kept.", nil, nil)
	diskDesc = prometheus.NewDesc("procmon_storage_disk_bytes",
		"Disk space that the data directory takes.", nil, nil)
	headDesc = prometheus.NewDesc("procmon_storage_head_bytes",
		"Memory that snapshots take which are in no block yet.", nil, nil)
	fullDesc = prometheus.NewDesc("procmon_storage_full",
		"1 while nothing is stored because the file system has no room.", nil, nil)
	damageDesc = prometheus.NewDesc("procmon_storage_damaged_objects",
		"Snapshots and files that could not be read since the start.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s *Store) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, ch) }

// Collect implements prometheus.Collector.
func (s *Store) Collect(ch chan<- prometheus.Metric) {
	ch <- s.counts.appended
	ch <- s.counts.duplicates
	ch <- s.counts.commits
	ch <- s.counts.blocks
	ch <- s.counts.appendSeconds
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	gauge(hostsDesc, float64(len(s.summaries())))
	gauge(headDesc, float64(s.heads.size.Load()))
	full := 0.0
	if s.space.full.Load() {
		full = 1
	}
	gauge(fullDesc, full)
	gauge(damageDesc, float64(len(s.Damage())))
	if used, err := diskUsage(s.dir); err == nil {
		gauge(diskDesc, float64(used))
	}
}
