package webui

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

// writeDelta writes a TreeDelta, or as much of it as somebody waits for.
func (t *hostTree) writeDelta(ctx context.Context, e *jx.Encoder, before *hostTree, next time.Time) {
	e.ObjStart()
	writeText(e, "from", before.id)
	t.writeHead(e, next)
	e.FieldStart("rows")
	e.ArrStart()
	type pair struct{ now, before int }
	var changed []pair
	first, count := 0, 0 // rows of before that follow one another
	flush := func() {
		if count > 0 {
			e.ArrStart()
			e.Int(first)
			e.Int(count)
			e.ArrEnd()
		}
		count = 0
	}
	old := rowFinder{of: before}
	for i := range t.rows {
		if i%ofRows == 0 && ctx.Err() != nil {
			return
		}
		j, stays := old.find(t.identity(i))
		if !stays {
			flush()
			t.writeRow(e, i, -1)
			continue
		}
		if count == 0 || j != first+count {
			flush()
			first = j
		}
		count++
		if !t.sameRow(i, before, j) {
			changed = append(changed, pair{i, j})
		}
	}
	flush()
	e.ArrEnd()
	e.FieldStart("changes")
	e.ObjStart()
	for n, at := range changed {
		if n%ofRows == 0 && ctx.Err() != nil {
			return
		}
		e.FieldStart(strconv.Itoa(at.now))
		e.ObjStart()
		now, was := t.process(at.now), before.process(at.before)
		now.EncodeChanges(e, &was)
		writeDerivedChanges(e, t.derived(at.now), before.derived(at.before))
		e.ObjEnd()
	}
	e.ObjEnd()
	e.ObjEnd()
}

// sameRow reports whether two rows are written alike, but for their parent. Most rows are the same
// whatever CPU use their hosts have told, which is not what is written.
func (t *hostTree) sameRow(i int, before *hostTree, j int) bool {
	if t.derived(i) != before.derived(j) || finite(t.rows[i].CPU) != finite(before.rows[j].CPU) {
		return false
	}
	now, was := &t.view.Snapshot.Processes[t.rows[i].Process], &before.view.Snapshot.Processes[before.rows[j].Process]
	if now.Same(was) {
		return true
	}
	p, q := t.process(i), before.process(j)
	return p.Same(&q)
}

func writeDerivedChanges(e *jx.Encoder, now, was derived) {
	writeIntChange(e, "depth", now.depth, was.depth)
	writeIntChange(e, "children", now.children, was.children)
	writeIntChange(e, "descendants", now.descendants, was.descendants)
	writeNumberChange(e, "tree_cpu", now.treeCPU, was.treeCPU)
	writeNumberChange(e, "tree_memory", now.treeMemory, was.treeMemory)
	writeNumberChange(e, "read_rate", now.readRate, was.readRate)
	writeNumberChange(e, "write_rate", now.write, was.write)
}

func writeIntChange(e *jx.Encoder, name string, now, was int) {
	if now != was {
		writeInt(e, name, now)
	}
}

func writeNumberChange(e *jx.Encoder, name string, now, was procmon.Opt[float64]) {
	switch {
	case now == was:
	case now.Known:
		writeNumber(e, name, now)
	default:
		e.FieldStart(name)
		e.Null()
	}
}

// rowFinder finds the rows of processes that are looked for in about the order in which they
// stand in a tree: mostly without an index.
type rowFinder struct {
	of   *hostTree
	next int // the row after the last one that was found
	byID map[procmon.ProcessID]int
}

func (f *rowFinder) find(id procmon.ProcessID) (int, bool) {
	const far = 3 // as many as may have ended in one place
	for i := f.next; i < min(f.next+far, len(f.of.rows)); i++ {
		if f.of.identity(i) == id {
			f.next = i + 1
			return i, true
		}
	}
	if f.byID == nil {
		f.byID = make(map[procmon.ProcessID]int, len(f.of.rows))
		for i := range f.of.rows {
			f.byID[f.of.identity(i)] = i
		}
	}
	i, ok := f.byID[id]
	if ok {
		f.next = i + 1
	}
	return i, ok
}

// deltas keeps the last one that was asked for: many who follow a host ask for the same.
type deltas struct {
	mu   sync.Mutex
	from string // the id of a tree, and its previous
	json []byte
}

// since returns a TreeDelta.
func (t *hostTree) since(before *hostTree) []byte {
	d := &t.deltas
	d.mu.Lock()
	defer d.mu.Unlock()
	if from := before.id + " " + before.previous; d.json == nil || d.from != from {
		var e jx.Encoder
		t.writeDelta(context.Background(), &e, before, time.Time{})
		d.from, d.json = from, e.Bytes()
	}
	return d.json
}

// is reports whether t is the tree that somebody holds, by its id and, where that is told, its
// previous: the rates of another would be others.
func (t *hostTree) is(id, previous string) bool {
	return t.id == id && (previous == "" || t.previous == previous)
}

// known returns the tree of a host that somebody holds, or nil if it is not known any more.
func (s *Server) known(ctx context.Context, host, id, previous string) *hostTree {
	if t := s.trees.find(id, previous); t != nil {
		return t
	}
	text, ok := strings.CutPrefix(id, procmon.HostKey(host)+"@")
	if !ok {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || at.Before(earliest()) || !at.Before(latest()) {
		return nil
	}
	view, err := s.store.At(ctx, host, at)
	if err != nil || idOf(&view) != id {
		return nil
	}
	t := newHostTree(view)
	if !t.is(id, previous) {
		return nil
	}
	return t
}

// recentTrees are those of the past that were answered last: who goes through time asks next for
// what differs from one of them.
type recentTrees struct {
	mu    sync.Mutex
	trees []*hostTree // the one that was used last at the end
}

// maxRecent is how many processes recentTrees holds, of about 600 bytes each.
const maxRecent = 40_000

// find returns the tree that somebody holds, or nil.
func (r *recentTrees) find(id, previous string) *hostTree {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range slices.Backward(r.trees) {
		if t := r.trees[i]; t.is(id, previous) {
			r.trees = append(slices.Delete(r.trees, i, i+1), t)
			return t
		}
	}
	return nil
}

func (r *recentTrees) add(t *hostTree) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trees = slices.DeleteFunc(r.trees, func(o *hostTree) bool { return o.id == t.id && o.previous == t.previous })
	r.trees = append(r.trees, t)
	most, n := maxRecent, len(r.trees)
	for n > 0 && most >= len(r.trees[n-1].rows)+1 {
		n--
		most -= len(r.trees[n].rows) + 1
	}
	r.trees = slices.Delete(r.trees, 0, n)
}
