package webui

import (
	"net/http"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

func (s *Server) getTree(w http.ResponseWriter, r *http.Request) error {
	view, next, err := s.find(r)
	if err != nil {
		return err
	}
	rows := procmon.Tree(view.Snapshot, procmon.CPUPercent(view.Previous, view.Snapshot))
	transfer := procmon.IORates(view.Previous, view.Snapshot)
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) {
		e.ObjStart()
		writeFound(e, &view, next)
		writeText(e, "hostname", view.Snapshot.Hostname)
		writeInstant(e, "timestamp", view.Snapshot.Timestamp)
		e.FieldStart("system")
		view.Snapshot.System.Encode(e)
		e.FieldStart("rows")
		e.ArrStart()
		for i := range rows {
			process := view.Snapshot.Processes[rows[i].Process]
			process.CPU = finite(rows[i].CPU)
			writeRow(e, &rows[i], &process, transfer[rows[i].Process])
		}
		e.ArrEnd()
		e.ObjEnd()
	})
	return nil
}

func writeRow(e *jx.Encoder, row *procmon.TreeRow, p *procmon.Process, io procmon.Rates) {
	e.ObjStart()
	p.EncodeFields(e)
	if row.Parent >= 0 {
		writeInt(e, "parent", row.Parent)
	}
	writeInt(e, "depth", row.Depth)
	writeInt(e, "children", row.Children)
	writeInt(e, "descendants", row.Descendants)
	writeNumber(e, "tree_cpu", row.TreeCPU)
	writeNumber(e, "tree_memory", row.TreeMemory)
	writeNumber(e, "read_rate", io.Read)
	writeNumber(e, "write_rate", io.Write)
	e.ObjEnd()
}
