package procmon

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"
)

// A FieldError says which field of a payload is wrong, and what is allowed there.
type FieldError struct {
	Field   string // as "processes[3].pid"; empty when the whole payload is wrong
	Problem string
}

func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Problem
	}
	return e.Field + ": " + e.Problem
}

// field binds one JSON field to its place in T; the tables in json.go are the format.
type field[T any] struct {
	name     string
	required bool
	decode   func(*reader, *T) error
	encode   func(*jx.Encoder, *T)
	known    func(*T) bool      // whether encode writes something
	same     func(a, b *T) bool // whether it writes the same
}

// optional makes a field that is absent when unknown; null is read as absent too.
func optional[T any, V comparable](name string, at func(*T) *Opt[V], read func(*reader) (V, error), write func(*jx.Encoder, V)) field[T] {
	return field[T]{
		name: name,
		decode: func(d *reader, t *T) error {
			if d.Next() == jx.Null {
				return d.Null()
			}
			v, err := read(d)
			if err == nil {
				*at(t) = Some(v)
			}
			return err
		},
		encode: func(e *jx.Encoder, t *T) {
			if v := at(t); v.Known {
				e.FieldStart(name)
				write(e, v.Value)
			}
		},
		known: func(t *T) bool { return at(t).Known },
		same:  func(a, b *T) bool { return *at(a) == *at(b) },
	}
}

// required makes a field that must be there and is not null.
func required[T any, V comparable](name string, at func(*T) *V, read func(*reader) (V, error), write func(*jx.Encoder, V)) field[T] {
	return field[T]{
		name:     name,
		required: true,
		decode: func(d *reader, t *T) error {
			v, err := read(d)
			if err == nil {
				*at(t) = v
			}
			return err
		},
		encode: func(e *jx.Encoder, t *T) {
			e.FieldStart(name)
			write(e, *at(t))
		},
		known: func(*T) bool { return true },
		same:  func(a, b *T) bool { return *at(a) == *at(b) },
	}
}

func text[T any](name string, at func(*T) *Opt[string]) field[T] {
	return optional(name, at, readText, writeText)
}

func number[T any](name string, at func(*T) *Opt[float64]) field[T] {
	return optional(name, at, readNumber, writeNumber)
}

func whole32[T any](name string, at func(*T) *Opt[uint32]) field[T] {
	return optional(name, at, readWhole32, writeWhole32)
}

func whole64[T any](name string, at func(*T) *Opt[uint64]) field[T] {
	return optional(name, at, readWhole64, writeWhole64)
}

func instant[T any](name string, at func(*T) *Opt[time.Time]) field[T] {
	return optional(name, at, readInstant, writeInstant)
}

func readText(d *reader) (string, error) {
	b, err := d.text("text")
	return d.intern(b), err
}

func writeText(e *jx.Encoder, v string) { e.Str(v) }

// readNumber reads a number as the nearest float64, so that it is written back equal.
func readNumber(d *reader) (float64, error) {
	const want = "a finite number"
	if d.Next() != jx.Number {
		return 0, problem(d, want)
	}
	n, err := d.Num()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(string(n), 64)
	if err != nil {
		return 0, notA(string(n), want)
	}
	return v, nil
}

func writeNumber(e *jx.Encoder, v float64) { e.Float64(v) }

func readWhole(d *reader, bits int, want string) (uint64, error) {
	if d.Next() != jx.Number {
		return 0, problem(d, want)
	}
	n, err := d.Num()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseUint(string(n), 10, bits)
	if err == nil {
		return v, nil
	}
	// Some JSON writers have no integers and say 4.0 or 1e3.
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || f < 0 || f >= 1<<53 || f != float64(uint64(f)) || bits == 32 && f > 1<<32-1 {
		return 0, notA(string(n), want)
	}
	return uint64(f), nil
}

func readWhole32(d *reader) (uint32, error) {
	v, err := readWhole(d, 32, "a whole number from 0 to 4294967295")
	return uint32(v), err
}

func writeWhole32(e *jx.Encoder, v uint32) { e.UInt32(v) }

func readWhole64(d *reader) (uint64, error) {
	return readWhole(d, 64, "a whole number from 0 to 18446744073709551615")
}

func readBool(d *reader) (bool, error) {
	if d.Next() != jx.Bool {
		return false, problem(d, "true or false")
	}
	return d.Bool()
}

func writeWhole64(e *jx.Encoder, v uint64) { e.UInt64(v) }

// earliest and latest bound every instant, so that it fits Unix nanoseconds.
var (
	earliest = time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

func readInstant(d *reader) (time.Time, error) {
	const want = "an RFC 3339 time between the years 1700 and 2200, like 2026-11-22T20:15:00.5Z"
	b, err := d.text(want)
	if err != nil {
		return time.Time{}, err
	}
	var t time.Time
	if err := t.UnmarshalText(b); err != nil || t.Before(earliest) || !t.Before(latest) {
		return time.Time{}, notA(strconv.Quote(shorten(string(b))), want)
	}
	return t.UTC(), nil
}

func writeInstant(e *jx.Encoder, v time.Time) {
	var b [len(time.RFC3339Nano) + 2]byte
	e.ByteStr(v.UTC().AppendFormat(b[:0], time.RFC3339Nano))
}

// problem says that the next value is not of the wanted kind.
func problem(d *reader, want string) error {
	if k := d.Next(); k != jx.Invalid {
		return notA("this "+k.String(), want)
	}
	return d.Skip() // says what is wrong with the JSON, and where
}

func notA(got, want string) error {
	return &FieldError{Problem: fmt.Sprintf("%s is not %s", shorten(got), want)}
}

func shorten(s string) string {
	const most = 60 // bytes
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
