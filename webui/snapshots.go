package webui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
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
	query, err := parameters(r, "at", "offset")
	if err != nil {
		return err
	}
	view, next, err := s.find(r, query)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) {
		e.ObjStart()
		writeFound(e, &view, next)
		view.Snapshot.EncodeFields(e)
		e.ObjEnd()
	})
	return nil
}

// maxOffset is how many snapshots away one may be asked for.
const maxOffset = 1000

// find returns the view that the path of r and at and offset of its query ask for, and when the
// snapshot after it was made; the zero time if there is none.
func (s *Server) find(r *http.Request, query url.Values) (v procmon.View, next time.Time, err error) {
	at, err := moment(query, "at", time.Time{})
	if err != nil {
		return v, next, err
	}
	offset, err := whole(query, "offset", 0, -maxOffset, maxOffset)
	if err != nil {
		return v, next, err
	}
	host, err := hostInPath(r)
	if err != nil {
		return v, next, err
	}
	return s.view(r.Context(), host, at, offset)
}

// view returns the view of a host at an instant, or so many snapshots away from it, and when the
// snapshot after it was made; the zero time if there is none.
func (s *Server) view(ctx context.Context, host string, at time.Time, offset int) (v procmon.View, next time.Time, err error) {
	if offset != 0 {
		at, err = s.store.Neighbour(ctx, host, at, offset)
	}
	if err == nil {
		v, err = s.store.At(ctx, host, at)
	}
	if errors.Is(err, procmon.ErrNotFound) {
		return v, next, s.nothingAt(ctx, host)
	}
	if err != nil {
		return v, next, err
	}
	next, err = s.store.Neighbour(ctx, host, v.Snapshot.Timestamp, 1)
	if err != nil || !next.After(v.Snapshot.Timestamp) {
		next = time.Time{}
	}
	return v, next, err
}

// nothingAt says whether the host is not known or its history begins later.
func (s *Server) nothingAt(ctx context.Context, host string) error {
	summary, err := s.store.Host(ctx, host)
	if errors.Is(err, procmon.ErrNotFound) {
		return noHost(host)
	}
	if err != nil {
		return err
	}
	return notFound("host " + quote(host) + " has no snapshot at or before that instant; the oldest kept is of " + summary.FirstSeen.UTC().Format(time.RFC3339Nano))
}

// writeFound says which snapshot answers.
func writeFound(e *jx.Encoder, v *procmon.View, next time.Time) {
	writeText(e, "id", procmon.SnapshotID(v.Host, v.Snapshot.Timestamp))
	writeText(e, "host", v.Host)
	if v.Previous != nil {
		writeInstant(e, "previous", v.Previous.Timestamp)
	}
	if !next.IsZero() {
		writeInstant(e, "next", next)
	}
	e.FieldStart("stale")
	e.Bool(v.Stale)
	writeLabels(e, "labels", v.Labels)
}
