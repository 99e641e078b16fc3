package webui

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

// A problem is an error that the client is told.
type problem struct {
	status  int
	code    string // for programs
	message string // names what is wrong and what is allowed

	position procmon.Opt[int] // of a search: the character that is wrong
}

func (p *problem) Error() string { return p.message }

func badParameter(name, message string) error {
	return &problem{status: http.StatusBadRequest, code: "bad_parameter", message: "parameter " + name + ": " + message}
}

func notFound(message string) error {
	return &problem{status: http.StatusNotFound, code: "not_found", message: message}
}

// apiFunc answers a request or returns why not; then it has written nothing.
type apiFunc func(http.ResponseWriter, *http.Request) error

func (s *Server) api(f apiFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := f(w, r)
		if err == nil || r.Context().Err() != nil { // nobody waits for an answer
			return
		}
		p, ok := errors.AsType[*problem](err)
		if !ok {
			s.log.Error("answer a request", "path", r.URL.EscapedPath(), "err", err)
			p = &problem{status: http.StatusInternalServerError, code: "internal", message: "the server could not read its store; its log says why"}
		}
		refuse(w, r, p)
	})
}

// refuse says p in the language of the path: JSON under /api, else plain text.
func refuse(w http.ResponseWriter, r *http.Request, p *problem) {
	if !isAPI(r.URL.Path) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(p.status)
		_, _ = io.WriteString(w, p.message+"\n")
		return
	}
	writeJSON(w, p.status, func(e *jx.Encoder) { writeProblem(e, p) })
}

func writeProblem(e *jx.Encoder, p *problem) {
	e.ObjStart()
	e.FieldStart("error")
	e.ObjStart()
	writeText(e, "code", p.code)
	writeText(e, "message", p.message)
	if p.position.Known {
		writeInt(e, "position", p.position.Value)
	}
	e.ObjEnd()
	e.ObjEnd()
}

func isAPI(path string) bool { return path == "/api" || strings.HasPrefix(path, "/api/") }

// quote makes hostile text fit for a message: short, in one line, printable.
func quote(s string) string {
	const most = 60 // bytes
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}
