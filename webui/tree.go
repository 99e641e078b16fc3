package webui

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

func (s *Server) getTree(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "at", "offset", "have", "previous", "limit", "open")
	if err != nil {
		return err
	}
	most, err := topOf(query)
	if err != nil {
		return err
	}
	ctx := r.Context()
	view, next, err := s.find(r, query)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err // somebody who goes through time is at another instant already
	}
	now := newHostTree(view)
	var before *hostTree
	if query.Has("have") {
		before = s.known(ctx, view.Host, query.Get("have"), query.Get("previous"))
	}
	if query.Has("have") || query.Has("at") {
		s.trees.add(now)
	}
	if before == nil {
		writeParts(w, func(e *jx.Encoder, part func()) { now.write(ctx, e, next, now.top(most), part) })
		return nil
	}
	var e jx.Encoder // what differs is little
	now.writeDelta(ctx, &e, before, next)
	if err := ctx.Err(); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(append(e.Bytes(), '\n'))
	return nil
}

// A top says how much of a tree somebody wants to see of it first.
type top struct {
	rows int    // 0 for all
	open string // which of its rows are open
}

const (
	// usuallyOpen is how many processes a tree may have to begin with all of it open.
	usuallyOpen = 1000
	// mostRows bounds what top.rows can be.
	mostRows = 100_000
)

func topOf(query url.Values) (top, error) {
	rows, err := whole(query, "limit", 0, 1, mostRows)
	if err != nil {
		return top{}, err
	}
	open, err := choice(query, "open", "auto", "all", "roots", "none")
	switch {
	case err != nil:
		return top{}, err
	case query.Has("open") && rows == 0:
		return top{}, badParameter("open", "makes no sense without limit")
	case query.Has("have") && rows > 0:
		return top{}, badParameter("limit", "not allowed with have, as what differs is told of whole trees")
	}
	return top{rows, open}, nil
}

// top returns which rows stand at the top of a tree, each after its parent; nil for all of them.
func (t *hostTree) top(most top) []int {
	if most.rows == 0 || len(t.rows) <= most.rows {
		return nil
	}
	deepest := math.MaxInt
	switch {
	case most.open == "none":
		deepest = 0
	case most.open == "roots", most.open == "auto" && len(t.rows) > usuallyOpen:
		deepest = 1
	}
	rows := make([]int, 0, most.rows)
	for i := 0; i < len(t.rows) && len(rows) < most.rows; i++ {
		if t.rows[i].Depth <= deepest {
			rows = append(rows, i)
		}
	}
	return rows
}

// hostTree is the tree of a host in one snapshot. It is never changed, but for the delta that it
// keeps.
type hostTree struct {
	id       string
	previous string       // instant of the snapshot before; empty if there is none
	view     procmon.View // of what Previous holds, the time alone
	rows     []procmon.TreeRow
	io       []procmon.Rates // by process

	deltas deltas
}

func newHostTree(v procmon.View) *hostTree {
	t := &hostTree{id: idOf(&v), previous: previousOf(&v), view: v}
	t.rows = procmon.Tree(v.Snapshot, procmon.CPUPercent(v.Previous.Counters(), v.Snapshot))
	t.io = procmon.IORates(v.Previous, v.Snapshot)
	if v.Previous != nil {
		t.view.Previous = &procmon.Snapshot{Timestamp: v.Previous.Timestamp}
	}
	return t
}

func idOf(v *procmon.View) string { return procmon.SnapshotID(v.Host, v.Snapshot.Timestamp) }

func previousOf(v *procmon.View) string {
	if v.Previous == nil {
		return ""
	}
	return v.Previous.Timestamp.UTC().Format(time.RFC3339Nano)
}

// of reports whether t is the tree of v.
func (t *hostTree) of(v *procmon.View) bool {
	return t.view.Stale == v.Stale && t.id == idOf(v) && t.previous == previousOf(v)
}

// same reports whether both say the same.
func (t *hostTree) same(o *hostTree) bool { return t.of(&o.view) }

// process returns that of a row, with its use of CPU over the interval that ended there.
func (t *hostTree) process(row int) procmon.Process {
	p := t.view.Snapshot.Processes[t.rows[row].Process]
	p.CPU = finite(t.rows[row].CPU)
	return p
}

// identity returns that of the process of a row.
func (t *hostTree) identity(row int) procmon.ProcessID {
	return t.view.Snapshot.Processes[t.rows[row].Process].ID()
}

// derived are the figures of a row that are not the process's own.
func (t *hostTree) derived(row int) derived {
	of := &t.rows[row]
	io := t.io[of.Process]
	return derived{of.Depth, of.Children, of.Descendants, finite(of.TreeCPU), finite(of.TreeMemory), finite(io.Read), finite(io.Write)}
}

type derived struct {
	depth, children, descendants         int
	treeCPU, treeMemory, readRate, write procmon.Opt[float64]
}

// ofRows is how many rows are written until it is looked whether anybody waits for them still.
const ofRows = 256

// write writes the whole tree, or only some of its rows, or as much as somebody waits for. next is
// when the snapshot after it was made; the zero time if there is none. It calls part after some rows.
func (t *hostTree) write(ctx context.Context, e *jx.Encoder, next time.Time, only []int, part func()) {
	e.ObjStart()
	t.writeHead(e, next)
	if only != nil {
		writeInt(e, "processes", len(t.rows))
	}
	e.FieldStart("rows")
	e.ArrStart()
	count := len(t.rows)
	if only != nil {
		count = len(only)
	}
	for i := range count {
		if i%ofRows == 0 {
			if ctx.Err() != nil {
				return
			}
			part()
		}
		row, parent := i, t.rows[i].Parent
		if only != nil {
			row = only[i]
			parent = placeOf(only, t.rows[row].Parent)
		}
		t.writeRow(e, row, parent)
	}
	e.ArrEnd()
	e.ObjEnd()
}

// placeOf returns where a row stands among those of top; -1 if it does not.
func placeOf(rows []int, row int) int {
	place, found := slices.BinarySearch(rows, row)
	if !found {
		return -1
	}
	return place
}

func (t *hostTree) bytes() []byte {
	var e jx.Encoder
	t.write(context.Background(), &e, time.Time{}, nil, func() {})
	return e.Bytes()
}

// writeHead writes the fields of a tree that stand before its rows.
func (t *hostTree) writeHead(e *jx.Encoder, next time.Time) {
	v := &t.view
	writeFound(e, v, next)
	writeText(e, "hostname", v.Snapshot.Hostname)
	writeInstant(e, "timestamp", v.Snapshot.Timestamp)
	e.FieldStart("system")
	v.Snapshot.System.Encode(e)
}

func (t *hostTree) writeRow(e *jx.Encoder, row, parent int) {
	e.ObjStart()
	p := t.process(row)
	p.EncodeFields(e)
	if parent >= 0 {
		writeInt(e, "parent", parent)
	}
	d := t.derived(row)
	writeInt(e, "depth", d.depth)
	writeInt(e, "children", d.children)
	writeInt(e, "descendants", d.descendants)
	writeNumber(e, "tree_cpu", d.treeCPU)
	writeNumber(e, "tree_memory", d.treeMemory)
	writeNumber(e, "read_rate", d.readRate)
	writeNumber(e, "write_rate", d.write)
	e.ObjEnd()
}
