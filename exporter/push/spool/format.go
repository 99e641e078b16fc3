package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The layout of a file. Numbers are little-endian; checksums are CRC-32C
// (https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4).
//
//	file   = header record*
//	header = "pmspool" version:u8 0:u32 crc(of these 12 bytes):u32
//	record = payload length:u32 size of the JSON:u32 put at, Unix ms:i64
//	         crc(payload):u32 crc(of these 20 bytes):u32 payload
//
// All versions begin with these 16 bytes of header.
const (
	version      = 1
	magic        = "pmspool"
	headerSize   = 16
	recordSize   = 24 // without payload
	maxSnapshot  = 64 << 20
	cursorSize   = 20
	mostInFile   = 16 // snapshots
	filesPerSize = 8  // a file takes at most MaxSize divided by this
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func appendHeader(dst []byte) []byte {
	start := len(dst)
	dst = append(append(dst, magic...), version, 0, 0, 0, 0)
	return binary.LittleEndian.AppendUint32(dst, sum(dst[start:]))
}

// newerError is what a file of a later version of this program is refused with.
type newerError int

func (e newerError) Error() string {
	return fmt.Sprintf("it has format %d, written by a newer version; this one reads up to format %d", int(e), version)
}

var errHeader = errors.New("its header is damaged")

func checkHeader(b []byte) error {
	if len(b) < headerSize || string(b[:len(magic)]) != magic || binary.LittleEndian.Uint32(b[12:]) != sum(b[:12]) {
		return errHeader
	}
	if v := b[len(magic)]; v > version {
		return newerError(v)
	} else if v == 0 {
		return errHeader
	}
	return nil
}

// record is what stands before a payload.
type record struct {
	length int   // of the payload
	size   int   // of the JSON
	at     int64 // Unix milliseconds
	sum    uint32
}

// appendTo appends r, with what tells whether payload is intact, and payload.
func (r record) appendTo(dst, payload []byte) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(r.size))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.at))
	dst = binary.LittleEndian.AppendUint32(dst, sum(payload))
	dst = binary.LittleEndian.AppendUint32(dst, sum(dst[start:]))
	return append(dst, payload...)
}

var errRecord = errors.New("the header of a snapshot in it is damaged")

func parseRecord(b []byte) (record, error) {
	if len(b) < recordSize || binary.LittleEndian.Uint32(b[20:]) != sum(b[:20]) {
		return record{}, errRecord
	}
	length, size := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if length == 0 || length > 2*maxSnapshot || size == 0 || size > maxSnapshot {
		return record{}, errRecord
	}
	return record{
		length: int(length),
		size:   int(size),
		at:     int64(binary.LittleEndian.Uint64(b[8:])),
		sum:    binary.LittleEndian.Uint32(b[16:]),
	}, nil
}

// cursor says where the oldest snapshot stands that is not delivered: its file's number and
// how many stand before it there. Files with lower numbers are done.
type cursor struct {
	file  uint64
	index int
}

func (c cursor) encode() []byte {
	b := binary.LittleEndian.AppendUint64(nil, c.file)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.index))
	return binary.LittleEndian.AppendUint32(b, sum(b))
}

// parseCursor returns the zero cursor for what is none: snapshots are then delivered again.
func parseCursor(b []byte) cursor {
	if len(b) < cursorSize || binary.LittleEndian.Uint32(b[16:]) != sum(b[:16]) {
		return cursor{}
	}
	c := cursor{file: binary.LittleEndian.Uint64(b), index: int(binary.LittleEndian.Uint64(b[8:]))}
	if c.index < 0 || c.index > 1<<20 {
		return cursor{}
	}
	return c
}
