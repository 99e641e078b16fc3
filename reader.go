package procmon

import (
	"errors"
	"hash/maphash"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/go-faster/jx"
)

// reader reads one payload after the other; what it keeps between them is bounded.
type reader struct {
	jx.Decoder
	scratch []byte       // the text that was read last
	name    []byte       // the name of the field at the top
	texts   [1024]string // short texts that came by, as names and users come again and again
	seed    maphash.Seed
}

var readers = sync.Pool{New: func() any {
	return &reader{seed: maphash.MakeSeed()}
}}

func (d *reader) release() {
	const most = 64 << 10 // bytes that are kept for the next payload
	d.ResetBytes(nil)
	if cap(d.scratch) > most {
		d.scratch = nil
	}
	readers.Put(d)
}

// whole has read read the value that is given, which must be all that is there.
func (d *reader) whole(value []byte, read func() error) error {
	d.ResetBytes(value)
	if err := read(); err != nil {
		return err
	}
	if !d.atEnd() {
		return errMalformed
	}
	return nil
}

// key returns the name that value is, until the next call.
func (d *reader) key(value []byte) ([]byte, error) {
	var key []byte
	err := d.whole(value, func() (err error) {
		d.name, err = d.StrAppend(d.name[:0])
		key = d.name
		return err
	})
	return key, err
}

// text returns the next value, which has to be text, until the next call.
func (d *reader) text(want string) ([]byte, error) {
	if d.Next() != jx.String {
		return nil, problem(d, want)
	}
	var err error
	if d.scratch, err = d.StrAppend(d.scratch[:0]); err != nil {
		return nil, err
	}
	if !utf8.Valid(d.scratch) {
		return nil, &FieldError{Problem: "the text is not valid UTF-8"}
	}
	return d.scratch, nil
}

// intern returns b as a string, without making a new one if it is known.
func (d *reader) intern(b []byte) string {
	const short = 64 // bytes
	if len(b) > short {
		return string(b)
	}
	known := &d.texts[maphash.Bytes(d.seed, b)%uint64(len(d.texts))]
	if *known != string(b) {
		*known = string(b)
	}
	return *known
}

// atEnd reports whether only white space is left. Next alone does not tell the end from a
// byte that begins no value.
func (d *reader) atEnd() bool {
	if d.Next() != jx.Invalid {
		return false
	}
	_, err := d.StrBytes()
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
