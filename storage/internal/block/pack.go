package block

import (
	"encoding/binary"
	"math/bits"
)

// Numbers are packed in a frame of reference: their greatest common divisor, the least of
// the quotients, and the width of what is above it in bits. Of each number the highest eight
// of these bits are one byte, and the others are packed. Bytes of numbers of one width stand
// together: zstd then takes hardly more than what they tell.

// packer packs the numbers of a column, row by row.
type packer struct {
	heads, low []byte
	high       [65][]byte // by width
}

// add packs the numbers of a row, of which there must be one.
func (p *packer) add(list []int64) {
	g := int64(divisor(list))
	if g < 0 { // only the least number of all has it
		g = 1
	}
	least, most := list[0]/g, list[0]/g
	for _, v := range list[1:] {
		least, most = min(least, v/g), max(most, v/g)
	}
	width := bits.Len64(uint64(most) - uint64(least))
	p.heads = binary.AppendUvarint(p.heads, uint64(g))
	p.heads = binary.AppendVarint(p.heads, least)
	p.heads = append(p.heads, byte(width))
	if width == 0 {
		return
	}
	low := lowWidth(width)
	var hold uint64
	held := 0
	for _, v := range list {
		n := uint64(v/g) - uint64(least)
		p.high[width] = append(p.high[width], byte(n>>low))
		hold |= n & (1<<low - 1) << held
		held += low
		for held >= 8 {
			p.low = append(p.low, byte(hold))
			hold >>= 8
			held -= 8
		}
	}
	if held > 0 {
		p.low = append(p.low, byte(hold))
	}
}

// lowWidth is how many bits of a number of that width are not in its byte.
func lowWidth(width int) int { return max(width-8, 0) }

// appendTo appends the column, of which these are the first values. Where it makes sense it
// becomes several frames.
func (p *packer) appendTo(out part, firsts []byte) part {
	out.bytes = append(append(out.bytes, firsts...), p.heads...)
	out.cut()
	out.bytes = append(out.bytes, p.low...)
	for _, numbers := range p.high {
		out.cut()
		out.bytes = append(out.bytes, numbers...)
	}
	return out
}

// part is what becomes a section, and where one frame of it ends and another begins.
type part struct {
	bytes []byte
	cuts  []int
}

// cut begins another frame, unless the last one would be small.
func (p *part) cut() {
	const least = 512 // bytes; a frame costs about 50 more than its content
	last := 0
	if len(p.cuts) > 0 {
		last = p.cuts[len(p.cuts)-1]
	}
	if len(p.bytes)-last >= least {
		p.cuts = append(p.cuts, len(p.bytes))
	}
}
