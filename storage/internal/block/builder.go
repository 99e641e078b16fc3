package block

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/procmon/procmon"
)

// A Builder takes in the snapshots of one host, oldest first, and makes a block of them. It
// holds on to the texts of the last one that it was given, and to nothing else of it.
type Builder struct {
	times  []int64 // Unix nanoseconds
	host   hostRow
	rows   []*row
	live   map[uint32]*row // by pid: who came last of those who had it
	now    []*row          // those in the last step, by index
	order  []*row          // those in the order of the last step; nil while it is that of the pids
	orders []order
	seen   []*row // those of the last snapshot that was added, as they stood there
	spare  []*row // scratch: what will be seen
	events eventLog
	texts  dictionaries
	size   int // bytes of all logs of rows
}

// order is the order of the processes in a step where it is not the expected one: that of
// the pids before the first of them, then that of the step before, with new ones at the end.
type order struct {
	step int
	rows []*row
}

// NewBuilder returns an empty builder.
func NewBuilder() *Builder {
	return &Builder{live: map[uint32]*row{}, texts: dictionaries{newTexts(), newTexts()}}
}

// Len returns how many snapshots were added.
func (b *Builder) Len() int { return len(b.times) }

// Last returns the timestamp of the last snapshot in Unix nanoseconds. There must be one.
func (b *Builder) Last() int64 { return b.times[len(b.times)-1] }

// Size returns about how many bytes the builder holds.
func (b *Builder) Size() int {
	const perRow, perText = 464, 80 // bytes: struct, map and slice headers
	texts := b.texts.words.size + b.texts.lines.size + perText*(len(b.texts.words.list)+len(b.texts.lines.list))
	return b.size + len(b.rows)*perRow + texts + len(b.events.bytes) + 8*len(b.times)
}

// Full reports whether there is no room for r, whatever is in it.
func (b *Builder) Full(r procmon.Record) bool {
	return len(b.times) >= MaxSteps || len(b.rows)+len(r.Snapshot.Processes) > MaxRows ||
		len(b.texts.words.list)+len(b.texts.lines.list) > maxTexts/2
}

// Add takes in r, which must be later than the snapshot before, and appends to dst what
// Replay needs to take it in, too. After an error the builder is as it was.
func (b *Builder) Add(dst []byte, r procmon.Record) ([]byte, error) {
	s := r.Snapshot
	at := s.Timestamp.UnixNano()
	if err := b.check(s, at); err != nil {
		return dst, err
	}
	step, between := len(b.times), int64(0)
	if step > 0 {
		between = at - b.times[step-1]
	}
	b.times = append(b.times, at)
	before := b.extent()
	b.host.add(step, r, b.texts.words)
	seen, next := b.spare[:0], 0
	for i := range s.Processes {
		p := &s.Processes[i]
		w := b.seenAt(p, &next)
		if w == nil {
			w = b.row(p, step)
		}
		now := encode(p, w, &b.texts, step > 0 && w.present(step-1), between)
		w.add(step, &now)
		w.given = given{p.Name, p.Username.Value, p.Cmdline.Value, p.Exe.Value}
		b.size += len(w.log.bytes) - w.mark
		seen = append(seen, w)
	}
	b.seen, b.spare = seen, b.seen
	b.keepOrder(step)
	b.events.add(step, s, &b.texts)
	return b.appendStep(dst, before), nil
}

func (b *Builder) check(s *procmon.Snapshot, at int64) error {
	switch {
	case b.Full(procmon.Record{Snapshot: s}):
		return errTooLarge
	case len(b.times) > 0 && at <= b.Last():
		return errors.New("a snapshot is not later than the one before")
	case len(s.Processes) > MaxProcesses:
		return fmt.Errorf("the snapshot has %d processes; at most %d are allowed", len(s.Processes), MaxProcesses)
	}
	ascending := true
	for i := 1; i < len(s.Processes) && ascending; i++ {
		ascending = s.Processes[i-1].PID < s.Processes[i].PID
	}
	if ascending {
		return nil
	}
	pids := make([]uint32, len(s.Processes))
	for i := range s.Processes {
		pids[i] = s.Processes[i].PID
	}
	slices.Sort(pids)
	if len(slices.Compact(pids)) != len(s.Processes) {
		return errors.New("the snapshot has a pid twice")
	}
	return nil
}

// keepOrder notes the order of the rows that were seen in a step, unless it is expected.
func (b *Builder) keepOrder(step int) {
	if b.order == nil {
		if slices.IsSortedFunc(b.seen, func(v, w *row) int { return cmp.Compare(v.pid, w.pid) }) {
			return
		}
	} else if slices.Equal(b.expectedOrder(step), b.seen) {
		b.order = append(b.order[:0], b.seen...)
		return
	}
	b.order = append(b.order[:0], b.seen...)
	b.orders = append(b.orders, order{step, slices.Clone(b.seen)})
	b.size += 8 * len(b.seen)
}

func (b *Builder) expectedOrder(step int) []*row {
	expected := make([]*row, 0, len(b.seen))
	for _, w := range b.order {
		if w.present(step) {
			expected = append(expected, w)
		}
	}
	came := len(expected)
	for _, w := range b.seen {
		if w.runs[len(w.runs)-1].from == step {
			expected = append(expected, w)
		}
	}
	slices.SortFunc(expected[came:], func(v, w *row) int { return cmp.Compare(v.index, w.index) })
	return expected
}

// seenAt returns the row of p if that is the next one in the last snapshot, or soon follows; most
// processes keep their places. next is where to look, and becomes the place after it.
func (b *Builder) seenAt(p *procmon.Process, next *int) *row {
	const far = 3 // as many as may have ended in one place
	for i := *next; i < min(*next+far, len(b.seen)); i++ {
		if w := b.seen[i]; w.pid == p.PID && w.is(p) {
			*next = i + 1
			return w
		}
	}
	return nil
}

// row returns the row of p, a new one if it is new.
func (b *Builder) row(p *procmon.Process, step int) *row {
	for w := b.live[p.PID]; w != nil; w = w.older {
		if w.is(p) {
			return w
		}
	}
	w := &row{index: len(b.rows), pid: p.PID, startKnown: p.StartTime.Known, log: changeLog{active: step}, older: b.live[p.PID]}
	if w.startKnown {
		w.start = p.StartTime.Value.UnixNano()
	}
	b.rows = append(b.rows, w)
	b.live[p.PID] = w
	return w
}
