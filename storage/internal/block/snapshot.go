package block

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/procmon/procmon"
)

// Snapshot returns the record of a step as it was added. It shares its texts with b.
func (b *Block) Snapshot(step int) (procmon.Record, error) {
	r := procmon.Record{Snapshot: &procmon.Snapshot{Timestamp: nanoTime(b.times[step])}}
	if err := b.readAll(); err != nil {
		return r, err
	}
	if err := b.hostAt(step, &r); err != nil {
		return r, fmt.Errorf("the host in the section of times: %w", err)
	}
	present, err := b.presentAt(step)
	if err != nil {
		return r, err
	}
	if r.Snapshot.Processes != nil {
		r.Snapshot.Processes = make([]procmon.Process, len(present))
	} else if len(present) > 0 {
		return r, errors.New("processes where there is no list of them")
	}
	texts := dictionaries{b.words, b.lines}
	for n, i := range present {
		row := &b.rows[i]
		at := moment{before: step > 0 && row.In(step-1)}
		at.now, at.last = b.codesAt(i, step)
		if at.before {
			at.between = b.times[step] - b.times[step-1]
		}
		p := &r.Snapshot.Processes[n]
		row.identify(p)
		if err := texts.process(p, &at); err != nil {
			return r, fmt.Errorf("process %d: %w", row.ID.PID, err)
		}
	}
	r.Snapshot.Events, err = texts.events(b.events, b.times, step)
	return r, err
}

// readAll reads every section.
func (b *Block) readAll() error {
	if err := b.readWords(); err != nil {
		return err
	}
	if err := b.readLines(); err != nil {
		return err
	}
	if _, err := b.Rows(); err != nil {
		return err
	}
	for c := range firstStatic {
		if _, err := b.column(c); err != nil {
			return err
		}
	}
	return nil
}

// hostAt fills in what r says beside its processes; these are an empty list, or none.
func (b *Block) hostAt(step int, r *procmon.Record) error {
	var now hostCodes
	l := reader{bytes: b.host}
	for at := 0; len(l.bytes) > 0; {
		at += int(l.uvarint(uint64(len(b.times))))
		mask := l.uvarint(1<<hostColumns - 1)
		if at > step || l.err != nil {
			break
		}
		for ; mask != 0; mask &= mask - 1 {
			now[bits.TrailingZeros64(mask)] += uint64(l.varint())
		}
	}
	if l.err != nil {
		return l.err
	}
	if now[hostNoList] == 0 {
		r.Snapshot.Processes = []procmon.Process{}
	}
	return now.decode(r, b.words)
}

// presentAt returns the rows that are in a step, in the order of its processes.
func (b *Block) presentAt(step int) ([]int, error) {
	explicit, since, err := b.orderOf(step)
	if err != nil {
		return nil, fmt.Errorf("the orders in the section of times: %w", err)
	}
	type place struct{ from, rank, row int }
	places := make([]place, 0, 256)
	var ranks []int
	if explicit != nil {
		ranks = make([]int, len(b.rows))
		for i, row := range explicit {
			ranks[row] = i
		}
	}
	for i := range b.rows {
		from, in := b.rows[i].run(step)
		switch {
		case !in:
		case explicit == nil:
			places = append(places, place{0, int(b.rows[i].ID.PID), i})
		case from <= since:
			places = append(places, place{since, ranks[i], i})
		default:
			places = append(places, place{from, i, i})
		}
	}
	slices.SortFunc(places, func(v, w place) int { return cmp.Or(cmp.Compare(v.from, w.from), cmp.Compare(v.rank, w.rank)) })
	present := make([]int, len(places))
	for i, p := range places {
		present[i] = p.row
	}
	return present, nil
}

// codesAt returns the codes of a row in a step, and those of the step before if the row is in
// that.
func (b *Block) codesAt(i, step int) (now, last codes) {
	var numbers [columns]packed
	counts := &b.activity.counts[i]
	for c := range now {
		col := b.series[c]
		now[c] = col.first[i]
		if counts[c] > 0 {
			numbers[c] = col.packed[col.at[i]]
		}
	}
	changed := false
	a := b.activity
	for j := a.from[i]; j < a.from[i+1] && int(a.steps[j]) <= step; j++ {
		if int(a.steps[j]) == step {
			last, changed = now, true
		}
		for m := a.masks[j]; m != 0; m &= m - 1 {
			c := bits.TrailingZeros64(m)
			now.take(c, uint64(numbers[c].next(b.series[c].data)))
		}
	}
	if !changed {
		last = now
	}
	return now, last
}
