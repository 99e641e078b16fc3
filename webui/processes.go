package webui

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

func (s *Server) getProcess(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	host, err := hostInPath(r)
	if err != nil {
		return err
	}
	id, err := processInPath(r)
	if err != nil {
		return err
	}
	life, err := s.life(r.Context(), host, id)
	if err != nil {
		return err
	}
	parent := s.nameOfParent(r.Context(), &life)
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) {
		e.ObjStart()
		writeLife(e, &life, parent)
		e.ObjEnd()
	})
	return nil
}

// life returns what is known of a process, or a problem if there is none.
func (s *Server) life(ctx context.Context, host string, id procmon.ProcessID) (life procmon.Life, err error) {
	if _, err := s.host(ctx, host); err != nil {
		return life, err
	}
	err = s.gate.ask(ctx, "try again later", func(ctx context.Context) (err error) {
		life, err = s.store.Life(ctx, host, id)
		return err
	})
	if errors.Is(err, procmon.ErrNotFound) {
		return life, notFound("host " + quote(host) + " has no process " + formatProcess(id) + " in what is kept")
	}
	return life, err
}

// host returns what is known of a host, or a problem if it is not known.
func (s *Server) host(ctx context.Context, name string) (procmon.HostSummary, error) {
	host, err := s.store.Host(ctx, name)
	if errors.Is(err, procmon.ErrNotFound) {
		return host, noHost(name)
	}
	return host, err
}

// formatProcess writes an identity as it stands in a path.
func formatProcess(id procmon.ProcessID) string {
	text := strconv.FormatUint(uint64(id.PID), 10)
	if id.Start != 0 {
		text += "@" + time.Unix(0, id.Start).UTC().Format(time.RFC3339Nano)
	}
	return text
}

// nameOfParent returns the name of the parent as it was when l was seen first, if it was there
// then or in the snapshot before.
func (s *Server) nameOfParent(ctx context.Context, l *procmon.Life) string {
	if l.Parent == nil {
		return ""
	}
	view, err := s.store.At(ctx, l.Host, l.FirstSeen)
	if err != nil {
		return "" // the rest of the answer is good without
	}
	for _, snapshot := range [...]*procmon.Snapshot{view.Snapshot, view.Previous} {
		if snapshot == nil {
			continue
		}
		for i := range snapshot.Processes {
			if snapshot.Processes[i].ID() == *l.Parent {
				return snapshot.Processes[i].Name
			}
		}
	}
	return ""
}

// writeLife writes the fields of a life into an object. The name of its parent may be empty.
func writeLife(e *jx.Encoder, l *procmon.Life, parent string) {
	writeText(e, "host", l.Host)
	e.FieldStart("process")
	e.ObjStart()
	l.Process.EncodeFields(e)
	e.ObjEnd()
	writeInstant(e, "first_seen", l.FirstSeen)
	writeInstant(e, "last_seen", l.LastSeen)
	if l.Parent != nil {
		e.FieldStart("parent")
		e.ObjStart()
		writeIdentity(e, *l.Parent)
		if parent != "" {
			writeText(e, "name", parent)
		}
		e.ObjEnd()
	}
	e.FieldStart("ended")
	e.Bool(l.Ended())
	if !l.GoneAt.IsZero() {
		writeInstant(e, "gone_at", l.GoneAt)
	}
	if !l.EndedAt.IsZero() {
		writeInstant(e, "ended_at", l.EndedAt)
	}
	if l.ExitCode.Known {
		e.FieldStart("exit_code")
		e.Int64(l.ExitCode.Value)
	}
}

// writeIdentity writes the fields of an identity.
func writeIdentity(e *jx.Encoder, id procmon.ProcessID) {
	e.FieldStart("pid")
	e.UInt32(id.PID)
	if id.Start != 0 {
		writeInstant(e, "start_time", time.Unix(0, id.Start))
	}
}
