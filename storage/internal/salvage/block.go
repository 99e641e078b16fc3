package salvage

import (
	"encoding/binary"
	"fmt"
)

// readBlock hands over the entries of a block. In a damaged one, they are what they look
// like, and each that keep refuses is a finding.
func readBlock(data []byte, offset int64, keep func(Entry) (bool, error)) (findings []Finding, err error) {
	checked := intactBlock(data)
	damaged := func(key []byte) {
		findings = append(findings, Finding{Key: key, Problem: fmt.Sprintf("the block at byte %d is damaged", offset)})
	}
	offsets, end, ok := blockOffsets(data)
	if !ok {
		key := firstKey(data)
		damaged(key[:max(0, len(key)-versionSize)])
		return findings, nil
	}
	base := firstKey(data)
	for i, from := range offsets {
		to := end
		if i+1 < len(offsets) {
			to = int(offsets[i+1])
		}
		key, value, meta, ok := blockEntry(data[:end], int(from), to, base)
		if !ok {
			damaged(nil)
			continue
		}
		if meta&(metaDelete|metaPointer) != 0 {
			continue
		}
		kept, err := keep(Entry{Key: key, Value: value, Checked: checked})
		if err != nil {
			return nil, err
		}
		if !kept {
			damaged(key)
		}
	}
	return findings, nil
}

// blockOffsets returns where the entries of a block begin and where the last one ends.
func blockOffsets(data []byte) (offsets []uint32, end int, ok bool) {
	body, _, ok := cutChecksum(data)
	if !ok || len(body) < 4 {
		return nil, 0, false
	}
	n := int(binary.BigEndian.Uint32(body[len(body)-4:]))
	if n == 0 || n > len(body)/8 {
		return nil, 0, false
	}
	end = len(body) - 4 - 4*n
	for i := range n {
		offsets = append(offsets, binary.LittleEndian.Uint32(body[end+4*i:]))
	}
	return offsets, end, true
}

// entryHeader is the length that a key shares with the first of its block, and that of
// its rest, 2 bytes each.
const entryHeader = 4

// firstKey returns the key with version that begins a block, or nil.
func firstKey(data []byte) []byte {
	if len(data) < entryHeader {
		return nil
	}
	size := int(binary.LittleEndian.Uint16(data[2:]))
	if size <= versionSize || size > len(data)-entryHeader {
		return nil
	}
	return data[entryHeader : entryHeader+size]
}

// lastKey returns the key without version that ends a block, or nil.
func lastKey(data []byte) []byte {
	offsets, end, ok := blockOffsets(data)
	if !ok {
		return nil
	}
	key, _, _, _ := blockEntry(data[:end], int(offsets[len(offsets)-1]), end, firstKey(data))
	return key
}

func blockEntry(data []byte, from, to int, base []byte) (key, value []byte, meta byte, ok bool) {
	if from < 0 || to > len(data) || to-from < entryHeader {
		return nil, nil, 0, false
	}
	shared := int(binary.LittleEndian.Uint16(data[from:]))
	rest := int(binary.LittleEndian.Uint16(data[from+2:]))
	data = data[from+entryHeader : to]
	if shared > len(base) || rest > len(data) || shared+rest <= versionSize {
		return nil, nil, 0, false
	}
	key = append(append(key, base[:shared]...), data[:rest]...)
	data = data[rest:]
	if len(data) < 3 { // meta, user meta, expiry
		return nil, nil, 0, false
	}
	_, n := binary.Uvarint(data[2:])
	if n <= 0 {
		return nil, nil, 0, false
	}
	return key[:len(key)-versionSize], data[2+n:], data[0], true
}
