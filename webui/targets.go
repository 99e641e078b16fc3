package webui

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

func (s *Server) listTargets(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	now, targets := s.now(), slices.Clone(s.targets())
	slices.SortStableFunc(targets, func(a, b procmon.TargetStatus) int {
		return cmp.Or(cmp.Compare(a.Job, b.Job), cmp.Compare(a.ScrapeURL, b.ScrapeURL))
	})
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) {
		e.ObjStart()
		writeInstant(e, "now", now)
		e.FieldStart("targets")
		e.ArrStart()
		for i := range targets {
			writeTarget(e, &targets[i])
		}
		e.ArrEnd()
		e.ObjEnd()
	})
	return nil
}

func writeTarget(e *jx.Encoder, t *procmon.TargetStatus) {
	e.ObjStart()
	writeText(e, "job", t.Job)
	writeText(e, "scrape_url", t.ScrapeURL)
	writeLabels(e, "labels", t.Labels)
	writeLabels(e, "discovered_labels", t.DiscoveredLabels)
	writeText(e, "health", string(cmp.Or(t.Health, procmon.HealthUnknown)))
	if !t.LastScrape.IsZero() {
		writeInstant(e, "last_scrape", t.LastScrape)
		writeSeconds(e, "last_duration_seconds", t.LastDuration)
	}
	if t.LastError != "" {
		writeText(e, "last_error", t.LastError)
	}
	if t.Host != "" { // there was a good scrape
		writeText(e, "host", t.Host)
		writeInt(e, "last_processes", t.LastProcesses)
	}
	writeSeconds(e, "interval_seconds", t.Interval)
	writeSeconds(e, "timeout_seconds", t.Timeout)
	e.ObjEnd()
}
