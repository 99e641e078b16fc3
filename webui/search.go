package webui

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

// Matches of one answer to a search.
const (
	defaultMatches = 200
	maxMatches     = 1000 // of a page
	maxDownload    = 100_000
)

const narrowSearch = "ask for a shorter range, for fewer hosts with match or host:, or for names"

func (s *Server) search(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "q", "at", "from", "to", "match", "limit", "cursor", "format")
	if err != nil {
		return err
	}
	var q procmon.SearchQuery
	if q.Match, err = procmon.ParseSearch(query.Get("q")); err != nil {
		p := &problem{status: http.StatusBadRequest, code: "bad_search", message: "parameter q: " + err.Error()}
		if wrong, ok := errors.AsType[*procmon.SearchError](err); ok {
			p.position = procmon.Some(wrong.Position)
		}
		return p
	}
	if query.Has("from") || query.Has("to") {
		if query.Has("at") {
			return badParameter("at", "it asks for an instant, and from and to for a range; give one or the other")
		}
		if !query.Has("from") {
			return badParameter("from", "missing; a range needs its begin too")
		}
		in, err := spanOf(query, span{to: s.now()})
		if err != nil {
			return err
		}
		q.From, q.To = in.from, in.to
	} else if query.Has("at") {
		if q.At, err = instant("at", query.Get("at")); err != nil {
			return err
		}
	}
	if q.Hosts, err = selectionOf(query); err != nil {
		return err
	}
	q.Cursor = query.Get("cursor")
	format, err := choice(query, "format", "json", "csv", "ndjson")
	if err != nil {
		return err
	}
	if format != "json" {
		return s.download(w, r, query, q, format)
	}
	if q.Limit, err = whole(query, "limit", defaultMatches, 1, maxMatches); err != nil {
		return err
	}
	var lost procmon.Losses
	page, err := s.page(procmon.NotingLosses(r.Context(), &lost), q)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) {
		e.ObjStart()
		e.FieldStart("matches")
		e.ArrStart()
		for i := range page.Matches {
			writeMatch(e, &page.Matches[i])
		}
		e.ArrEnd()
		if page.Cursor != "" {
			writeText(e, "cursor", page.Cursor)
		}
		writeInt(e, "hosts", page.Hosts)
		s.writePartial(r.Context(), e, &lost)
		e.ObjEnd()
	})
	return nil
}

func (s *Server) page(ctx context.Context, q procmon.SearchQuery) (page procmon.Matches, err error) {
	err = s.gate.ask(ctx, narrowSearch, func(ctx context.Context) (err error) {
		page, err = s.store.Search(ctx, q)
		return err
	})
	return page, err
}

func writeMatch(e *jx.Encoder, m *procmon.Match) {
	e.ObjStart()
	writeLife(e, &m.Life, "")
	writeNumber(e, "cpu", m.CPU)
	writeWhole(e, "memory_bytes", m.Memory)
	e.ObjEnd()
}
