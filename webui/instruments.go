package webui

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// instruments measure requests by the name of their route, so that no client can make series.
type instruments struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// newInstruments returns nil without a registerer.
func newInstruments(r prometheus.Registerer) (*instruments, error) {
	if r == nil {
		return nil, nil
	}
	in := &instruments{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "procmon_http_requests_total",
			Help: "HTTP requests answered, by route, method and status.",
		}, []string{"handler", "method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "procmon_http_request_duration_seconds",
			Help:    "Time taken to answer HTTP requests, by route.",
			Buckets: []float64{.001, .01, .1, .5, 1, 5, 30},
		}, []string{"handler"}),
	}
	for _, c := range []prometheus.Collector{in.requests, in.duration} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return in, nil
}

func (in *instruments) instrument(name string, next http.Handler) http.Handler {
	if in == nil {
		return next
	}
	label := prometheus.Labels{"handler": name}
	return promhttp.InstrumentHandlerDuration(in.duration.MustCurryWith(label),
		promhttp.InstrumentHandlerCounter(in.requests.MustCurryWith(label), next))
}
