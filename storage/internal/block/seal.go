package block

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
)

// A block is one byte of version, and for each section its size and its stored size as
// uvarints, the CRC-32C of what is stored, 4 bytes, then the CRC-32C of all that, and the
// sections. A section is stored as zstd frames, one after the other, or as it is where that is
// not larger.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Compressor compresses and decompresses sections. It is safe for concurrent use.
type Compressor struct {
	zw *zstd.Encoder
	zr *zstd.Decoder
}

// NewCompressor returns a compressor that works for so many callers at once; others wait.
func NewCompressor(parallel int) (*Compressor, error) {
	zw, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(parallel),
		zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))
	if err != nil {
		return nil, err
	}
	zr, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(parallel), zstd.WithDecoderMaxMemory(maxSection), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return &Compressor{zw, zr}, nil
}

// Close frees what z holds. It cannot be used afterwards.
func (z *Compressor) Close() { z.zr.Close() }

func (z *Compressor) seal(parts *[sections]part) []byte {
	out := []byte{Version}
	var body []byte
	for i := range parts {
		p := &parts[i]
		from, at := len(body), 0
		for _, cut := range append(p.cuts, len(p.bytes)) {
			if cut > at {
				body = z.zw.EncodeAll(p.bytes[at:cut], body)
			}
			at = cut
		}
		if len(body)-from >= len(p.bytes) {
			body = append(body[:from], p.bytes...)
		}
		out = binary.AppendUvarint(out, uint64(len(p.bytes)))
		out = binary.AppendUvarint(out, uint64(len(body)-from))
		out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(body[from:], castagnoli))
	}
	out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
	return append(out, body...)
}

// stored is one section of a block.
type stored struct {
	size int // before compression
	sum  uint32
	data []byte
}

func open(value []byte) (parts [sections]stored, err error) {
	r := reader{bytes: value}
	if v := r.byte(); r.err == nil && v != Version {
		return parts, fmt.Errorf("block of the unknown version %d", v)
	}
	var sizes [sections]int
	for i := range parts {
		parts[i].size = int(r.uvarint(maxSection))
		sizes[i] = int(r.uvarint(uint64(parts[i].size)))
		parts[i].sum = r.uint32()
	}
	head := len(value) - len(r.bytes)
	if sum := r.uint32(); r.err == nil && sum != crc32.Checksum(value[:head], castagnoli) {
		return parts, fmt.Errorf("the head of the block is damaged")
	}
	for i := range parts {
		parts[i].data = r.take(uint64(sizes[i]))
	}
	if r.err == nil && len(r.bytes) > 0 {
		return parts, fmt.Errorf("%d bytes follow after the block", len(r.bytes))
	}
	return parts, r.err
}

// sound reports whether the section is as it was written.
func (p *stored) sound() bool { return crc32.Checksum(p.data, castagnoli) == p.sum }

// read returns what is in a section, which is sound.
func (z *Compressor) read(p *stored) ([]byte, error) {
	if len(p.data) == p.size {
		return p.data, nil
	}
	data, err := z.zr.DecodeAll(p.data, make([]byte, 0, p.size))
	if err == nil && len(data) != p.size {
		err = fmt.Errorf("it has %d bytes, and not %d", len(data), p.size)
	}
	return data, err
}
