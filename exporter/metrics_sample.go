package exporter

import (
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/procmon/procmon"
)

// metric is one metric of subjects of type T: an unknown value has no sample. It is a family
// of samples whose memory serves one gathering after the other, since a small agent should
// not grow by what it tells each time.
type metric[T any] struct {
	family *dto.MetricFamily
	labels []string
	value  func(*T) procmon.Opt[float64]
}

func counterOf[T any](name, help string, labels []string, value func(*T) procmon.Opt[float64]) metric[T] {
	return metric[T]{&dto.MetricFamily{Name: &name, Help: &help, Type: dto.MetricType_COUNTER.Enum()}, labels, value}
}

func gaugeOf[T any](name, help string, labels []string, value func(*T) procmon.Opt[float64]) metric[T] {
	return metric[T]{&dto.MetricFamily{Name: &name, Help: &help, Type: dto.MetricType_GAUGE.Enum()}, labels, value}
}

// when returns the metrics if they are asked for.
func when[T any](asked bool, metrics ...metric[T]) []metric[T] {
	if asked {
		return metrics
	}
	return nil
}

// add adds a sample.
func (m *metric[T]) add(value float64, labels []*dto.LabelPair) {
	f := m.family
	n := len(f.Metric)
	if n < cap(f.Metric) {
		f.Metric = f.Metric[:n+1] // where an earlier sample may stand
	} else {
		f.Metric = append(f.Metric, nil)
	}
	if f.Metric[n] == nil {
		f.Metric[n] = &dto.Metric{}
		if f.GetType() == dto.MetricType_COUNTER {
			f.Metric[n].Counter = &dto.Counter{Value: new(float64)}
		} else {
			f.Metric[n].Gauge = &dto.Gauge{Value: new(float64)}
		}
	}
	sample := f.Metric[n]
	sample.Label = labels
	if sample.Counter != nil {
		*sample.Counter.Value = value
	} else {
		*sample.Gauge.Value = value
	}
}

// addSamples adds the samples of a subject and returns how many there are. The metrics have
// the same labels, for which these are the values.
func addSamples[T any](metrics []metric[T], subject *T, labels ...string) (n int) {
	var pairs []*dto.LabelPair
	for i := range labels {
		pairs = append(pairs, &dto.LabelPair{Name: &metrics[0].labels[i], Value: &labels[i]})
	}
	for i := range metrics {
		if v := metrics[i].value(subject); v.Known {
			metrics[i].add(v.Value, pairs)
			n++
		}
	}
	return n
}

func clearSamples[T any](metrics []metric[T]) {
	for i := range metrics {
		metrics[i].family.Metric = metrics[i].family.Metric[:0]
	}
}

// appendFamilies appends those that have samples.
func appendFamilies[T any](families []*dto.MetricFamily, metrics []metric[T]) []*dto.MetricFamily {
	for i := range metrics {
		if f := metrics[i].family; len(f.Metric) > 0 {
			families = append(families, f)
		}
	}
	return families
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
