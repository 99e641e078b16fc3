package webui

import (
	"context"
	"net/http"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

// Rows of one answer to who used most.
const (
	defaultTop = 10
	maxTop     = 1000
)

// defaultTopSpan is how long before its end a range begins that is not said.
const defaultTopSpan = time.Hour

// topFresh is how long an answer is good for all who ask for the same until now.
const topFresh = 15 * time.Second

// topKey is what a question is known by whose range ends now.
type topKey struct {
	from    int64 // Unix seconds, a multiple of topFresh
	by, per string
	limit   int
	host    string // key
	match   string
}

type topAnswer struct {
	procmon.TopQuery
	rows []procmon.TopRow
	lost *procmon.Losses
}

func (s *Server) top(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "from", "to", "by", "per", "limit", "host", "match")
	if err != nil {
		return err
	}
	var q procmon.TopQuery
	to, err := moment(query, "to", s.now())
	if err != nil {
		return err
	}
	in, err := spanOf(query, span{to.Add(-defaultTopSpan), to})
	if err != nil {
		return err
	}
	q.From, q.To = in.from, in.to
	if q.By, err = choice(query, "by", procmon.TopCPU, procmon.TopMemory, procmon.TopIO); err != nil {
		return err
	}
	if q.Per, err = choice(query, "per", procmon.PerProcess, procmon.PerName, procmon.PerUser, procmon.PerHost); err != nil {
		return err
	}
	if q.Limit, err = whole(query, "limit", defaultTop, 1, maxTop); err != nil {
		return err
	}
	chosen, err := selectionOf(query)
	if err != nil {
		return err
	}
	q.Hosts = chosen
	if query.Has("host") {
		name := query.Get("host")
		if err := procmon.CheckHost(name); err != nil {
			return badParameter("host", err.Error())
		}
		if _, err := s.host(r.Context(), name); err != nil {
			return err
		}
		q.Hosts = func(h *procmon.HostSummary) bool {
			return procmon.HostKey(h.Host) == procmon.HostKey(name) && (chosen == nil || chosen(h))
		}
	}
	find := func(ctx context.Context) (found topAnswer, err error) {
		err = s.gate.ask(ctx, "ask for a shorter range, or for fewer hosts with host or match", func(ctx context.Context) (err error) {
			found.TopQuery, found.lost = q, new(procmon.Losses)
			found.rows, err = s.store.Top(procmon.NotingLosses(ctx, found.lost), q)
			return err
		})
		return found, err
	}
	var found topAnswer
	if query.Has("to") {
		found, err = find(r.Context())
	} else { // who asks for the last minutes again and again, on every page that is open
		key := topKey{q.From.Truncate(topFresh).Unix(), q.By, q.Per, q.Limit, procmon.HostKey(query.Get("host")), query.Get("match")}
		found, err = s.tops.get(r.Context(), key, s.now(), find)
	}
	if err != nil {
		return err
	}
	q = found.TopQuery
	rows := found.rows
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) {
		e.ObjStart()
		writeInstant(e, "from", q.From)
		writeInstant(e, "to", q.To)
		writeText(e, "by", q.By)
		writeText(e, "per", q.Per)
		e.FieldStart("rows")
		e.ArrStart()
		for i := range rows {
			writeTopRow(e, &rows[i], q.Per)
		}
		e.ArrEnd()
		s.writePartial(r.Context(), e, found.lost)
		e.ObjEnd()
	})
	return nil
}

func writeTopRow(e *jx.Encoder, r *procmon.TopRow, per string) {
	e.ObjStart()
	if per == procmon.PerProcess || per == procmon.PerHost {
		writeText(e, "host", r.Host)
	}
	if r.ID != nil {
		writeIdentity(e, *r.ID)
	}
	if per == procmon.PerProcess || per == procmon.PerName {
		writeText(e, "name", r.Name)
	}
	if r.User.Known {
		writeText(e, "user", r.User.Value)
	}
	writeNumber(e, "cpu_seconds", r.CPUSeconds)
	writeWhole(e, "memory_bytes", r.MemoryBytes)
	if !r.PeakAt.IsZero() {
		writeInstant(e, "peak_at", r.PeakAt)
	}
	writeWhole(e, "io_bytes", r.IOBytes)
	writeInt(e, "processes", r.Processes)
	writeInt(e, "hosts", r.Hosts)
	e.ObjEnd()
}
