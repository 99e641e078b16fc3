package webui

import (
	"context"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

// mostPartial is how many hosts a partial answer names.
const mostPartial = 10

// writePartial says what an answer lacks since it is damaged, if anything is.
func (s *Server) writePartial(ctx context.Context, e *jx.Encoder, l *procmon.Losses) {
	if l.Count() == 0 {
		return
	}
	e.FieldStart("partial")
	e.ObjStart()
	writeInt(e, "damaged", l.Count())
	e.FieldStart("hosts")
	e.ArrStart()
	hosts := l.Hosts()
	for _, key := range hosts[:min(len(hosts), mostPartial)] {
		name := key
		if h, err := s.store.Host(ctx, key); err == nil {
			name = h.Host
		}
		e.Str(name)
	}
	e.ArrEnd()
	e.ObjEnd()
}
