package block

import (
	"cmp"
	"fmt"
	"math/bits"

	"github.com/procmon/procmon"
)

// Hosts implements Segment.
func (b *Block) Hosts(f func(step int, s *procmon.System) error) error {
	if err := b.readWords(); err != nil {
		return err
	}
	return hosts(b.host, len(b.times), b.words, f)
}

// hosts goes through the changes of a host.
func hosts(log []byte, steps int, words *texts, f func(step int, s *procmon.System) error) error {
	var now hostCodes
	var r procmon.Record
	tell := func(step int) error {
		r.Snapshot = &procmon.Snapshot{}
		if err := now.decodeSystem(&r.Snapshot.System, words); err != nil {
			return err
		}
		return f(step, &r.Snapshot.System)
	}
	l := reader{bytes: log}
	at := 0
	if len(log) == 0 {
		return tell(0)
	}
	for first := true; len(l.bytes) > 0; first = false {
		gap := int(l.uvarint(uint64(steps)))
		mask := l.uvarint(1<<hostColumns - 1)
		if at += gap; l.err == nil && at >= steps {
			l.fail(errRange)
		}
		if first && at > 0 && l.err == nil {
			if err := tell(0); err != nil {
				return err
			}
		}
		for ; mask != 0; mask &= mask - 1 {
			now[bits.TrailingZeros64(mask)] += uint64(l.varint())
		}
		if l.err != nil {
			return l.err
		}
		if err := tell(at); err != nil {
			return err
		}
	}
	return l.err
}

// Events implements Segment.
func (b *Block) Events(f func(step int, events []procmon.Event) error) error {
	if len(b.events) == 0 {
		return nil
	}
	if err := cmp.Or(b.readWords(), b.readLines()); err != nil {
		return err
	}
	d := dictionaries{b.words, b.lines}
	return d.eachEvent(b.events, b.times, f)
}

// AnyWord implements Segment.
func (b *Block) AnyWord(match func(string) bool) (bool, error) {
	if err := b.readWords(); err != nil {
		return false, err
	}
	return b.words.any(match), nil
}

// AnyLine implements Segment.
func (b *Block) AnyLine(match func(string) bool) (bool, error) {
	if err := b.readLines(); err != nil {
		return false, err
	}
	return b.lines.any(match), nil
}

// Facts implements Segment.
func (b *Block) Facts(i int, lines bool, f func(step int, p *procmon.Process) error) error {
	if err := b.readWords(); err != nil {
		return err
	}
	mask, texts := staticWords, (*texts)(nil)
	if lines {
		if err := b.readLines(); err != nil {
			return err
		}
		mask, texts = staticWords|staticLines, b.lines
	}
	return b.walk(i, mask, func(step int, p *procmon.Process, now *codes) error {
		if err := now.facts(p, b.words, texts); err != nil {
			return fmt.Errorf("process %d: %w", p.PID, err)
		}
		return f(step, p)
	})
}

// Walk implements Segment.
func (b *Block) Walk(i int, chosen Columns, f func(step int, p *procmon.Process)) error {
	return b.walk(i, uint64(chosen&Numbers)|always, func(step int, p *procmon.Process, now *codes) error {
		now.numbers(p, chosen)
		f(step, p)
		return nil
	})
}

// walk calls f with what the columns of mask are of process i at its first step, and at every
// step at which one of them changes.
func (b *Block) walk(i int, mask uint64, f func(step int, p *procmon.Process, now *codes) error) error {
	rows, err := b.Rows()
	if err != nil {
		return err
	}
	var now codes
	var numbers [columns]packed
	for m := mask; m != 0; m &= m - 1 {
		c := bits.TrailingZeros64(m)
		col, err := b.column(c)
		if err != nil {
			return err
		}
		now[c] = col.first[i]
		if b.activity.counts[i][c] > 0 {
			numbers[c] = col.packed[col.at[i]]
		}
	}
	var p procmon.Process
	rows[i].identify(&p)
	if err := f(rows[i].First(), &p, &now); err != nil {
		return err
	}
	a := b.activity
	for j := a.from[i]; j < a.from[i+1]; j++ {
		m := a.masks[j] & mask
		if m == 0 {
			continue
		}
		for ; m != 0; m &= m - 1 {
			c := bits.TrailingZeros64(m)
			now.take(c, uint64(numbers[c].next(b.series[c].data)))
		}
		if err := f(int(a.steps[j]), &p, &now); err != nil {
			return err
		}
	}
	return nil
}
