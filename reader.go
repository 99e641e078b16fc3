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
	scratch []byte         // the text that was read last
	pids    map[uint32]int // index of each pid in the payload
	texts   [1024]string   // short texts that came by, as names and users come again and again
	seed    maphash.Seed
}

var readers = sync.Pool{New: func() any {
	return &reader{pids: map[uint32]int{}, seed: maphash.MakeSeed()}
}}

func (d *reader) release() {
	const most = 64 << 10 // bytes, and pids, that are kept for the next payload
	d.ResetBytes(nil)
	if cap(d.scratch) > most {
		d.scratch = nil
	}
	if len(d.pids) > most {
		d.pids = map[uint32]int{}
	}
	clear(d.pids)
	readers.Put(d)
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
