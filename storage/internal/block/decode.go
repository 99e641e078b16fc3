package block

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/procmon/procmon"
)

// A Block is an encoded block, read piece by piece as it is asked for. It is for one
// goroutine at a time, and keeps value, which must not change.
type Block struct {
	z     *Compressor
	parts [sections]stored

	times  []int64
	nrows  int
	host   []byte
	orders []byte
	events []byte

	words, lines *texts
	rows         []Row
	activity     *activity
	series       [columns]*column
}

// A Row is one process of a block.
type Row struct {
	ID         procmon.ProcessID
	StartKnown bool
	runs       []run
}

// identify fills in of p who the process is.
func (r *Row) identify(p *procmon.Process) {
	p.PID = r.ID.PID
	if r.StartKnown {
		p.StartTime = procmon.Some(nanoTime(r.ID.Start))
	}
}

// First and Last return the steps in which the process is first and last.
func (r *Row) First() int { return r.runs[0].from }
func (r *Row) Last() int  { return r.runs[len(r.runs)-1].to - 1 }

// In reports whether the process is in that step.
func (r *Row) In(step int) bool {
	_, in := r.run(step)
	return in
}

// Stays calls f with the steps from which on, and before which, the process is there without a
// break.
func (r *Row) Stays(f func(from, to int)) {
	for _, run := range r.runs {
		f(run.from, run.to)
	}
}

// run returns since when the process has been there without a break, if it is in that step.
func (r *Row) run(step int) (from int, in bool) {
	for _, run := range r.runs {
		if step < run.to {
			return run.from, step >= run.from
		}
	}
	return 0, false
}

// activity says when rows changed after their first step: of row i from[i]:from[i+1].
type activity struct {
	from   []int
	steps  []int32
	masks  []uint64
	counts [][columns]int32 // of row i, the changes in each column
}

// column is one column of all rows. Its numbers are differences, but of CPU use.
type column struct {
	first  []uint64
	data   []byte   // what the numbers are in
	packed []packed // of the rows that change
	at     []int32  // of row i, the index in packed if it changes; nil if none does
}

// take takes in a number of a column.
func (now *codes) take(c int, number uint64) {
	if c == colCPU {
		now[c] = number
	} else {
		now[c] += number
	}
}

// Open reads the head and the times of a block that Encode made, and checks the sums of all that
// is in it: what is asked of a block afterwards is answered whole, or it is not there at all.
func Open(value []byte, z *Compressor) (*Block, error) {
	parts, err := open(value)
	if err != nil {
		return nil, err
	}
	b := &Block{z: z, parts: parts}
	for i := range parts {
		if !parts[i].sound() {
			return nil, damaged(i, errors.New("its checksum is wrong"))
		}
	}
	return b, b.section(sectionMeta, b.readMeta)
}

var sectionNames = [...]string{"times", "words", "lines", "rows", "activity"}

// section reads one section with fn, which must read all of it.
func (b *Block) section(i int, fn func(*reader)) error {
	data, err := b.z.read(&b.parts[i])
	if err == nil {
		r := reader{bytes: data}
		fn(&r)
		err = r.end()
	}
	if err == nil {
		return nil
	}
	return damaged(i, err)
}

// damaged says that section i is.
func damaged(i int, err error) error {
	if i < len(sectionNames) {
		return fmt.Errorf("the section of %s is damaged: %w", sectionNames[i], err)
	}
	return fmt.Errorf("the section of column %d is damaged: %w", i-sectionColumns, err)
}

func (b *Block) readMeta(r *reader) {
	n := r.counted(MaxSteps)
	b.nrows = int(r.uvarint(MaxRows))
	if r.err == nil && n == 0 {
		r.fail(errors.New("it has no snapshot"))
	}
	at := int64(r.uint64())
	unit := int64(r.uvarint(math.MaxInt64))
	if r.err != nil {
		return
	}
	b.times = make([]int64, n)
	step := int64(0)
	for i := range b.times {
		if i > 0 {
			step += r.varint() * unit
			at += step
			if step <= 0 && r.err == nil {
				r.fail(errors.New("its times do not ascend"))
			}
		}
		b.times[i] = at
	}
	b.host = r.take(r.uvarint(maxSection))
	b.orders = r.take(r.uvarint(maxSection))
	b.events = r.take(r.uvarint(maxSection))
}

// Size returns about how many bytes b takes when all of it was read.
func (b *Block) Size() int {
	size := 0
	for i := range b.parts {
		size += len(b.parts[i].data) + 3*b.parts[i].size
	}
	return size
}

// Times returns the timestamps of the snapshots, in Unix nanoseconds, ascending. They are
// not the caller's to change.
func (b *Block) Times() []int64 { return b.times }

// At returns the last step that is not later than that time, or -1.
func (b *Block) At(nanos int64) int {
	i, found := slices.BinarySearch(b.times, nanos)
	if !found {
		i--
	}
	return i
}

func readTexts(r *reader) *texts {
	n := r.counted(maxTexts)
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = int(r.uvarint(maxSection))
	}
	t := &texts{list: make([]string, 1, n+1)}
	all := string(r.bytes)
	for _, size := range sizes {
		if size > len(all) {
			r.fail(errCut)
			return t
		}
		t.list, all = append(t.list, all[:size]), all[size:]
	}
	if len(all) == 0 {
		r.bytes = nil
	}
	return t
}

// Words returns the texts of the section that has names, users and services, among others.
func (b *Block) readWords() (err error) {
	if b.words == nil {
		err = b.section(sectionWords, func(r *reader) { b.words = readTexts(r) })
	}
	return err
}

func (b *Block) readLines() (err error) {
	if b.lines == nil {
		err = b.section(sectionLines, func(r *reader) { b.lines = readTexts(r) })
	}
	return err
}

// Rows returns the processes. They are not the caller's to change.
func (b *Block) Rows() ([]Row, error) {
	if b.rows != nil {
		return b.rows, nil
	}
	err := b.section(sectionRows, func(r *reader) {
		rows := b.readRows(r)
		if r.err == nil {
			r.fail(b.readActivity(rows))
		}
		for c := firstStatic; c < columns && r.err == nil; c++ {
			b.series[c] = b.readColumn(r, c)
		}
		b.rows = rows
	})
	if err != nil {
		b.rows = nil
	}
	return b.rows, err
}

func (b *Block) readRows(r *reader) []Row {
	if b.nrows > len(r.bytes) {
		r.fail(errCut)
		return nil
	}
	rows := make([]Row, b.nrows)
	pid := int64(0)
	for i := range rows {
		pid += r.varint()
		if pid < 0 || pid > math.MaxUint32 {
			r.fail(errRange)
			return nil
		}
		rows[i] = Row{ID: procmon.ProcessID{PID: uint32(pid)}, StartKnown: true}
	}
	at := 0
	for range r.counted(len(rows)) {
		at += int(r.uvarint(uint64(len(rows))))
		if at >= len(rows) {
			r.fail(errRange)
			return nil
		}
		rows[at].StartKnown = false
		at++
	}
	unit := r.byte()
	if int(unit) >= len(units) {
		r.fail(errRange)
		return nil
	}
	start := int64(0)
	for i := range rows {
		if rows[i].StartKnown {
			start += r.varint()
			rows[i].ID.Start = start * units[unit]
		}
	}
	from, steps := 0, len(b.times)
	for i := range rows {
		from += int(r.uvarint(uint64(steps)))
		more := r.counted(steps)
		if r.err != nil {
			return nil
		}
		runs := make([]run, 0, more+1)
		at := from
		for j := range more + 1 {
			if j > 0 {
				at += int(r.uvarint(uint64(steps))) + 1
			}
			to := steps
			if v := int(r.uvarint(uint64(steps))); j < more {
				to = at + v + 1
			} else {
				to -= v
			}
			if r.err == nil && (to <= at || to > steps) {
				r.fail(errRange)
			}
			if r.err != nil {
				return nil
			}
			runs = append(runs, run{at, to})
			at = to
		}
		rows[i].runs = runs
	}
	return rows
}

func (b *Block) readActivity(rows []Row) error {
	return b.section(sectionActivity, func(r *reader) {
		if b.nrows > len(r.bytes) {
			r.fail(errCut)
			return
		}
		a := &activity{from: make([]int, b.nrows+1), counts: make([][columns]int32, b.nrows)}
		for i := range b.nrows {
			a.from[i+1] = a.from[i] + int(r.uvarint(uint64(len(b.times))))
		}
		n := a.from[b.nrows]
		if n > len(r.bytes)/3 {
			r.fail(errCut)
			return
		}
		a.steps, a.masks = make([]int32, n), make([]uint64, n)
		for i := range rows {
			at := rows[i].First()
			for j := a.from[i]; j < a.from[i+1]; j++ {
				if at += 1 + int(r.uvarint(uint64(len(b.times)))); at >= len(b.times) {
					r.fail(errRange)
					return
				}
				a.steps[j] = int32(at)
			}
		}
		masks := r.take(uint64(n))
		for i := range rows {
			for j := a.from[i]; j < a.from[i+1]; j++ {
				a.masks[j] = r.uvarint(1<<(columns-8)-1) << 8
				if r.err != nil {
					return
				}
				a.masks[j] |= uint64(masks[j])
				for m := a.masks[j]; m != 0; m &= m - 1 {
					a.counts[i][bits.TrailingZeros64(m)]++
				}
			}
		}
		b.activity = a
	})
}

// readColumn reads the first values of all rows, and where the numbers of each are.
func (b *Block) readColumn(r *reader, c int) *column {
	if b.nrows > len(r.bytes) {
		r.fail(errCut)
		return nil
	}
	col := &column{first: make([]uint64, b.nrows)}
	for i := range col.first {
		col.first[i] = r.uvarint(math.MaxUint64)
	}
	var ofWidth [65]int // numbers
	low := 0
	for i := range b.nrows {
		n := int(b.activity.counts[i][c])
		if n == 0 {
			continue
		}
		if col.at == nil {
			col.at = make([]int32, b.nrows)
		}
		col.at[i] = int32(len(col.packed))
		p := packed{divisor: int64(r.uvarint(math.MaxInt64)), least: r.varint(), width: int(r.byte()), low: 8 * low}
		if p.width > 64 {
			r.fail(errRange)
		}
		if r.err != nil {
			return nil
		}
		low += p.lowSize(n)
		p.high = ofWidth[p.width] // and what stands before those of the width
		ofWidth[p.width] += n
		col.packed = append(col.packed, p)
	}
	before := low
	for width := 1; width < len(ofWidth); width++ {
		n := ofWidth[width]
		ofWidth[width] = before
		before += n
	}
	for i := range col.packed {
		p := &col.packed[i]
		p.high += ofWidth[p.width]
	}
	col.data = r.take(uint64(before))
	return col
}

// column returns a column; the rows were read.
func (b *Block) column(c int) (*column, error) {
	if b.series[c] == nil {
		err := b.section(sectionColumns+c, func(r *reader) { b.series[c] = b.readColumn(r, c) })
		if err != nil {
			b.series[c] = nil
			return nil, err
		}
	}
	return b.series[c], nil
}

// orderOf returns the rows of the last step up to the given one of which the order is
// written down, in that order, and that step; nil if there is none.
func (b *Block) orderOf(step int) (list []int, since int, err error) {
	r := reader{bytes: b.orders}
	for at := 0; len(r.bytes) > 0; {
		at += int(r.uvarint(uint64(len(b.times))))
		n := r.counted(b.nrows)
		if at > step || r.err != nil {
			break
		}
		list, since = make([]int, n), at
		expected := int64(0)
		for i := range list {
			expected += r.varint()
			if expected < 0 || expected >= int64(b.nrows) {
				r.fail(errRange)
				return nil, 0, r.err
			}
			list[i] = int(expected)
			expected++
		}
	}
	return list, since, r.err
}

// Check returns the first record of a block, or what is wrong with it, after reading every
// section.
func Check(value []byte, z *Compressor) (first procmon.Record, err error) {
	b, err := Open(value, z)
	if err != nil {
		return first, err
	}
	return b.Snapshot(0)
}
