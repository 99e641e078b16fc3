package webui

import (
	"net/http"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

func (s *Server) getTree(w http.ResponseWriter, r *http.Request) error {
	view, err := s.find(r)
	if err != nil {
		return err
	}
	rows := procmon.Tree(view.Snapshot, procmon.CPUPercent(view.Previous, view.Snapshot))
	transfer := transferRates(view.Previous, view.Snapshot)
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) {
		e.ObjStart()
		writeFound(e, &view)
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

func writeRow(e *jx.Encoder, row *procmon.TreeRow, p *procmon.Process, io rates) {
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
	writeNumber(e, "read_rate", io.read)
	writeNumber(e, "write_rate", io.write)
	e.ObjEnd()
}

// rates are in bytes per second.
type rates struct{ read, write procmon.Opt[float64] }

// transferRates returns for each process of s what it read and wrote per second since
// previous. A process that started since is measured from its start, as procmon.CPUPercent
// does. A counter that is unknown or has shrunk gives no rate.
func transferRates(previous, s *procmon.Snapshot) []rates {
	out := make([]rates, len(s.Processes))
	if previous == nil {
		return out
	}
	seconds := s.Timestamp.Sub(previous.Timestamp).Seconds()
	if seconds <= 0 {
		return out
	}
	before := previous.ByID()
	for i := range s.Processes {
		p := &s.Processes[i]
		if !p.StartTime.Known {
			continue // the pid alone may be somebody else's
		}
		var read, write procmon.Opt[uint64]
		if j, ok := before[p.ID()]; ok {
			read, write = previous.Processes[j].ReadBytes, previous.Processes[j].WriteBytes
		} else if !p.StartTime.Value.Before(previous.Timestamp) {
			read, write = procmon.Some(uint64(0)), procmon.Some(uint64(0))
		}
		out[i] = rates{rate(read, p.ReadBytes, seconds), rate(write, p.WriteBytes, seconds)}
	}
	return out
}

func rate(before, now procmon.Opt[uint64], seconds float64) procmon.Opt[float64] {
	if !before.Known || !now.Known || now.Value < before.Value {
		return procmon.Opt[float64]{}
	}
	return procmon.Some(float64(now.Value-before.Value) / seconds)
}
