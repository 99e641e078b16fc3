package codec

import (
	"encoding/binary"
	"fmt"
	stdtime "time"

	"github.com/procmon/procmon"
)

// encoder writes a record into buf. A text that came before is written as its number.
type encoder struct {
	buf   []byte
	texts map[string]uint64
	err   error

	// Scratch space.
	rows   []*procmon.Process
	differ []int
	from   []int
	pids   map[uint32]int
}

// Beyond these an encoder gives its memory back after one large snapshot.
const (
	keepBytes = 1 << 20
	keepTexts = 1 << 13
	keepRows  = 1 << 13
)

func newEncoder() *encoder {
	return &encoder{texts: make(map[string]uint64, 1024), pids: map[uint32]int{}}
}

// reset makes e ready for the next record; nothing of the last one is kept alive.
func (e *encoder) reset() {
	if cap(e.buf) > keepBytes || len(e.texts) > keepTexts || cap(e.rows) > keepRows || cap(e.from) > keepRows || len(e.pids) > keepRows {
		*e = *newEncoder()
		return
	}
	clear(e.rows[:cap(e.rows)])
	e.buf, e.rows, e.err = e.buf[:0], e.rows[:0], nil
	clear(e.texts)
}

func (e *encoder) byte(b byte)    { e.buf = append(e.buf, b) }
func (e *encoder) whole(v uint64) { e.buf = binary.AppendUvarint(e.buf, v) }
func (e *encoder) signed(v int64) { e.buf = binary.AppendVarint(e.buf, v) }
func (e *encoder) fixed(v uint64) { e.buf = binary.LittleEndian.AppendUint64(e.buf, v) }
func (e *encoder) instant(t time) { e.fixed(uint64(e.nanoseconds(t))) }

func (e *encoder) truth(v bool) {
	if v {
		e.byte(1)
		return
	}
	e.byte(0)
}

// fail keeps the first error.
func (e *encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
}

func (e *encoder) count(n int, isNil bool) {
	if isNil {
		e.whole(0)
		return
	}
	e.whole(uint64(n) + 1)
}

// maxShared is the length in bytes up to which a text is numbered. Longer ones are command
// lines, of which most are there once; zstd finds the others.
const maxShared = 48

// text writes the number of an earlier text, from 1, or 0, the length and the text.
func (e *encoder) text(s string) {
	if len(s) <= maxShared {
		if n, ok := e.texts[s]; ok {
			e.whole(n)
			return
		}
		e.texts[s] = uint64(len(e.texts)) + 1
	}
	e.whole(0)
	e.whole(uint64(len(s)))
	e.buf = append(e.buf, s...)
}

// nanoseconds returns the Unix time of t. The range is that of int64, less some years.
func (e *encoder) nanoseconds(t time) int64 {
	if y := t.Year(); y < 1680 || y > 2260 {
		e.fail("the time %s is not between the years 1680 and 2260", t.Format(stdtime.RFC3339))
		return 0
	}
	return t.UnixNano()
}

// decoder reads data. After the first error everything that it reads is zero.
type decoder struct {
	data  []byte
	text  string // the same bytes; what is cut from it needs no allocation
	at    int
	texts []string
	err   error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

// whole reads a number of at most limit.
func (d *decoder) whole(limit uint64) uint64 {
	if d.err != nil {
		return 0
	}
	v, n := binary.Uvarint(d.data[d.at:])
	if n <= 0 || v > limit {
		d.fail("a number is cut short or larger than %d", limit)
		return 0
	}
	d.at += n
	return v
}

func (d *decoder) signed() int64 {
	if d.err != nil {
		return 0
	}
	v, n := binary.Varint(d.data[d.at:])
	if n <= 0 {
		d.fail("a number is cut short")
		return 0
	}
	d.at += n
	return v
}

func (d *decoder) fixed() uint64 {
	b := d.bytes(8)
	if d.err != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

func (d *decoder) truth() bool { return d.whole(1) == 1 }

func (d *decoder) instant() time { return fromUnixNano(int64(d.fixed())) }

func fromUnixNano(ns int64) time { return stdtime.Unix(0, ns).UTC() }

// end is the error of the decoder, or that not all was read.
func (d *decoder) end() error {
	if d.at != len(d.data) {
		d.fail("%d bytes follow after the snapshot", len(d.data)-d.at)
	}
	return d.err
}

// bytes returns the next n bytes of data, without copying.
func (d *decoder) bytes(n uint64) []byte {
	if d.err != nil {
		return nil
	}
	if n > uint64(len(d.data)-d.at) {
		d.fail("%d bytes are missing", n-uint64(len(d.data)-d.at))
		return nil
	}
	b := d.data[d.at:][:n]
	d.at += int(n)
	return b
}

// count reads what encoder.count wrote; known is false for nil.
func (d *decoder) count(limit int) (n int, known bool) {
	v := d.whole(uint64(limit) + 1)
	return int(v) - 1, v > 0
}

func (d *decoder) string() string {
	ref := d.whole(uint64(len(d.texts)))
	if d.err != nil {
		return ""
	}
	if ref > 0 {
		return d.texts[ref-1]
	}
	length := d.whole(uint64(len(d.data)))
	start := d.at
	d.bytes(length)
	if d.err != nil {
		return ""
	}
	s := d.text[start:d.at]
	if len(s) <= maxShared {
		d.texts = append(d.texts, s)
	}
	return s
}
