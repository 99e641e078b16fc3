package webui

import (
	"net/http"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

func (s *Server) getTree(w http.ResponseWriter, r *http.Request) error {
	view, next, err := s.find(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) {
		e.ObjStart()
		writeTreeHead(e, &view, next)
		e.FieldStart("rows")
		e.ArrStart()
		eachRow(&view, func(row *procmon.TreeRow, p *procmon.Process, io procmon.Rates) { writeRow(e, row, p, io) })
		e.ArrEnd()
		e.ObjEnd()
	})
	return nil
}

// writeTreeHead writes the fields of a tree that stand before its rows.
func writeTreeHead(e *jx.Encoder, v *procmon.View, next time.Time) {
	writeFound(e, v, next)
	writeText(e, "hostname", v.Snapshot.Hostname)
	writeInstant(e, "timestamp", v.Snapshot.Timestamp)
	e.FieldStart("system")
	v.Snapshot.System.Encode(e)
}

// eachRow calls f with the rows of the tree, and the process of each with its use of CPU over
// the interval that ended there. p is f's until it returns.
func eachRow(v *procmon.View, f func(row *procmon.TreeRow, p *procmon.Process, io procmon.Rates)) {
	rows := procmon.Tree(v.Snapshot, procmon.CPUPercent(v.Previous.Counters(), v.Snapshot))
	transfer := procmon.IORates(v.Previous, v.Snapshot)
	for i := range rows {
		p := v.Snapshot.Processes[rows[i].Process]
		p.CPU = finite(rows[i].CPU)
		f(&rows[i], &p, transfer[rows[i].Process])
	}
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
