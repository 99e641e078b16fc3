package salvage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/y"
	"google.golang.org/protobuf/proto"
)

// A table is blocks, the index, and a footer: length of the index, its checksum, length of
// the checksum. A block is entries, the offset of each, their number, a checksum of all
// that, and the checksum's length. Lengths and numbers are 4 bytes, big-endian; offsets and
// the two lengths that begin an entry are little-endian.

type blockRange struct{ offset, size int64 }

// maxChecksum is the most that an encoded checksum takes, in bytes.
const maxChecksum = 16

// readIndex returns where the blocks are, after checking the index.
func readIndex(r io.ReaderAt, size int64) (blocks []blockRange, err error) {
	// The checksum was verified, but nothing says that it was written by Badger.
	defer func() {
		if recover() != nil {
			blocks, err = nil, errors.New("its index is damaged")
		}
	}()
	damaged := errors.New("its index is damaged")
	tail := make([]byte, min(size, 4+maxChecksum+4))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil {
		return nil, err
	}
	body, sum, ok := cutChecksum(tail)
	if !ok || len(body) < 4 {
		return nil, damaged
	}
	length := int64(binary.BigEndian.Uint32(body[len(body)-4:]))
	start := size - int64(len(tail)-len(body)) - 4 - length
	if start < 0 || length == 0 {
		return nil, damaged
	}
	index := make([]byte, length)
	if _, err := r.ReadAt(index, start); err != nil {
		return nil, err
	}
	if y.VerifyChecksum(index, sum) != nil {
		return nil, damaged
	}
	table := fb.GetRootAsTableIndex(index, 0)
	var offset fb.BlockOffset
	for i := range table.OffsetsLength() {
		if !table.Offsets(&offset, i) {
			return nil, damaged
		}
		b := blockRange{int64(offset.Offset()), int64(offset.Len())}
		if b.offset+b.size > start {
			return nil, damaged
		}
		blocks = append(blocks, b)
	}
	if len(blocks) == 0 {
		return nil, damaged
	}
	return blocks, nil
}

// cutChecksum takes the checksum and its length from the end of data.
func cutChecksum(data []byte) (body []byte, sum *pb.Checksum, ok bool) {
	if len(data) < 4 {
		return nil, nil, false
	}
	body = data[:len(data)-4]
	length := binary.BigEndian.Uint32(data[len(data)-4:])
	if length == 0 || length > maxChecksum || int(length) > len(body) {
		return nil, nil, false
	}
	sum = &pb.Checksum{}
	err := proto.Unmarshal(body[len(body)-int(length):], sum)
	if err != nil || sum.Algo != pb.Checksum_CRC32C { // Badger panics on what it does not know
		return nil, nil, false
	}
	return body[:len(body)-int(length)], sum, true
}

// keyRange holds the first and the last key of a table, without versions.
type keyRange struct{ first, last []byte }

// checkTable reads the index and the first and last block, which Badger reads to open a
// table, or all blocks.
func checkTable(path string, all bool) (keys keyRange, err error) {
	f, err := os.Open(path)
	if err != nil {
		return keys, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return keys, err
	}
	blocks, err := readIndex(f, info.Size())
	if err != nil {
		return keys, err
	}
	if !all {
		blocks = []blockRange{blocks[0], blocks[len(blocks)-1]}
	}
	var data []byte
	for _, b := range blocks {
		if int64(cap(data)) < b.size {
			data = make([]byte, b.size)
		}
		data = data[:b.size]
		if _, err := f.ReadAt(data, b.offset); err != nil {
			return keys, err
		}
		if !intactBlock(data) {
			return keys, fmt.Errorf("the block at byte %d is damaged", b.offset)
		}
		if keys.first == nil {
			first := firstKey(data)
			keys.first = bytes.Clone(first[:max(0, len(first)-versionSize)])
		}
	}
	keys.last = lastKey(data)
	return keys, nil
}

func intactBlock(data []byte) bool {
	body, sum, ok := cutChecksum(data)
	return ok && y.VerifyChecksum(body, sum) == nil
}

// readTable hands over what is in the blocks of a table, damaged or not.
func readTable(data []byte, keep func(Entry) (bool, error)) (findings []Finding, err error) {
	blocks, err := readIndex(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		findings = append(findings, Finding{Problem: "its index is damaged, or its end is missing"})
		blocks = findBlocks(data)
	}
	for _, b := range blocks {
		found, err := readBlock(data[b.offset:b.offset+b.size], b.offset, keep)
		if err != nil {
			return nil, err
		}
		findings = append(findings, found...)
	}
	return findings, nil
}

// maxBlock is larger than every block, in bytes: a value of half a MiB and its key.
const maxBlock = 2 << 20

// findBlocks looks for blocks without an index: each ends with the length of its checksum.
func findBlocks(data []byte) (blocks []blockRange) {
	starts := []int{0} // where the next block may begin
	for end := 4; end <= len(data); end++ {
		if data[end-4] != 0 || data[end-3] != 0 || data[end-2] != 0 || data[end-1] == 0 || data[end-1] > maxChecksum {
			continue
		}
		if _, _, ok := cutChecksum(data[max(0, end-4-maxChecksum):end]); !ok {
			continue
		}
		intact := -1
		for _, start := range starts {
			if end-start <= maxBlock && intactBlock(data[start:end]) {
				intact = start
			}
		}
		if intact < 0 {
			starts = append(starts, end)
			if len(starts) > 16 {
				starts = starts[1:]
			}
			continue
		}
		if first := starts[0]; first < intact {
			blocks = append(blocks, blockRange{int64(first), int64(intact - first)})
		}
		blocks = append(blocks, blockRange{int64(intact), int64(end - intact)})
		starts = append(starts[:0], end)
	}
	if first := starts[0]; len(data)-first < maxBlock && first < len(data) {
		blocks = append(blocks, blockRange{int64(first), int64(len(data) - first)})
	}
	return blocks
}
