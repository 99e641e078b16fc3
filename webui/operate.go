package webui

import (
	"context"
	"io"
	"net/http"
)

func (s *Server) getOpenAPI(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = io.WriteString(w, openAPI)
	return nil
}

func healthy(w http.ResponseWriter, _ *http.Request) {
	writePlain(w, http.StatusOK, "procmon is healthy.")
}

func ready(why func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if why != nil {
			if err := why(); err != nil {
				writePlain(w, http.StatusServiceUnavailable, "procmon is not ready: "+err.Error())
				return
			}
		}
		writePlain(w, http.StatusOK, "procmon is ready.")
	})
}

// reload answers once the new configuration is in force or refused. A page of another site
// can not ask for it.
func (s *Server) reload(reload func(context.Context) error) http.Handler {
	sameSite := http.NewCrossOriginProtection()
	sameSite.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writePlain(w, http.StatusForbidden, "a page of another site may not reload the configuration")
	}))
	return sameSite.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := reload(r.Context()); err != nil {
			writePlain(w, http.StatusInternalServerError, "failed to reload the configuration: "+err.Error())
			return
		}
		writePlain(w, http.StatusOK, "reloaded")
	}))
}

func writePlain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}
