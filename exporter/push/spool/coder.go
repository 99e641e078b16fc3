package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"
)

const (
	chunkSize  = 128 << 10 // bytes of JSON that are compressed at a time
	slack      = 32 << 10  // bytes of the base on both sides of where the same should stand
	minPrefix  = 256       // bytes; preset is better than a shorter one
	windowSize = 512 << 10 // reaches from the end of a chunk to the begin of its prefix
	prefixID   = 1
)

// preset stands before what has no other prefix. Files depend on it: it changes only with
// the version of the format.
const preset = `{"hostname":"","timestamp":"2026-01-01T00:00:00Z","processes":[{"pid":4,"ppid":0,"name":"svchost.exe","cpu":0,"memory":` +
	`"cmdline":"C:\\Windows\\System32\\svchost.exe -k netsvcs -p","username":"NT AUTHORITY\\SYSTEM","start_time":"2026-01-01T00:00:00.5Z",` +
	`"cpu_seconds":0.25,"working_set_bytes":4096,"private_bytes":4096,"threads":1,"handles":1,"read_bytes":0,"write_bytes":0,"session_id":0},`

// coder compresses snapshots in chunks, each one with a piece of another text as what stood
// before it (a raw dictionary, https://www.rfc-editor.org/rfc/rfc8878#name-dictionary-format).
// That other text is the base, or what stands before the chunk in a snapshot without one.
// So its memory does not depend on the size of a snapshot. The zero value is ready.
type coder struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	scratch []byte
}

// encode appends the payload of a snapshot to dst: for each chunk begin and length of its
// prefix, its size and its compressed size as uvarints, and a frame.
func (c *coder) encode(dst, base, json []byte) ([]byte, error) {
	if c.encoder == nil {
		// Records have a checksum of their own.
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithWindowSize(windowSize), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		if err != nil {
			return nil, fmt.Errorf("create zstd encoder: %w", err)
		}
		c.encoder = e
	}
	for at := 0; at < len(json); at += chunkSize {
		end := min(at+chunkSize, len(json))
		source, from, to := json, max(0, at-chunkSize), at
		if base != nil {
			source, from, to = base, scale(at, base, json)-slack, scale(end, base, json)+slack
			from, to = max(0, from), min(to, len(base))
		}
		if to-from < minPrefix {
			from, to = 0, 0
		}
		if err := c.encoder.ResetWithOptions(nil, zstd.WithEncoderDictRaw(prefixID, prefix(source[from:to]))); err != nil {
			return nil, fmt.Errorf("set zstd prefix: %w", err)
		}
		c.scratch = c.encoder.EncodeAll(json[at:end], c.scratch[:0])
		for _, n := range [...]int{from, to - from, end - at, len(c.scratch)} {
			dst = binary.AppendUvarint(dst, uint64(n))
		}
		dst = append(dst, c.scratch...)
	}
	return dst, nil
}

// prefix returns what is used for a piece of a text as prefix.
func prefix(piece []byte) []byte {
	if len(piece) == 0 {
		return []byte(preset)
	}
	return piece
}

// scale returns where in base stands what stands at an offset of json, if what came and
// went is spread evenly.
func scale(at int, base, json []byte) int {
	return int(int64(at) * int64(len(base)) / int64(len(json)))
}

var errPayload = errors.New("its compressed data is damaged")

// decode appends to dst the snapshot, of so many bytes, that encode made payload of.
func (c *coder) decode(dst, base, payload []byte, size int) ([]byte, error) {
	if c.decoder == nil {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxWindow(windowSize))
		if err != nil {
			return nil, fmt.Errorf("create zstd decoder: %w", err)
		}
		c.decoder = d
	}
	start := len(dst)
	dst = slices.Grow(dst, size)
	for len(payload) > 0 {
		var numbers [4]int // from, length of the prefix, size, compressed size
		for i := range numbers {
			n, read := binary.Uvarint(payload)
			if read <= 0 || n > maxSnapshot {
				return nil, errPayload
			}
			numbers[i], payload = int(n), payload[read:]
		}
		from, length, raw, compressed := numbers[0], numbers[1], numbers[2], numbers[3]
		source := base
		if base == nil {
			source = dst[start:]
		}
		if from+length > len(source) || compressed > len(payload) || raw > chunkSize || len(dst)-start+raw > size {
			return nil, errPayload
		}
		if err := c.decoder.ResetWithOptions(nil, zstd.WithDecoderDictRaw(prefixID, prefix(source[from:from+length]))); err != nil {
			return nil, fmt.Errorf("set zstd prefix: %w", err)
		}
		before := len(dst)
		// The capacity is what the decoder may fill.
		decoded, err := c.decoder.DecodeAll(payload[:compressed], dst[:before:before+raw])
		if err != nil || len(decoded)-before != raw {
			return nil, errPayload
		}
		dst = dst[:before+raw]
		payload = payload[compressed:]
	}
	if len(dst)-start != size {
		return nil, errPayload
	}
	return dst, nil
}

func (c *coder) close() {
	if c.decoder != nil {
		c.decoder.Close()
	}
	*c = coder{}
}
