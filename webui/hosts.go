package webui

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

func (s *Server) getHost(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	name, err := hostInPath(r)
	if err != nil {
		return err
	}
	host, err := s.store.Host(r.Context(), name)
	if errors.Is(err, procmon.ErrNotFound) {
		return noHost(name)
	}
	if err != nil {
		return err
	}
	now, fleet := s.now(), newFleet(s.targets())
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) { writeHost(e, &host, fleet, now) })
	return nil
}

func writeHost(e *jx.Encoder, h *procmon.HostSummary, f *fleet, now time.Time) {
	state, reason := f.state(h, now)
	e.ObjStart()
	writeText(e, "host", h.Host)
	writeText(e, "state", state)
	if reason != "" {
		writeText(e, "error", reason)
	}
	writeLabels(e, "labels", h.Labels)
	writeInstant(e, "first_seen", h.FirstSeen)
	writeInstant(e, "last_seen", h.LastSeen)
	e.FieldStart("system")
	h.System.Encode(e)
	writeInt(e, "processes", h.Processes)
	writeNumber(e, "cpu", h.CPU)
	if b := h.Busiest; b != nil && finite(procmon.Some(b.CPU)).Known {
		e.FieldStart("busiest")
		e.ObjStart()
		e.FieldStart("pid")
		e.UInt32(b.ID.PID)
		if b.ID.Start != 0 {
			writeInstant(e, "start_time", time.Unix(0, b.ID.Start))
		}
		writeText(e, "name", b.Name)
		writeNumber(e, "cpu", procmon.Some(b.CPU))
		e.ObjEnd()
	}
	e.ObjEnd()
}

// A fleet knows which target stands for which host.
type fleet struct {
	byHost     map[string][]procmon.TargetStatus // by procmon.HostKey of what it delivered
	byInstance map[[2]string][]procmon.TargetStatus
}

func newFleet(targets []procmon.TargetStatus) *fleet {
	f := &fleet{byHost: map[string][]procmon.TargetStatus{}, byInstance: map[[2]string][]procmon.TargetStatus{}}
	for _, t := range targets {
		if t.Host != "" {
			key := procmon.HostKey(t.Host)
			f.byHost[key] = append(f.byHost[key], t)
		} else if key := instanceKey(t.Labels); key[1] != "" {
			// It has not delivered since the server started, but its host may be in the store.
			f.byInstance[key] = append(f.byInstance[key], t)
		}
	}
	return f
}

// pushJob is the job label of what was pushed.
const pushJob = "push"

func instanceKey(labels map[string]string) [2]string {
	return [2]string{labels["job"], labels["instance"]}
}

// state says how a host is, and why its target is down if it is. A target that was not
// scraped yet leaves its host as it was.
func (f *fleet) state(h *procmon.HostSummary, now time.Time) (state, reason string) {
	targets := f.byHost[procmon.HostKey(h.Host)]
	if key := instanceKey(h.Labels); len(targets) == 0 && key[1] != "" {
		targets = f.byInstance[key]
	}
	down := false
	for _, t := range targets {
		switch t.Health {
		case procmon.HealthUp:
			return "up", ""
		case procmon.HealthDown:
			down, reason = true, cmp.Or(reason, t.LastError)
		}
	}
	recent := now.Sub(h.LastSeen) <= procmon.StaleAfter
	switch {
	case down:
		return "down", reason
	case !recent:
		return "stale", ""
	case len(targets) > 0:
		return "up", ""
	case h.Labels["job"] != "" && h.Labels["job"] != pushJob: // nothing pulls it any more
		return "stale", ""
	default:
		return "pushed", ""
	}
}
