package block

import (
	"encoding/binary"
	"errors"
	"time"
)

var (
	errText  = errors.New("it names a text that is not there")
	errRange = errors.New("a number in it is too large")
)

// reader reads bytes that may say anything. After the first error all that it reads is zero.
type reader struct {
	bytes []byte
	err   error
}

// fail keeps the first error, if err is one.
func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	if r.err != nil {
		r.bytes = nil
	}
}

// uvarint reads a number of at most limit.
func (r *reader) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.bytes)
	switch {
	case n <= 0:
		r.fail(errCut)
		return 0
	case v > limit:
		r.fail(errRange)
		return 0
	}
	r.bytes = r.bytes[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.bytes)
	if n <= 0 {
		r.fail(errCut)
		return 0
	}
	r.bytes = r.bytes[n:]
	return v
}

// take returns the next n bytes, without copying.
func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.bytes)) {
		r.fail(errCut)
		return nil
	}
	b := r.bytes[:n]
	r.bytes = r.bytes[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// end is the error of r, or that not all was read.
func (r *reader) end() error {
	if r.err == nil && len(r.bytes) > 0 {
		r.err = errors.New("it is longer than what is in it")
	}
	return r.err
}

// counted reads how many of something follow, each of which takes at least one byte.
func (r *reader) counted(limit int) int { return int(r.uvarint(uint64(min(limit, len(r.bytes))))) }

func nanoTime(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// packed are numbers in a frame of reference, as a packer wrote them.
type packed struct {
	divisor int64
	least   int64
	width   int
	low     int // where the lower bits of the next number are, in bits
	high    int // where its byte is
}

// lowSize returns how many bytes the lower bits of so many numbers take.
func (p *packed) lowSize(n int) int { return (n*lowWidth(p.width) + 7) / 8 }

// next returns the next number in data; the caller knows that there is one.
func (p *packed) next(data []byte) int64 {
	if p.width == 0 {
		return p.least * p.divisor
	}
	v := uint64(data[p.high])
	p.high++
	if low := lowWidth(p.width); low > 0 {
		var bits uint64
		if i := p.low / 8; i+8 <= len(data) {
			bits = binary.LittleEndian.Uint64(data[i:])
		} else {
			for j, b := range data[i:] {
				bits |= uint64(b) << (8 * j)
			}
		}
		v = v<<low | bits>>(p.low%8)&(1<<low-1)
		p.low += low
	}
	return int64(v+uint64(p.least)) * p.divisor
}
