package spool

import "time"

const (
	mostKept      = 240     // snapshots in memory: four hours of them at the default interval
	mostKeptBytes = 4 << 20 // compressed
)

// memory holds snapshots, compressed one by one. The zero value is empty.
type memory struct {
	kept  []*kept // oldest first
	bytes int
}

// kept is one snapshot in memory.
type kept struct {
	payload []byte
	size    int // of the JSON, bytes
	at      time.Duration
	moved   cursor // where it stands on disk since; the zero cursor if it does not
}

func (m *memory) put(k *kept) {
	m.kept = append(m.kept, k)
	m.bytes += len(k.payload)
}

// over reports whether the oldest has to give way. The newest never does.
func (m *memory) over() bool {
	return len(m.kept) > 1 && (len(m.kept) > mostKept || m.bytes > mostKeptBytes)
}

// pop takes the oldest out.
func (m *memory) pop() {
	m.bytes -= len(m.kept[0].payload)
	m.kept[0] = nil
	m.kept = m.kept[1:]
}
