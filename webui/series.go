package webui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

var (
	hostMetrics = []procmon.Metric{
		procmon.MetricCPU, procmon.MetricMemory, procmon.MetricProcesses, procmon.MetricStarts, procmon.MetricEnds,
	}
	processMetrics = []procmon.Metric{
		procmon.MetricCPU, procmon.MetricMemory, procmon.MetricPrivate, procmon.MetricThreads,
		procmon.MetricHandles, procmon.MetricRead, procmon.MetricWrite,
	}
)

const narrowSeries = "ask for a shorter range, or for fewer metrics"

func (s *Server) getHostSeries(w http.ResponseWriter, r *http.Request) error {
	q, query, err := seriesOf(r, hostMetrics)
	if err != nil {
		return err
	}
	host, err := s.host(r.Context(), q.Host)
	if err != nil {
		return err
	}
	return s.answerSeries(w, r, query, q, span{host.FirstSeen, s.now()})
}

func (s *Server) getProcessSeries(w http.ResponseWriter, r *http.Request) error {
	q, query, err := seriesOf(r, processMetrics)
	if err != nil {
		return err
	}
	id, err := processInPath(r)
	if err != nil {
		return err
	}
	q.Process = &id
	life, err := s.life(r.Context(), q.Host, id)
	if err != nil {
		return err
	}
	return s.answerSeries(w, r, query, q, span{life.FirstSeen, life.LastSeen})
}

// seriesOf reads what both have in common: not the range.
func seriesOf(r *http.Request, known []procmon.Metric) (q procmon.SeriesQuery, query url.Values, err error) {
	if query, err = parameters(r, "from", "to", "step", "metrics"); err != nil {
		return q, query, err
	}
	if query.Has("step") {
		if q.Step, err = duration("step", query.Get("step")); err != nil {
			return q, query, err
		}
	}
	if q.Metrics, err = metricsOf(query, known); err != nil {
		return q, query, err
	}
	q.Host, err = hostInPath(r)
	return q, query, err
}

func metricsOf(query url.Values, known []procmon.Metric) (metrics []procmon.Metric, err error) {
	if !query.Has("metrics") {
		return known, nil
	}
	for name := range strings.SplitSeq(query.Get("metrics"), ",") {
		m := procmon.Metric(name)
		if !slices.Contains(known, m) {
			var names []string
			for _, k := range known {
				names = append(names, string(k))
			}
			return nil, badParameter("metrics", quote(name)+" is not one of "+strings.Join(names, ", "))
		}
		if !slices.Contains(metrics, m) {
			metrics = append(metrics, m)
		}
	}
	return metrics, nil
}

// answerSeries answers q for the range of the query; whole is all that there is.
func (s *Server) answerSeries(w http.ResponseWriter, r *http.Request, query url.Values, q procmon.SeriesQuery, whole span) error {
	in, err := spanOf(query, whole)
	if err != nil {
		return err
	}
	q.From, q.To = in.from, in.to
	var series procmon.Series
	var lost procmon.Losses
	err = s.gate.ask(procmon.NotingLosses(r.Context(), &lost), narrowSeries, func(ctx context.Context) (err error) {
		series, err = s.store.Series(ctx, q)
		return err
	})
	if errors.Is(err, procmon.ErrNotFound) {
		return noHost(q.Host)
	}
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) {
		e.ObjStart()
		writeSeries(e, q.Host, q.Metrics, &series)
		s.writePartial(r.Context(), e, &lost)
		e.ObjEnd()
	})
	return nil
}

func writeSeries(e *jx.Encoder, host string, metrics []procmon.Metric, s *procmon.Series) {
	writeText(e, "host", host)
	writeSeconds(e, "step", s.Step)
	e.FieldStart("times")
	e.ArrStart()
	for _, at := range s.Times {
		e.Float64(unixSeconds(at))
	}
	e.ArrEnd()
	e.FieldStart("values")
	e.ObjStart()
	for _, m := range metrics {
		values := s.Values[m]
		e.FieldStart(string(m))
		e.ObjStart()
		writeValues(e, "avg", values, func(v procmon.Stat) float64 { return v.Avg })
		if s.Step > 0 {
			writeValues(e, "min", values, func(v procmon.Stat) float64 { return v.Min })
			writeValues(e, "max", values, func(v procmon.Stat) float64 { return v.Max })
		}
		e.ObjEnd()
	}
	e.ObjEnd()
}

func writeValues(e *jx.Encoder, name string, values []procmon.Opt[procmon.Stat], of func(procmon.Stat) float64) {
	e.FieldStart(name)
	e.ArrStart()
	for _, v := range values {
		writeOrNull(e, procmon.Opt[float64]{Value: of(v.Value), Known: v.Known})
	}
	e.ArrEnd()
}

// writeOrNull writes null for what is not known, and for what JSON has no number for.
func writeOrNull(e *jx.Encoder, v procmon.Opt[float64]) {
	if v = finite(v); v.Known {
		e.Float64(v.Value)
	} else {
		e.Null()
	}
}

// unixSeconds returns an instant as near as a float64 is to it: to about 0.2 µs today.
func unixSeconds(at time.Time) float64 {
	return float64(at.Unix()) + float64(at.Nanosecond())/1e9
}
