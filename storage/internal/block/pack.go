package block

import (
	"encoding/binary"
	"math/bits"
)

// Numbers are packed in a frame of reference: their greatest common divisor, the least of
// the quotients, the width of what is above it in bits, and that of each number, least
// significant bit first, filled up to whole bytes.

// appendPacked appends numbers, of which there must be one.
func appendPacked(out []byte, list []int64) []byte {
	g := int64(divisor(list))
	if g < 0 { // only the least number of all has it
		g = 1
	}
	least, most := list[0]/g, list[0]/g
	for _, v := range list[1:] {
		least, most = min(least, v/g), max(most, v/g)
	}
	width := bits.Len64(uint64(most) - uint64(least))
	out = binary.AppendUvarint(out, uint64(g))
	out = binary.AppendVarint(out, least)
	out = append(out, byte(width))
	if width > wide {
		for _, v := range list {
			out = binary.LittleEndian.AppendUint64(out, uint64(v/g)-uint64(least))
		}
		return out
	}
	var hold uint64
	held := 0
	for _, v := range list {
		hold |= (uint64(v/g) - uint64(least)) << held
		held += width
		for held >= 8 {
			out = append(out, byte(hold))
			hold >>= 8
			held -= 8
		}
	}
	if held > 0 {
		out = append(out, byte(hold))
	}
	return out
}
