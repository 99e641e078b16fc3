package webui

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"
	"github.com/klauspost/compress/gzhttp"
)

// A route is one thing to ask for. Its name is a label of metrics.
type route struct {
	name    string
	paths   []string // all ways to write it, the documented one first
	kind    kind
	methods methods
}

// kind says where a route is described and how it is delivered.
type kind int

const (
	described   kind = iota // in openapi.yaml
	operational             // as in Prometheus; delivered as it is
	page                    // a view of the pages
)

func (s *Server) routes(o Options, p *pages) []route {
	get := func(h apiFunc) methods { return methods{http.MethodGet: s.api(h)} }
	routes := []route{
		{"latest", []string{"/api/latest/", "/api/latest"}, described, get(s.latest)},
		{"hosts", []string{"/api/v1/hosts"}, described, get(s.listHosts)},
		{"host", []string{"/api/v1/hosts/{host}"}, described, get(s.getHost)},
		{"snapshot", []string{"/api/v1/hosts/{host}/snapshot"}, described, get(s.getSnapshot)},
		{"tree", []string{"/api/v1/hosts/{host}/tree"}, described, get(s.getTree)},
		{"host_series", []string{"/api/v1/hosts/{host}/series"}, described, get(s.getHostSeries)},
		{"compare", []string{"/api/v1/hosts/{host}/compare"}, described, get(s.compare)},
		{"process", []string{"/api/v1/hosts/{host}/processes/{process}"}, described, get(s.getProcess)},
		{"process_series", []string{"/api/v1/hosts/{host}/processes/{process}/series"}, described, get(s.getProcessSeries)},
		{"fleet_cpu", []string{"/api/v1/fleet/cpu"}, described, get(s.getFleetCPU)},
		{"top", []string{"/api/v1/top"}, described, get(s.top)},
		{"search", []string{"/api/v1/search"}, described, get(s.search)},
		{"live", []string{"/api/v1/live"}, described, get(s.getLive)},
		{"targets", []string{"/api/v1/targets"}, described, get(s.listTargets)},
		{"openapi", []string{"/api/v1/openapi.yaml"}, described, get(s.getOpenAPI)},
		{"healthy", []string{"/-/healthy"}, operational, methods{http.MethodGet: http.HandlerFunc(healthy)}},
		{"ready", []string{"/-/ready"}, operational, methods{http.MethodGet: ready(o.Ready)}},
		{"pages", slices.Sorted(maps.Keys(views)), page, methods{http.MethodGet: http.HandlerFunc(p.index)}},
	}
	if o.Receiver != nil {
		routes = append(routes, route{"push", []string{"/api/process-data/", "/api/process-data"}, described, methods{http.MethodPost: o.Receiver}})
	}
	if o.Metrics != nil {
		routes = append(routes, route{"metrics", []string{"/metrics"}, operational, methods{http.MethodGet: o.Metrics}})
	}
	if o.Reload != nil {
		reload := s.reload(o.Reload)
		routes = append(routes, route{"reload", []string{"/-/reload"}, operational, methods{http.MethodPost: reload, http.MethodPut: reload}})
	}
	return routes
}

// newRouter matches paths as they are encoded, so that the name of a host may hold a slash.
// It never redirects, so no path can be made into an address of somebody else.
func newRouter(routes []route, p *pages, in *instruments) (*mux.Router, error) {
	compress, err := gzhttp.NewWrapper(gzhttp.ContentTypes([]string{
		"application/json", "application/x-ndjson", "application/yaml", "text/csv", "text/html", "text/css", "text/javascript", "text/plain", "image/svg+xml",
	}))
	if err != nil {
		return nil, err
	}
	router := mux.NewRouter().UseEncodedPath().SkipClean(true)
	for _, rt := range routes {
		var h http.Handler = rt.methods
		switch {
		case rt.name == "live": // not an answer: it lasts as long as a page is open, and compresses by itself
		case rt.kind == operational || rt.name == "push": // the other side decides for itself
			h = in.instrument(rt.name, h)
		default:
			h = in.instrument(rt.name, compress(h))
		}
		for _, path := range rt.paths {
			router.Handle(path, h)
		}
	}
	router.NotFoundHandler = in.instrument("other", compress(http.HandlerFunc(p.other)))
	return router, nil
}

// methods answers a path by method. HEAD is answered wherever GET is.
type methods map[string]http.Handler

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h, ok := m[method]; ok {
		h.ServeHTTP(w, r)
		return
	}
	allow := m.allow()
	w.Header().Set("Allow", allow)
	refuse(w, r, &problem{status: http.StatusMethodNotAllowed, code: "method_not_allowed", message: "method " + quote(r.Method) + " is not allowed here, only " + allow})
}

func (m methods) allow() string {
	var names []string
	for name := range m {
		names = append(names, name)
		if name == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
