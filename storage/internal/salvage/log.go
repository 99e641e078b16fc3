package salvage

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/dgraph-io/badger/v4/y"
)

// logHeader begins a log: 8 bytes number of the encryption key, which is 0, and 12 bytes
// that only encryption uses.
const logHeader = 20

// Bits of the first byte of an entry.
const (
	metaDelete  = 1 << 0
	metaPointer = 1 << 1
	metaTxn     = 1 << 6
	metaFinish  = 1 << 7
)

// versionSize is what Badger appends to each key, in bytes.
const versionSize = 8

// logEntry is one entry of a log: meta, user meta, the uvarints key length, value length
// and expiry, then key, value, and the CRC-32C of all that, big-endian.
type logEntry struct {
	meta       byte
	key, value []byte
	size       int  // in the log, bytes
	complete   bool // the checksum is right
	written    bool // there is a checksum
}

// maxKey bounds the keys that are believed, in bytes.
const maxKey = 1 << 16

// parseEntry reads the entry at the beginning of data; ok is false if there is none.
func parseEntry(data []byte) (e logEntry, ok bool) {
	if len(data) < 2 {
		return e, false
	}
	e.meta = data[0]
	at := 2
	var lengths [3]uint64
	for i := range lengths {
		v, n := binary.Uvarint(data[at:])
		if n <= 0 {
			return e, false
		}
		lengths[i] = v
		at += n
	}
	keySize, valueSize := lengths[0], lengths[1]
	left := uint64(len(data) - at)
	if keySize <= versionSize || keySize > maxKey || valueSize > left || keySize+valueSize+crc32.Size > left {
		return e, false
	}
	end := at + int(keySize+valueSize)
	e.key = data[at : at+int(keySize)]
	e.value = data[at+int(keySize) : end]
	e.size = end + crc32.Size
	sum := binary.BigEndian.Uint32(data[end:])
	e.written = sum != 0
	e.complete = sum == crc32.Checksum(data[:end], y.CastagnoliCrcTable)
	return e, true
}

// logEnd returns where Badger stops to read a log: after the last complete transaction.
func logEnd(data []byte) int {
	end, at := logHeader, logHeader
	version := uint64(0) // of the transaction that is open
	for {
		e, ok := parseEntry(data[at:])
		if !ok || !e.complete {
			return end
		}
		at += e.size
		switch {
		case e.meta&metaTxn != 0:
			v := y.ParseTs(e.key)
			if version != 0 && version != v {
				return end
			}
			version = v
		case e.meta&metaFinish != 0:
			v, err := strconv.ParseUint(string(e.value), 10, 64)
			if err != nil || v != version {
				return end
			}
			version, end = 0, at
		default:
			if version != 0 {
				return end
			}
			end = at
		}
	}
}

// isTrace reports whether a log is what a crash leaves of one that was being made or removed, which
// is an empty file. The one that is known to be written to is not.
func isTrace(name string, data []byte, written uint64) bool {
	id, ok := fileID(name, logSuffix)
	return ok && id != written && len(data) == 0
}

// checkLog says what is wrong with a log. A write that a crash cut short is not: what
// follows it is empty, and it was not acknowledged.
func checkLog(data []byte) string {
	if len(data) < logHeader || !allZero(data[:8]) {
		return "its header is damaged"
	}
	at := logEnd(data)
	for {
		e, ok := parseEntry(data[at:])
		if !ok || !e.complete {
			break
		}
		at += e.size
	}
	if at >= len(data) || allZero(data[at:]) {
		return ""
	}
	e, ok := parseEntry(data[at:])
	if ok && e.written || nextEntry(data, at+1) >= 0 {
		return fmt.Sprintf("the entry at byte %d is damaged", at)
	}
	if cutOff(data) {
		return fmt.Sprintf("its end, from byte %d on, is missing", at)
	}
	return ""
}

// cutOff reports whether data ends in the middle of something: a log that is written to
// ends in zeros, which were reserved.
func cutOff(data []byte) bool {
	return !allZero(data[max(0, len(data)-64):])
}

// nextEntry returns where the next complete entry begins, from the given place on, or -1.
func nextEntry(data []byte, from int) int {
	for at := from; at < len(data); at++ {
		// User meta is not used; checking it first makes the search quick.
		if at+1 < len(data) && data[at+1] != 0 {
			continue
		}
		if e, ok := parseEntry(data[at:]); ok && e.complete {
			return at
		}
	}
	return -1
}

// readLog hands over every complete entry of a log, also of those after damage.
func readLog(data []byte, keep func(Entry) (bool, error)) (findings []Finding, err error) {
	for at := min(logHeader, len(data)); at < len(data) && !allZero(data[at:]); {
		e, ok := parseEntry(data[at:])
		if !ok || !e.complete {
			next := nextEntry(data, at+1)
			if next >= 0 || ok && e.written || cutOff(data) {
				f := Finding{Problem: fmt.Sprintf("the entry at byte %d is damaged", at)}
				if ok {
					f.Key = e.key[:len(e.key)-versionSize]
				}
				findings = append(findings, f)
			}
			if next < 0 {
				break
			}
			at = next
			continue
		}
		at += e.size
		if e.meta&(metaFinish|metaDelete|metaPointer) != 0 {
			continue
		}
		if _, err := keep(Entry{Key: e.key[:len(e.key)-versionSize], Value: e.value, Checked: true}); err != nil {
			return nil, err
		}
	}
	return findings, nil
}
