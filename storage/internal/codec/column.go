package codec

import (
	"math"
	stdtime "time"

	"github.com/procmon/procmon"
)

type time = stdtime.Time

// column writes one field of every row, and reads it into rows that are there already.
type column[T any] struct {
	encode func(*encoder, []*T)
	decode func(*decoder, []*T)
	same   func(a, b *T) bool // whether the field is stored the same, bit for bit
	clear  func(*T)           // makes it what decode expects to find
}

// A column of facts that may be unknown begins with what is known of it.
const (
	noneKnown = 0
	allKnown  = 1
	someKnown = 2 // a bitmap follows, least significant bit first
)

func encodeKnown[T, V any](e *encoder, rows []*T, at func(*T) *procmon.Opt[V]) (known int) {
	for i := range rows {
		if at(rows[i]).Known {
			known++
		}
	}
	switch known {
	case 0:
		e.byte(noneKnown)
	case len(rows):
		e.byte(allKnown)
	default:
		e.byte(someKnown)
		start := len(e.buf)
		e.buf = append(e.buf, make([]byte, (len(rows)+7)/8)...)
		for i := range rows {
			if at(rows[i]).Known {
				e.buf[start+i/8] |= 1 << (i % 8)
			}
		}
	}
	return known
}

// decodeKnown marks in rows what is known and returns how many that are.
func decodeKnown[T, V any](d *decoder, rows []*T, at func(*T) *procmon.Opt[V]) (known int) {
	switch kind := d.whole(someKnown); kind {
	case allKnown:
		for i := range rows {
			at(rows[i]).Known = true
		}
		return len(rows)
	case someKnown:
		bitmap := d.bytes(uint64(len(rows)+7) / 8)
		if d.err != nil {
			return 0
		}
		for i := range rows {
			if bitmap[i/8]&(1<<(i%8)) != 0 {
				at(rows[i]).Known = true
				known++
			}
		}
	}
	return known
}

func forget[T, V any](at func(*T) *procmon.Opt[V]) func(*T) {
	return func(row *T) { *at(row) = procmon.Opt[V]{} }
}

// optional is a column whose known values are written one after the other.
func optional[T any, V comparable](at func(*T) *procmon.Opt[V], write func(*encoder, V), read func(*decoder) V) column[T] {
	return column[T]{
		same:  func(a, b *T) bool { return *at(a) == *at(b) },
		clear: forget(at),
		encode: func(e *encoder, rows []*T) {
			if encodeKnown(e, rows, at) == 0 {
				return
			}
			for i := range rows {
				if v := at(rows[i]); v.Known {
					write(e, v.Value)
				}
			}
		},
		decode: func(d *decoder, rows []*T) {
			if decodeKnown(d, rows, at) == 0 {
				return
			}
			for i := range rows {
				if v := at(rows[i]); v.Known {
					v.Value = read(d)
				}
			}
		},
	}
}

func text[T any](at func(*T) *procmon.Opt[string]) column[T] {
	return optional(at, (*encoder).text, (*decoder).string)
}

func whole32[T any](at func(*T) *procmon.Opt[uint32]) column[T] {
	return optional(at,
		func(e *encoder, v uint32) { e.whole(uint64(v)) },
		func(d *decoder) uint32 { return uint32(d.whole(math.MaxUint32)) })
}

func whole64[T any](at func(*T) *procmon.Opt[uint64]) column[T] {
	return optional(at, (*encoder).whole, func(d *decoder) uint64 { return d.whole(math.MaxUint64) })
}

// scales are tried in turn for a column of floats: where every value is a whole number
// divided by the scale, bit for bit, the numbers are stored, which are much smaller.
// Seconds come in ticks of 1/64 (Windows), 1/100 (Linux) or 100 ns, memory in bytes per MiB.
var scales = [...]float64{1, 64, 100, 1 << 20, 1e4, 1e7}

// rawFloats says that no scale fits: 8 bytes a value, least significant first.
const rawFloats = uint64(len(scales))

// maxScaled bounds the whole numbers, so that float64 holds each exactly.
const maxScaled = 1 << 53

func unscale(v, scale float64) (n uint64, exact bool) {
	x := math.Round(v * scale)
	if !(x >= 0 && x < maxScaled) {
		return 0, false
	}
	n = uint64(x)
	return n, math.Float64bits(float64(n)/scale) == math.Float64bits(v)
}

func number[T any](at func(*T) *procmon.Opt[float64]) column[T] {
	fits := func(rows []*T, scale float64) bool {
		for i := range rows {
			if v := at(rows[i]); v.Known {
				if _, exact := unscale(v.Value, scale); !exact {
					return false
				}
			}
		}
		return true
	}
	encode := func(e *encoder, rows []*T) {
		if encodeKnown(e, rows, at) == 0 {
			return
		}
		kind := uint64(0)
		for kind < rawFloats && !fits(rows, scales[kind]) {
			kind++
		}
		e.whole(kind)
		for i := range rows {
			v := at(rows[i])
			switch {
			case !v.Known:
			case kind == rawFloats:
				e.fixed(math.Float64bits(v.Value))
			default:
				n, _ := unscale(v.Value, scales[kind])
				e.whole(n)
			}
		}
	}
	decode := func(d *decoder, rows []*T) {
		if decodeKnown(d, rows, at) == 0 {
			return
		}
		kind := d.whole(rawFloats)
		for i := range rows {
			v := at(rows[i])
			switch {
			case !v.Known:
			case kind == rawFloats:
				v.Value = math.Float64frombits(d.fixed())
			default:
				v.Value = float64(d.whole(maxScaled)) / scales[kind]
			}
		}
	}
	same := func(a, b *T) bool {
		v, w := at(a), at(b)
		return v.Known == w.Known && math.Float64bits(v.Value) == math.Float64bits(w.Value)
	}
	return column[T]{encode, decode, same, forget(at)}
}

// units of time that clocks tick in, in nanoseconds: s, Linux' 10 ms, ms, Windows' 100 ns.
var units = [...]int64{1e9, 1e7, 1e6, 100, 1}

// instant is a column of times: the differences from row to row in the largest unit that
// loses nothing.
func instant[T any](at func(*T) *procmon.Opt[time]) column[T] {
	return column[T]{
		same: func(a, b *T) bool {
			v, w := at(a), at(b)
			// Equal would go by the monotonic clock, which is not stored.
			return v.Known == w.Known && v.Value.Unix() == w.Value.Unix() && v.Value.Nanosecond() == w.Value.Nanosecond()
		},
		clear: forget(at),
		encode: func(e *encoder, rows []*T) {
			if encodeKnown(e, rows, at) == 0 {
				return
			}
			unit := 0
			for i := range rows {
				if v := at(rows[i]); v.Known {
					for ns := e.nanoseconds(v.Value); ns%units[unit] != 0; {
						unit++
					}
				}
			}
			e.whole(uint64(unit))
			last := int64(0)
			for i := range rows {
				if v := at(rows[i]); v.Known {
					now := v.Value.UnixNano() / units[unit]
					e.signed(now - last)
					last = now
				}
			}
		},
		decode: func(d *decoder, rows []*T) {
			if decodeKnown(d, rows, at) == 0 {
				return
			}
			unit := units[d.whole(uint64(len(units)-1))]
			last := int64(0)
			for i := range rows {
				if v := at(rows[i]); v.Known {
					last += d.signed()
					v.Value = fromUnixNano(last * unit)
				}
			}
		},
	}
}
