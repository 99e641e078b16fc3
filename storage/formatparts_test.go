package storage_test

import (
	"math"
	"math/bits"
	"slices"

	"github.com/procmon/procmon"
)

// readPageRows reads who the rows are, and returns the stays of each: from a step on, and
// before another.
func readPageRows(s *page, g *pageSegment, rows, steps int) (stays [][][2]int) {
	pid := int64(0)
	for range rows {
		pid += s.varint()
		g.rows = append(g.rows, &pageRow{pid: uint32(pid), started: true})
	}
	at := -1
	for range s.uvarint() {
		at += int(s.uvarint()) + 1
		g.rows[at].started = false
	}
	unit := []int64{1e9, 1e7, 1e6, 100, 1}[s.byte()]
	start := int64(0)
	for _, r := range g.rows {
		if r.started {
			start += s.varint()
			r.start = start * unit
		}
	}
	first := 0
	for range rows {
		first += int(s.uvarint())
		back := int(s.uvarint())
		var list [][2]int
		from := first
		for i := range back + 1 {
			if i > 0 {
				from = list[i-1][1] + int(s.uvarint()) + 1
			}
			n := int(s.uvarint())
			to := from + n + 1
			if i == back {
				to = steps - n
			}
			list = append(list, [2]int{from, to})
		}
		stays = append(stays, list)
	}
	return stays
}

type pageChange struct {
	step int
	mask uint64
}

func readPageActivity(s *page, stays [][][2]int) [][]pageChange {
	all := make([][]pageChange, len(stays))
	each := func(fn func(row int, c *pageChange)) {
		for i := range all {
			for j := range all[i] {
				fn(i, &all[i][j])
			}
		}
	}
	for i := range all {
		all[i] = make([]pageChange, s.uvarint())
	}
	last, of := 0, -1
	each(func(row int, c *pageChange) {
		if row != of {
			last, of = stays[row][0][0], row
		}
		last += int(s.uvarint()) + 1
		c.step = last
	})
	each(func(_ int, c *pageChange) { c.mask = uint64(s.byte()) })
	each(func(_ int, c *pageChange) { c.mask += s.uvarint() * 256 })
	return all
}

// readPageColumn returns the values of each row: the first one, and one for each change of the
// column.
func readPageColumn(s *page, column int, changes [][]pageChange) [][]uint64 {
	values := make([][]uint64, len(changes))
	for i := range values {
		values[i] = []uint64{s.uvarint()}
	}
	type packed struct {
		row, n int
		d      uint64
		least  int64
		width  int
		low    []uint64
		high   []uint64
	}
	var all []*packed
	for i, list := range changes {
		n := 0
		for _, c := range list {
			n += int(c.mask >> column & 1)
		}
		if n > 0 {
			all = append(all, &packed{row: i, n: n, d: s.uvarint(), least: s.varint(), width: int(s.byte()), low: make([]uint64, n), high: make([]uint64, n)})
		}
	}
	for _, p := range all {
		if p.width <= 8 {
			continue
		}
		w := p.width - 8
		data := s.take(uint64((p.n*w + 7) / 8))
		for i := range p.n * w {
			p.low[i/w] |= uint64(data[i/8]>>(i%8)&1) << (i % w)
		}
	}
	for w := 1; w <= 64; w++ {
		for _, p := range all {
			for i := range p.high {
				if p.width == w {
					p.high[i] = uint64(s.byte())
				}
			}
		}
	}
	for _, p := range all {
		for i := range p.n {
			n := p.high[i]<<max(p.width-8, 0) | p.low[i]
			v := (n + uint64(p.least)) * p.d
			if column != 7 {
				v += values[p.row][i]
			}
			values[p.row] = append(values[p.row], v)
		}
	}
	return values
}

// pageSegment is a segment, or a block, up to a step.
type pageSegment struct {
	times        []int64
	words, lines []string
	host         [19]uint64
	rows         []*pageRow
	present      []int // rows in the last step, by number
	order        []int // and in their order
	ordered      bool  // there was an order
	listed       int   // the last step with events
}

type pageRow struct {
	pid     uint32
	started bool
	start   int64
	now     [26]uint64
	last    [26]uint64 // in the step before
	seen    int        // one more than the last step that it is in
}

func newPageSegment() *pageSegment { return &pageSegment{words: []string{""}, lines: []string{""}} }

func (g *pageSegment) changeHost(p *page) {
	for m := p.uvarint(); m != 0; m &= m - 1 {
		g.host[bits.TrailingZeros64(m)] += uint64(p.varint())
	}
}

func (p *page) gaps() (places []int) {
	at := -1
	for range p.uvarint() {
		at += int(p.uvarint()) + 1
		places = append(places, at)
	}
	return places
}

func (p *page) rows(n int) (rows []int) {
	last := int64(-1)
	for range n {
		last += 1 + p.varint()
		rows = append(rows, int(last))
	}
	return rows
}

// step reads the next step.
func (g *pageSegment) step(p *page) procmon.Record {
	last := int64(0)
	if n := len(g.times); n > 0 {
		last = g.times[n-1]
	}
	at := last + p.varint()
	g.times = append(g.times, at)
	for _, texts := range []*[]string{&g.words, &g.lines} {
		for range p.uvarint() {
			*texts = append(*texts, string(p.text()))
		}
	}
	g.changeHost(p)
	gone := p.gaps()
	var present []int
	for place, i := range g.present {
		if !slices.Contains(gone, place) {
			present = append(present, i)
		}
	}
	older := len(g.rows)
	for range p.uvarint() {
		r := &pageRow{pid: uint32(p.uvarint())}
		if r.started = p.byte() == 1; r.started {
			r.start = at + p.varint()
		}
		present = append(present, len(g.rows))
		g.rows = append(g.rows, r)
	}
	for _, i := range p.gaps() {
		if i >= older {
			panic("a row that is back is new")
		}
		present = append(present, i)
	}
	slices.Sort(present)
	place := -1
	for range p.uvarint() {
		place += int(p.uvarint()) + 1
		for m := p.uvarint(); m != 0; m &= m - 1 {
			g.rows[present[place]].now[bits.TrailingZeros64(m)] += uint64(p.varint())
		}
	}
	var order []int
	if n := p.uvarint(); n > 0 {
		order = make([]int, 0, n)
		order = append(order, p.rows(int(n-1))...)
	}
	var events []procmon.Event
	step := len(g.times) - 1
	if len(p.b) > 0 {
		if g.listed += int(p.uvarint()); g.listed != step {
			panic("events of another step")
		}
		events = g.events(p, at)
	}
	if len(p.b) > 0 {
		panic("the step is longer than the page says")
	}
	return g.snapshot(step, present, order, events)
}

func (g *pageSegment) events(p *page, at int64) []procmon.Event {
	events := make([]procmon.Event, p.uvarint())
	for i := range events {
		e := &events[i]
		flags := p.byte()
		e.Kind = procmon.Started
		if flags&128 != 0 {
			e.Kind = procmon.Ended
		}
		e.Time = pageTime(at + p.varint())
		e.PID = uint32(p.uvarint())
		if flags&1 != 0 {
			e.PPID = procmon.Some(uint32(p.uvarint()))
		}
		if flags&2 != 0 {
			e.StartTime = procmon.Some(pageTime(at + p.varint()))
		}
		if flags&4 != 0 {
			e.Name = procmon.Some(g.words[p.uvarint()])
		}
		if flags&8 != 0 {
			e.Exe = procmon.Some(g.lines[p.uvarint()])
		}
		if flags&16 != 0 {
			e.Cmdline = procmon.Some(g.lines[p.uvarint()])
		}
		if flags&32 != 0 {
			e.Username = procmon.Some(g.words[p.uvarint()])
		}
		if flags&64 != 0 {
			e.ExitCode = procmon.Some(p.varint())
		}
	}
	return events
}

// snapshot puts together what g is in a step. order is nil if there is none.
func (g *pageSegment) snapshot(step int, present, order []int, events []procmon.Event) procmon.Record {
	was := func(i int) bool { return step > 0 && g.rows[i].seen == step }
	switch {
	case order != nil:
		g.ordered = true
	case g.ordered:
		for _, i := range g.order {
			if slices.Contains(present, i) {
				order = append(order, i)
			}
		}
		for _, i := range present {
			if !was(i) {
				order = append(order, i)
			}
		}
	default:
		order = slices.Clone(present)
		slices.SortFunc(order, func(a, b int) int { return int(int64(g.rows[a].pid) - int64(g.rows[b].pid)) })
	}
	g.present, g.order = present, order
	r := g.record(pageTime(g.times[step]))
	r.Snapshot.Events = events
	if g.host[16] == 0 {
		r.Snapshot.Processes = []procmon.Process{}
	}
	for _, i := range order {
		between := int64(0)
		if was(i) {
			between = g.times[step] - g.times[step-1]
		}
		r.Snapshot.Processes = append(r.Snapshot.Processes, g.process(g.rows[i], between))
	}
	for _, i := range present {
		g.rows[i].seen, g.rows[i].last = step+1, g.rows[i].now
	}
	return r
}

func pageFloat(known, raw uint64, c int, v uint64, unit float64) (f procmon.Opt[float64]) {
	switch {
	case known>>c&1 == 0:
		return f
	case raw>>c&1 != 0:
		return procmon.Some(math.Float64frombits(v))
	}
	return procmon.Some(float64(v) / unit)
}

func pageNumber[T uint32 | uint64](known uint64, c int, v uint64) (n procmon.Opt[T]) {
	if known>>c&1 == 0 {
		return n
	}
	return procmon.Some(T(v))
}

func pageText(known uint64, c int, texts []string, v uint64) (s procmon.Opt[string]) {
	if known>>c&1 == 0 {
		return s
	}
	return procmon.Some(texts[v])
}
