package block

import (
	"encoding/binary"
	"errors"
	"strings"
)

// dictionaries hold the texts of a block: names and the like, which are few, apart from
// command lines and paths, which nobody needs who looks for a name.
type dictionaries struct{ words, lines *texts }

// texts numbers texts; 0 is the empty one.
type texts struct {
	index map[string]uint64
	list  []string
	size  int // bytes of all
}

func newTexts() *texts { return &texts{index: map[string]uint64{"": 0}, list: []string{""}} }

// code returns the number of s, which is often the last one.
func (t *texts) code(s string, last uint64) uint64 {
	if last < uint64(len(t.list)) && t.list[last] == s {
		return last
	}
	if n, ok := t.index[s]; ok {
		return n
	}
	s = strings.Clone(s) // of all the texts of a snapshot, which are one
	n := uint64(len(t.list))
	t.list, t.index[s] = append(t.list, s), n
	t.size += len(s)
	return n
}

// joinTexts makes one text of several, which splitTexts takes apart.
func joinTexts(list []string) string {
	var b []byte
	for _, s := range list {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return string(b)
}

func splitTexts(joined string) ([]string, error) {
	list := []string{}
	for len(joined) > 0 {
		n, size := binary.Uvarint([]byte(joined[:min(len(joined), binary.MaxVarintLen64)]))
		if size <= 0 || n > uint64(len(joined)-size) {
			return nil, errors.New("a list of texts is damaged")
		}
		list = append(list, joined[size:size+int(n)])
		joined = joined[size+int(n):]
	}
	return list, nil
}
