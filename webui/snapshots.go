package webui

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

func (s *Server) latest(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "hostname")
	if err != nil {
		return err
	}
	var view procmon.View
	if query.Has("hostname") {
		host := query.Get("hostname")
		if err := procmon.CheckHost(host); err != nil {
			return badParameter("hostname", err.Error())
		}
		view, err = s.store.At(r.Context(), host, time.Time{})
		if errors.Is(err, procmon.ErrNotFound) {
			return noHost(host)
		}
	} else {
		view, err = s.store.Latest(r.Context())
		if errors.Is(err, procmon.ErrNotFound) {
			return notFound("no host has delivered a snapshot yet")
		}
	}
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) {
		e.ObjStart()
		view.Snapshot.EncodeFields(e)
		e.ObjEnd()
	})
	return nil
}

func (s *Server) getSnapshot(w http.ResponseWriter, r *http.Request) error {
	view, err := s.find(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) {
		e.ObjStart()
		writeFound(e, &view)
		view.Snapshot.EncodeFields(e)
		e.ObjEnd()
	})
	return nil
}

// find returns the view that the path and the at parameter of r ask for.
func (s *Server) find(r *http.Request) (procmon.View, error) {
	query, err := parameters(r, "at")
	if err != nil {
		return procmon.View{}, err
	}
	var at time.Time
	if query.Has("at") {
		if at, err = instant("at", query.Get("at")); err != nil {
			return procmon.View{}, err
		}
	}
	host, err := hostInPath(r)
	if err != nil {
		return procmon.View{}, err
	}
	view, err := s.store.At(r.Context(), host, at)
	if errors.Is(err, procmon.ErrNotFound) {
		return procmon.View{}, s.nothingAt(r, host)
	}
	return view, err
}

// nothingAt says whether the host is not known or its history begins later.
func (s *Server) nothingAt(r *http.Request, host string) error {
	summary, err := s.store.Host(r.Context(), host)
	if errors.Is(err, procmon.ErrNotFound) {
		return noHost(host)
	}
	if err != nil {
		return err
	}
	return notFound("host " + quote(host) + " has no snapshot at or before that instant; the oldest kept is of " + summary.FirstSeen.UTC().Format(time.RFC3339Nano))
}

// writeFound says which snapshot answers.
func writeFound(e *jx.Encoder, v *procmon.View) {
	writeText(e, "id", procmon.SnapshotID(v.Host, v.Snapshot.Timestamp))
	writeText(e, "host", v.Host)
	if v.Previous != nil {
		writeInstant(e, "previous", v.Previous.Timestamp)
	}
	e.FieldStart("stale")
	e.Bool(v.Stale)
	writeLabels(e, "labels", v.Labels)
}
