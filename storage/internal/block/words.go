package block

import (
	"slices"
	"strings"
)

// Words are the texts of a block that are, among others, every name and user of its
// processes. They hold no other memory.
type Words struct {
	all  string
	ends []uint32 // of each text in all
}

// Size returns about how many bytes w takes.
func (w Words) Size() int { return len(w.all) + 4*len(w.ends) }

// Any reports whether match is true of one of the texts.
func (w Words) Any(match func(string) bool) bool {
	from := uint32(0)
	return slices.ContainsFunc(w.ends, func(end uint32) bool {
		text := w.all[from:end]
		from = end
		return match(text)
	})
}

// Words returns a copy of those of the block.
func (b *Block) Words() (Words, error) {
	if err := b.readWords(); err != nil {
		return Words{}, err
	}
	return b.words.copy(), nil
}

// Words returns a copy of those so far.
func (b *Builder) Words() Words { return b.texts.words.copy() }

func (t *texts) copy() Words {
	list := t.list[1:]
	w := Words{all: strings.Join(list, ""), ends: make([]uint32, len(list))}
	end := uint32(0)
	for i, text := range list {
		end += uint32(len(text))
		w.ends[i] = end
	}
	return w
}
