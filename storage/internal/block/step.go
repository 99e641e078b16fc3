package block

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// A step is what one snapshot adds to a builder, so that it can be made durable before there
// is a block: all numbers are varints, unsigned where they cannot be negative.
//
//	the time since the step before, or since 1970, in nanoseconds
//	the words that are new, and the lines: how many, and each with its length
//	the mask of what is new of the host, and the differences
//	of the rows that were in the step before, how many are not in this, and the gaps between them
//	how many rows are new; of each its pid, 1 if its start is known, and that
//	how many rows are back, and the gaps between them
//	how many rows have changes; of each the gap, its mask and the differences
//	0, or 1 more than the number of rows, and their order as differences from the expected
//	the events, to the end

// extent is how much there was before a step.
type extent struct{ words, lines, rows, host, orders, events int }

func (b *Builder) extent() extent {
	return extent{len(b.texts.words.list), len(b.texts.lines.list), len(b.rows), len(b.host.log.bytes), len(b.orders), len(b.events.bytes)}
}

// appendStep appends the last step, which began at before, and makes b.now the rows in it.
func (b *Builder) appendStep(out []byte, before extent) []byte {
	step := len(b.times) - 1
	last := int64(0)
	if step > 0 {
		last = b.times[step-1]
	}
	out = binary.AppendVarint(out, b.times[step]-last)
	out = appendTexts(out, b.texts.words.list[before.words:])
	out = appendTexts(out, b.texts.lines.list[before.lines:])
	out = appendChange(out, b.host.log.bytes[before.host:])

	ended, stayed := b.now, make([]*row, 0, len(b.seen))
	var gone gaps
	for i, w := range ended {
		if w.present(step) {
			stayed = append(stayed, w)
		} else {
			gone.add(i)
			w.given = given{} // it would keep its whole snapshot in memory
		}
	}
	out = gone.append(out)
	out = binary.AppendUvarint(out, uint64(len(b.rows)-before.rows))
	for _, w := range b.rows[before.rows:] {
		out = binary.AppendUvarint(out, uint64(w.pid))
		if w.startKnown {
			out = append(out, 1)
			out = binary.AppendVarint(out, w.start-b.times[step])
		} else {
			out = append(out, 0)
		}
	}
	back := make([]int, 0, 8)
	for _, w := range b.seen {
		if w.index < before.rows && w.runs[len(w.runs)-1].from == step {
			back = append(back, w.index)
			stayed = append(stayed, w)
		}
	}
	slices.Sort(back)
	var returned gaps
	for _, index := range back {
		returned.add(index)
	}
	out = returned.append(out)
	if len(back) > 0 {
		slices.SortFunc(stayed, func(v, w *row) int { return v.index - w.index })
	}
	b.now = append(stayed, b.rows[before.rows:]...)

	var changed gaps
	var changes []byte
	for i, w := range b.now {
		if log := w.log.bytes[w.mark:]; len(log) > 0 {
			changes = binary.AppendUvarint(changes, uint64(changed.gap(i)))
			changes = appendChange(changes, log)
		}
	}
	out = binary.AppendUvarint(out, uint64(changed.n))
	out = append(out, changes...)
	if len(b.orders) == before.orders {
		out = append(out, 0)
	} else {
		out = b.orders[before.orders].append(binary.AppendUvarint(out, uint64(len(b.seen)+1)))
	}
	return append(out, b.events.bytes[before.events:]...)
}

func appendTexts(out []byte, list []string) []byte {
	out = binary.AppendUvarint(out, uint64(len(list)))
	for _, s := range list {
		out = binary.AppendUvarint(out, uint64(len(s)))
		out = append(out, s...)
	}
	return out
}

// appendChange appends one change of a log, or none, without its gap.
func appendChange(out, log []byte) []byte {
	if len(log) == 0 {
		return append(out, 0)
	}
	_, n := binary.Uvarint(log)
	return append(out, log[n:]...)
}

func (o *order) append(out []byte) []byte {
	expected := 0
	for _, w := range o.rows {
		out = binary.AppendVarint(out, int64(w.index-expected))
		expected = w.index + 1
	}
	return out
}

// gaps writes ascending indices as what lies between them.
type gaps struct {
	n, next int
	bytes   []byte
}

func (g *gaps) gap(i int) int {
	gap := i - g.next
	g.n, g.next = g.n+1, i+1
	return gap
}

func (g *gaps) add(i int) { g.bytes = binary.AppendUvarint(g.bytes, uint64(g.gap(i))) }

func (g *gaps) append(out []byte) []byte {
	return append(binary.AppendUvarint(out, uint64(g.n)), g.bytes...)
}

// Replay takes in a step that Add of a builder in the same state wrote. After an error the
// builder is not to be used any more.
func (b *Builder) Replay(data []byte) error {
	r := reader{bytes: data}
	step, last := len(b.times), int64(0)
	if step > 0 {
		last = b.times[step-1]
	}
	at := last + r.varint()
	if r.err == nil && step > 0 && at <= last || step >= MaxSteps {
		r.fail(errRange)
	}
	b.times = append(b.times, at)
	b.texts.words.replay(&r)
	b.texts.lines.replay(&r)
	b.host.log.replay(&r, step, b.host.last[:])

	gone := r.gaps(len(b.now))
	for _, i := range gone {
		b.now[i] = nil
	}
	now := make([]*row, 0, len(b.now)+8)
	for _, w := range b.now {
		if w != nil {
			now = append(now, w)
		}
	}
	came := b.replayRows(&r, step, at)
	back := r.gaps(len(b.rows) - len(came))
	for _, i := range back {
		now = append(now, b.rows[i])
	}
	if len(back) > 0 {
		slices.SortFunc(now, func(v, w *row) int { return v.index - w.index })
	}
	now = append(now, came...)
	for _, w := range now {
		if w.present(step) {
			r.fail(errRange) // it is there twice
		}
		if r.err != nil {
			return r.err
		}
		w.mark = len(w.log.bytes)
		w.stay(step)
	}
	b.now = now
	n, i := r.counted(len(now)), -1
	for range n {
		if r.err != nil {
			return r.err
		}
		if i += 1 + int(r.uvarint(math.MaxInt32)); r.err != nil || i >= len(now) {
			r.fail(errRange)
			return r.err
		}
		now[i].log.replay(&r, step, now[i].last[:])
		b.size += len(now[i].log.bytes) - now[i].mark
	}
	if r.err != nil {
		return r.err
	}
	b.replayOrder(&r, step)
	b.replayEvents(&r, step)
	return r.end()
}

func (t *texts) replay(r *reader) {
	for range r.counted(maxTexts - len(t.list)) {
		s := string(r.take(r.uvarint(maxSection)))
		if _, known := t.index[s]; known || r.err != nil {
			r.fail(errText)
			return
		}
		t.index[s] = uint64(len(t.list))
		t.list = append(t.list, s)
		t.size += len(s)
	}
}

// replay reads one change, or none, of a row that is last so far.
func (l *changeLog) replay(r *reader, step int, last []uint64) {
	mask := r.uvarint(1<<len(last) - 1)
	if mask == 0 {
		return
	}
	l.note(step, mask)
	l.bytes = binary.AppendUvarint(l.bytes, uint64(step-l.active))
	l.bytes = binary.AppendUvarint(l.bytes, mask)
	for m := mask; m != 0; m &= m - 1 {
		d := r.varint()
		l.bytes = binary.AppendVarint(l.bytes, d)
		last[bits.TrailingZeros64(m)] += uint64(d)
	}
	l.active = step
}

// gaps reads ascending indices below n.
func (r *reader) gaps(n int) []int {
	var list []int
	next := 0
	for range r.counted(n) {
		next += int(r.uvarint(math.MaxInt32))
		if next >= n {
			r.fail(errRange)
			return nil
		}
		list = append(list, next)
		next++
	}
	return list
}

func (b *Builder) replayRows(r *reader, step int, at int64) (came []*row) {
	for range r.counted(MaxRows - len(b.rows)) {
		w := &row{index: len(b.rows), pid: uint32(r.uvarint(math.MaxUint32)), log: changeLog{active: step}}
		if w.startKnown = r.byte() != 0; w.startKnown {
			w.start = at + r.varint()
		}
		if r.err != nil {
			break
		}
		w.older, b.live[w.pid] = b.live[w.pid], w
		b.rows, came = append(b.rows, w), append(came, w)
	}
	return came
}

func (b *Builder) replayOrder(r *reader, step int) {
	n := r.counted(len(b.now) + 1)
	if n == 0 {
		if b.order != nil {
			b.seen = append(b.seen[:0], b.now...)
			b.order = b.expectedOrder(step)
		}
		return
	}
	if n != len(b.now)+1 {
		r.fail(errRange)
		return
	}
	rows := make([]*row, n-1)
	expected := int64(0)
	for i := range rows {
		expected += r.varint()
		if expected < 0 || expected >= int64(len(b.rows)) || !b.rows[expected].present(step) {
			r.fail(errRange)
			return
		}
		rows[i] = b.rows[expected]
		expected++
	}
	b.order = slices.Clone(rows)
	b.orders = append(b.orders, order{step, rows})
	b.size += 8 * len(rows)
}

// replayEvents takes in the events, which were checked when they were added, and are checked
// when they are read.
func (b *Builder) replayEvents(r *reader, step int) {
	if len(r.bytes) == 0 {
		return
	}
	b.events.bytes = append(b.events.bytes, r.bytes...)
	b.events.step = step
	r.bytes = nil
}
