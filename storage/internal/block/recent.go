package block

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/procmon/procmon"
)

// Times returns the timestamps of the snapshots, in Unix nanoseconds, ascending. They are
// not the caller's to change.
func (b *Builder) Times() []int64 { return b.times }

// Snapshot returns the record of a step as it was added. It shares its texts with b.
func (b *Builder) Snapshot(step int) (procmon.Record, error) {
	r := procmon.Record{Snapshot: &procmon.Snapshot{Timestamp: nanoTime(b.times[step])}}
	host := hostCodes{}
	b.host.log.upTo(step, 0, host[:], nil)
	if host[hostNoList] == 0 {
		r.Snapshot.Processes = []procmon.Process{}
	}
	if err := host.decode(&r, b.texts.words); err != nil {
		return r, err
	}
	rows := b.rowsAt(step)
	if len(rows) > 0 {
		r.Snapshot.Processes = make([]procmon.Process, len(rows))
	}
	for i, w := range rows {
		at := moment{before: step > 0 && w.in(step-1)}
		if at.before {
			at.between = b.times[step] - b.times[step-1]
		}
		w.codesAt(step, &at)
		p := &r.Snapshot.Processes[i]
		p.PID = w.pid
		if w.startKnown {
			p.StartTime = procmon.Some(nanoTime(w.start))
		}
		if err := b.texts.process(p, &at); err != nil {
			return r, err
		}
	}
	var err error
	r.Snapshot.Events, err = b.texts.events(b.events.bytes, b.times, step)
	return r, err
}

// rowsAt returns the rows of a step in the order of its processes.
func (b *Builder) rowsAt(step int) []*row {
	if step == len(b.times)-1 {
		if b.order != nil {
			return b.order
		}
		rows := slices.Clone(b.now)
		slices.SortFunc(rows, func(v, w *row) int { return cmp.Compare(v.pid, w.pid) })
		return rows
	}
	var explicit *order
	for i := range b.orders {
		if b.orders[i].step <= step {
			explicit = &b.orders[i]
		}
	}
	type place struct {
		from, rank int
		row        *row
	}
	var ranks []int // by row
	if explicit != nil {
		ranks = make([]int, len(b.rows))
		for i, w := range explicit.rows {
			ranks[w.index] = i
		}
	}
	places := make([]place, 0, len(b.now)+8)
	for _, w := range b.rows {
		from, in := w.run(step)
		switch {
		case !in:
		case explicit == nil:
			places = append(places, place{0, int(w.pid), w})
		case from <= explicit.step:
			places = append(places, place{explicit.step, ranks[w.index], w})
		default:
			places = append(places, place{from, w.index, w})
		}
	}
	slices.SortFunc(places, func(v, w place) int { return cmp.Or(cmp.Compare(v.from, w.from), cmp.Compare(v.rank, w.rank)) })
	rows := make([]*row, len(places))
	for i, p := range places {
		rows[i] = p.row
	}
	return rows
}

func (r *row) run(step int) (from int, in bool) {
	for _, run := range r.runs {
		if step < run.to {
			return run.from, step >= run.from
		}
	}
	return 0, false
}

func (r *row) in(step int) bool {
	_, in := r.run(step)
	return in
}

// codesAt fills in what the row is in a step.
func (r *row) codesAt(step int, at *moment) {
	l := &r.log
	at.now = r.last
	n := 0
	for ; n < min(l.changes, len(l.ends)) && l.ends[n].step > step; n++ {
		l.undo(n, &at.now)
	}
	if n == len(l.ends) && l.changes > n { // one more might have to be undone
		at.now, at.last = codes{}, codes{}
		l.upTo(step, r.runs[0].from, at.now[:], at.last[:])
		return
	}
	at.last = at.now
	if n < min(l.changes, len(l.ends)) && l.ends[n].step == step {
		l.undo(n, &at.last)
	}
}

// undo takes one of the last changes out of what the row was after it.
func (l *changeLog) undo(n int, now *codes) {
	lr := logReader{bytes: l.bytes[l.ends[n].at:]}
	lr.next()
	lr.each(func(c int, d int64) { now[c] -= uint64(d) })
}

// upTo adds all changes up to a step to codes; before, if it is not nil, gets those of the
// step before. The log begins at from.
func (l *changeLog) upTo(step, from int, codes, before []uint64) {
	lr := logReader{bytes: l.bytes}
	changed := false
	for at := from; lr.next(); {
		if at += lr.gap; at > step {
			break
		}
		if at == step && before != nil {
			copy(before, codes)
			changed = true
		}
		for m := lr.mask; m != 0; m &= m - 1 {
			codes[bits.TrailingZeros64(m)] += uint64(unzigzag(lr.uvarint()))
		}
	}
	if before != nil && !changed {
		copy(before, codes)
	}
}

// Rows implements Segment.
func (b *Builder) Rows() ([]Row, error) {
	rows := make([]Row, len(b.rows))
	for i, w := range b.rows {
		rows[i] = Row{ID: procmon.ProcessID{PID: w.pid}, StartKnown: w.startKnown, runs: w.runs}
		if w.startKnown {
			rows[i].ID.Start = w.start
		}
	}
	return rows, nil
}

// Hosts implements Segment.
func (b *Builder) Hosts(f func(step int, s *procmon.System) error) error {
	return hosts(b.host.log.bytes, len(b.times), b.texts.words, f)
}

// Events implements Segment.
func (b *Builder) Events(f func(step int, events []procmon.Event) error) error {
	return b.texts.eachEvent(b.events.bytes, b.times, f)
}

// AnyWord implements Segment.
func (b *Builder) AnyWord(match func(string) bool) (bool, error) {
	return b.texts.words.any(match), nil
}

// AnyLine implements Segment.
func (b *Builder) AnyLine(match func(string) bool) (bool, error) {
	return b.texts.lines.any(match), nil
}

// Facts implements Segment.
func (b *Builder) Facts(i int, lines bool, f func(step int, p *procmon.Process) error) error {
	mask, texts := staticWords, (*texts)(nil)
	if lines {
		mask, texts = staticWords|staticLines, b.texts.lines
	}
	return b.rows[i].walk(mask, func(step int, p *procmon.Process, now *codes) error {
		if err := now.facts(p, b.texts.words, texts); err != nil {
			return err
		}
		return f(step, p)
	})
}

// Walk implements Segment.
func (b *Builder) Walk(i int, chosen Columns, f func(step int, p *procmon.Process)) error {
	return b.rows[i].walk(uint64(chosen&Numbers)|always, func(step int, p *procmon.Process, now *codes) error {
		now.numbers(p, chosen)
		f(step, p)
		return nil
	})
}

// walk is that of a Block.
func (r *row) walk(mask uint64, f func(step int, p *procmon.Process, now *codes) error) error {
	p := procmon.Process{PID: r.pid}
	if r.startKnown {
		p.StartTime = procmon.Some(nanoTime(r.start))
	}
	at := r.runs[0].from
	if r.log.later&mask == 0 {
		now := r.last
		return f(at, &p, &now)
	}
	var now codes
	told := false
	for lr := (logReader{bytes: r.log.bytes}); lr.next(); {
		if !told && lr.gap > 0 { // it began with nothing
			if err := f(at, &p, &now); err != nil {
				return err
			}
			told = true
		}
		at += lr.gap
		for m := lr.mask; m != 0; m &= m - 1 {
			now[bits.TrailingZeros64(m)] += uint64(unzigzag(lr.uvarint()))
		}
		if told && lr.mask&mask == 0 {
			continue
		}
		told = true
		if err := f(at, &p, &now); err != nil {
			return err
		}
	}
	if !told {
		return f(at, &p, &now)
	}
	return nil
}
