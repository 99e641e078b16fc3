// Package codec turns one snapshot into the bytes that are stored, and back, without loss.
//
// There are two kinds of values, and the first byte of one says which it is: a snapshot
// stored whole, and one stored as changes of a whole one, its base. Both were written in an
// earlier form too, without events and the facts that came with them, which is still read.
// Everything that is decoded was checked: a damaged value, or one with another base than it
// was made with, is an error, never a wrong snapshot, and it allocates no more than a small
// multiple of its uncompressed size and its base's, which are bounded.
package codec

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/procmon/procmon"
)

// The kinds of values. A whole snapshot is a byte of its kind and the columns of record.go as
// one zstd frame with checksum; changes.go has the form of the others. Format 1 of the
// database wrote the first two, which have only the first columns and no events.
const (
	kindWhole1   = 1
	kindChanges1 = 2
	kindWhole    = 3
	kindChanges  = 4
)

const (
	// MaxSize bounds a snapshot before compression, in bytes.
	MaxSize = 64 << 20
	// MaxProcesses bounds the processes of one snapshot.
	MaxProcesses = 1 << 18
)

// A Codec encodes and decodes snapshots. It is safe for concurrent use; what it holds does
// not grow with the number of callers.
type Codec struct {
	zw       *zstd.Encoder
	zr       *zstd.Decoder
	encoders sync.Pool // of *encoder
}

// New returns a codec. Its memory is freed with it, or earlier by Close.
func New() (*Codec, error) {
	parallel := min(runtime.GOMAXPROCS(0), 4)
	zw, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(level),
		zstd.WithEncoderConcurrency(parallel),
		zstd.WithWindowSize(window),
		zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderCRC(true),
	)
	if err != nil {
		return nil, err
	}
	zr, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(parallel),
		zstd.WithDecoderMaxMemory(MaxSize),
		zstd.WithDecoderLowmem(true),
	)
	if err != nil {
		return nil, err
	}
	return &Codec{zw: zw, zr: zr, encoders: sync.Pool{New: func() any { return newEncoder() }}}, nil
}

const (
	// level is the fastest: on 250 processes the next one saves 1.3 % for 1.4 times the CPU.
	level = zstd.SpeedFastest
	// window is in bytes; nearly every snapshot is smaller, so it costs no size.
	window = 1 << 20
)

// Close frees what c holds. c cannot be used afterwards.
func (c *Codec) Close() { c.zr.Close() }

// Encode appends the stored form of r to dst: all of it, so that Decode needs nothing else.
func (c *Codec) Encode(dst []byte, r procmon.Record) ([]byte, error) {
	e := c.encoders.Get().(*encoder)
	defer c.release(e)
	if err := e.record(r); err != nil {
		return dst, err
	}
	return c.compress(append(dst, kindWhole), e)
}

func (c *Codec) release(e *encoder) {
	e.reset()
	c.encoders.Put(e)
}

func (c *Codec) compress(dst []byte, e *encoder) ([]byte, error) {
	if len(e.buf) > MaxSize {
		return dst, fmt.Errorf("the snapshot takes %d bytes; at most %d are allowed", len(e.buf), MaxSize)
	}
	return c.zw.EncodeAll(e.buf, dst), nil
}

// Decode returns the record that Encode made value of. It keeps nothing of value.
func (c *Codec) Decode(value []byte) (procmon.Record, error) {
	if len(value) == 0 {
		return procmon.Record{}, errors.New("empty value")
	}
	if value[0] != kindWhole && value[0] != kindWhole1 {
		return procmon.Record{}, fmt.Errorf("value of unknown kind %d", value[0])
	}
	early := value[0] == kindWhole1
	return c.decompress(value[1:], func(d *decoder) (procmon.Record, error) { return d.record(early) })
}

func (c *Codec) decompress(frame []byte, read func(*decoder) (procmon.Record, error)) (procmon.Record, error) {
	data, err := c.zr.DecodeAll(frame, nil)
	if err != nil {
		return procmon.Record{}, fmt.Errorf("zstd: %w", err)
	}
	d := decoder{data: data, text: string(data)}
	r, err := read(&d)
	if err != nil {
		return procmon.Record{}, fmt.Errorf("at byte %d: %w", d.at, err)
	}
	return r, nil
}
