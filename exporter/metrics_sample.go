package exporter

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/procmon/procmon"
)

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

// when returns the metrics if they are asked for.
func when[T any](asked bool, metrics ...metric[T]) []metric[T] {
	if asked {
		return metrics
	}
	return nil
}

// sample is a prometheus.Metric. Samples of one subject share their labels.
type sample struct {
	description *prometheus.Desc
	kind        prometheus.ValueType
	value       float64
	labels      []*dto.LabelPair // as prometheus.MakeLabelPairs returns them
}

func (s *sample) Desc() *prometheus.Desc { return s.description }

func (s *sample) Write(out *dto.Metric) error {
	out.Label = s.labels
	if s.kind == prometheus.CounterValue {
		out.Counter = &dto.Counter{Value: &s.value}
	} else {
		out.Gauge = &dto.Gauge{Value: &s.value}
	}
	return nil
}

// collectAll sends the samples of a subject and returns how many there are. The metrics have
// the same labels, for which these are the values.
func collectAll[T any](ch chan<- prometheus.Metric, metrics []metric[T], subject *T, labels ...string) int {
	if len(metrics) == 0 {
		return 0
	}
	pairs := prometheus.MakeLabelPairs(metrics[0].description, labels)
	samples := make([]sample, 0, len(metrics)) // never grows: the channel holds pointers into it
	for i := range metrics {
		if v := metrics[i].value(subject); v.Known {
			samples = append(samples, sample{metrics[i].description, metrics[i].kind, v.Value, pairs})
			ch <- &samples[len(samples)-1]
		}
	}
	return len(samples)
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
