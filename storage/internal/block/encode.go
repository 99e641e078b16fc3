package block

import (
	"encoding/binary"
	"math/bits"
)

// The sections of a block, in the order in which they stand.
const (
	sectionMeta     = iota // times, the host, orders, events
	sectionWords           // names, users and the like
	sectionLines           // command lines and paths
	sectionRows            // the processes, with the columns that hardly ever change
	sectionActivity        // when processes changed, and in which columns
	sectionColumns         // one for each column before firstStatic
	sections        = sectionColumns + firstStatic
)

// Encode returns the block of all snapshots that were added, of which there must be one. The
// builder can go on.
func (b *Builder) Encode(z *Compressor) []byte {
	var parts [sections]part
	parts[sectionMeta].bytes = b.meta()
	parts[sectionWords].bytes = b.texts.words.encode()
	parts[sectionLines].bytes = b.texts.lines.encode()
	b.encodeRows(&parts)
	return z.seal(&parts)
}

// meta is, of uvarints where nothing else is said: the numbers of steps and rows; the first
// time, 8 bytes, and the differences of the differences of the others, as varints in units
// of the number before them; and three texts of bytes with their length: the changes of the
// host, the orders, the events.
func (b *Builder) meta() []byte {
	var m []byte
	m = binary.AppendUvarint(m, uint64(len(b.times)))
	m = binary.AppendUvarint(m, uint64(len(b.rows)))
	m = appendTimes(m, b.times)
	var orders []byte
	before := 0
	for _, o := range b.orders {
		orders = binary.AppendUvarint(orders, uint64(o.step-before))
		before = o.step
		orders = o.append(binary.AppendUvarint(orders, uint64(len(o.rows))))
	}
	for _, part := range [...][]byte{b.host.log.bytes, orders, b.events.bytes} {
		m = binary.AppendUvarint(m, uint64(len(part)))
		m = append(m, part...)
	}
	return m
}

func appendTimes(m []byte, times []int64) []byte {
	m = binary.LittleEndian.AppendUint64(m, uint64(times[0]))
	seconds := make([]int64, 0, len(times)) // differences of differences
	last := int64(0)
	for i := 1; i < len(times); i++ {
		d := times[i] - times[i-1]
		seconds = append(seconds, d-last)
		last = d
	}
	unit := divisor(seconds)
	m = binary.AppendUvarint(m, unit)
	for _, d := range seconds {
		m = binary.AppendVarint(m, d/int64(unit))
	}
	return m
}

// divisor returns the greatest number that divides all; 1 if there is none but zeros.
func divisor(list []int64) uint64 {
	g := uint64(0)
	for _, v := range list {
		a := magnitude(v)
		for a != 0 {
			g, a = a, g%a
		}
		if g == 1 {
			break
		}
	}
	return max(g, 1)
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// encode returns the number of texts without the empty one, the length of each and then all.
func (t *texts) encode() []byte {
	out := make([]byte, 0, t.size+4*len(t.list))
	out = binary.AppendUvarint(out, uint64(len(t.list)-1))
	for _, s := range t.list[1:] {
		out = binary.AppendUvarint(out, uint64(len(s)))
	}
	for _, s := range t.list[1:] {
		out = append(out, s...)
	}
	return out
}

// units of time that clocks tick in, in nanoseconds: s, Linux' 10 ms, ms, Windows' 100 ns.
var units = [...]int64{1e9, 1e7, 1e6, 100, 1}

func (b *Builder) encodeRows(parts *[sections]part) {
	var counts, gaps, masks, others []byte
	var firsts [columns][]byte
	var packers [columns]packer
	var numbers [columns][]int64
	for _, w := range b.rows {
		for c := range numbers {
			numbers[c] = numbers[c][:0]
		}
		first := codes{}
		cpu := uint64(0)
		n := 0
		l := logReader{bytes: w.log.bytes}
		for initial := true; l.next(); initial = false {
			if initial && l.gap == 0 {
				l.each(func(c int, d int64) { first[c] = uint64(d) })
				cpu = first[colCPU]
				continue
			}
			n++
			gaps = binary.AppendUvarint(gaps, uint64(l.gap-1))
			masks = append(masks, byte(l.mask))
			others = binary.AppendUvarint(others, l.mask>>8)
			l.each(func(c int, d int64) {
				if c == colCPU {
					cpu += uint64(d)
					d = int64(cpu)
				}
				numbers[c] = append(numbers[c], d)
			})
		}
		counts = binary.AppendUvarint(counts, uint64(n))
		for c := range numbers {
			firsts[c] = binary.AppendUvarint(firsts[c], first[c])
			if len(numbers[c]) > 0 {
				packers[c].add(numbers[c])
			}
		}
	}
	activity := &parts[sectionActivity]
	for _, list := range [...][]byte{counts, gaps, masks, others} {
		activity.bytes = append(activity.bytes, list...)
		activity.cut()
	}
	rows := part{bytes: b.appendRows(nil)}
	for c := range firsts {
		if c < firstStatic {
			parts[sectionColumns+c] = packers[c].appendTo(part{}, firsts[c])
		} else {
			rows = packers[c].appendTo(rows, firsts[c])
		}
	}
	rows.cuts = nil
	parts[sectionRows] = rows
}

// appendRows writes who the rows are and in which steps: for all, the pids as differences;
// the number of rows whose start is unknown and the gaps between them; a byte for the unit
// of the others' starts, and these as differences; and the runs.
func (b *Builder) appendRows(out []byte) []byte {
	last := int64(0)
	for _, w := range b.rows {
		out = binary.AppendVarint(out, int64(w.pid)-last)
		last = int64(w.pid)
	}
	var unknown []byte
	count, after := 0, 0
	for i, w := range b.rows {
		if !w.startKnown {
			unknown = binary.AppendUvarint(unknown, uint64(i-after))
			count, after = count+1, i+1
		}
	}
	out = append(binary.AppendUvarint(out, uint64(count)), unknown...)
	unit := 0
	for _, w := range b.rows {
		for w.startKnown && w.start%units[unit] != 0 {
			unit++
		}
	}
	out = append(out, byte(unit))
	last = 0
	for _, w := range b.rows {
		if w.startKnown {
			now := w.start / units[unit]
			out = binary.AppendVarint(out, now-last)
			last = now
		}
	}
	before := 0
	for _, w := range b.rows {
		out = binary.AppendUvarint(out, uint64(w.runs[0].from-before))
		before = w.runs[0].from
		out = binary.AppendUvarint(out, uint64(len(w.runs)-1))
		at := w.runs[0].from
		for i, r := range w.runs {
			if i > 0 {
				out = binary.AppendUvarint(out, uint64(r.from-at-1))
			}
			if i < len(w.runs)-1 {
				out = binary.AppendUvarint(out, uint64(r.to-r.from-1))
			} else {
				out = binary.AppendUvarint(out, uint64(len(b.times)-r.to))
			}
			at = r.to
		}
	}
	return out
}

// logReader goes through a changeLog that was made here.
type logReader struct {
	bytes []byte
	gap   int
	mask  uint64
}

func (l *logReader) uvarint() uint64 {
	v, n := binary.Uvarint(l.bytes)
	l.bytes = l.bytes[n:]
	return v
}

func (l *logReader) next() bool {
	if len(l.bytes) == 0 {
		return false
	}
	l.gap, l.mask = int(l.uvarint()), l.uvarint()
	return true
}

// each calls f with every difference of a change, once.
func (l *logReader) each(f func(c int, d int64)) {
	for m := l.mask; m != 0; m &= m - 1 {
		f(bits.TrailingZeros64(m), unzigzag(l.uvarint()))
	}
}
