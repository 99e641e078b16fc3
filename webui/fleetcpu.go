package webui

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime"
	"time"

	"github.com/go-faster/jx"
	"golang.org/x/sync/errgroup"

	"github.com/procmon/procmon"
)

const (
	fleetCPUSpan  = time.Hour
	fleetCPUStep  = 2 * time.Minute
	maxFleetSteps = 1000
	// fleetCPUFresh is how long the answer is good for all who ask for the same steps: about as
	// long as a scrape takes to come.
	fleetCPUFresh = 15 * time.Second
)

// steps are parts of time of one length, at multiples of it.
type steps struct {
	from  time.Time
	step  time.Duration
	count int
}

func (s *Server) getFleetCPU(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "from", "to", "step")
	if err != nil {
		return err
	}
	step := fleetCPUStep
	if query.Has("step") {
		if step, err = duration("step", query.Get("step")); err != nil {
			return err
		}
		if step <= 0 {
			return badParameter("step", "0 is none; it is what one value stands for")
		}
	}
	to, err := moment(query, "to", s.now())
	if err != nil {
		return err
	}
	in, err := spanOf(query, span{to.Add(step - fleetCPUSpan), to})
	if err != nil {
		return err
	}
	begin := in.from.UnixNano() - mod(in.from.UnixNano(), int64(step))
	all := steps{from: time.Unix(0, begin), step: step, count: int((in.to.UnixNano()-begin)/int64(step)) + 1}
	if all.count > maxFleetSteps {
		return &problem{status: http.StatusUnprocessableEntity, code: "too_much", message: fmt.Sprintf(
			"parameter step: the range has %d steps of %s; at most %d are allowed. Choose a larger step, or a shorter range", all.count, step, maxFleetSteps)}
	}
	answer, err := s.fleetCPU.get(r.Context(), all, s.now(), func(ctx context.Context) (answer []byte, err error) {
		err = s.gate.ask(ctx, "ask for a shorter range", func(ctx context.Context) (err error) {
			answer, err = s.fleetCPUOf(ctx, all)
			return err
		})
		return answer, err
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) { e.Raw(answer) })
	return nil
}

func mod(a, b int64) int64 { return (a%b + b) % b }

// fleetCPUOf returns the encoded answer.
func (s *Server) fleetCPUOf(ctx context.Context, all steps) ([]byte, error) {
	hosts, err := s.store.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	values := make([][]procmon.Opt[float64], len(hosts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range hosts {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() (err error) {
			values[i], err = s.cpuOf(ctx, &hosts[i], all)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var e jx.Encoder
	e.ObjStart()
	e.FieldStart("from")
	e.Float64(unixSeconds(all.from))
	writeSeconds(&e, "step", all.step)
	e.FieldStart("hosts")
	e.ObjStart()
	for i := range hosts {
		e.FieldStart(hosts[i].Host)
		e.ArrStart()
		for _, v := range values[i] {
			writeOrNull(&e, procmon.Opt[float64]{Value: math.Round(100*v.Value) / 100, Known: v.Known})
		}
		e.ArrEnd()
	}
	e.ObjEnd()
	e.ObjEnd()
	return e.Bytes(), nil
}

// cpuOf returns the average of each step in percent of the whole host.
func (s *Server) cpuOf(ctx context.Context, h *procmon.HostSummary, all steps) ([]procmon.Opt[float64], error) {
	values := make([]procmon.Opt[float64], all.count)
	to := all.from.Add(time.Duration(all.count)*all.step - 1)
	if h.LastSeen.Before(all.from) || h.FirstSeen.After(to) {
		return values, nil
	}
	series, err := s.store.Series(ctx, procmon.SeriesQuery{
		Host: h.Host, From: all.from, To: to, Step: all.step, Metrics: []procmon.Metric{procmon.MetricCPU},
	})
	if errors.Is(err, procmon.ErrNotFound) { // it has expired meanwhile
		return values, nil
	}
	if err != nil {
		return nil, err
	}
	for i, v := range series.Values[procmon.MetricCPU] {
		if at := series.Times[i].Sub(all.from) / all.step; at >= 0 && int(at) < len(values) {
			values[at] = procmon.Opt[float64]{Value: v.Value.Avg, Known: v.Known}
		}
	}
	return values, nil
}
