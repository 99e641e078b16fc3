package storage

import (
	"log/slog"
	"slices"
	"sync"
)

// Damage is something that could not be read.
type Damage struct {
	Object  string // the snapshot, as procmon.SnapshotID writes it, or the file
	Problem string
}

// Damage returns what could not be read since the store was opened, in the order of its
// discovery. It is empty for a sound database. Every entry was logged as an error too.
func (s *Store) Damage() []Damage {
	s.damage.mu.Lock()
	defer s.damage.mu.Unlock()
	return slices.Clone(s.damage.list)
}

// damageLog keeps each damaged object once.
type damageLog struct {
	mu   sync.Mutex
	list []Damage
	seen map[string]bool
}

// maxDamage bounds what is kept; what comes after it is only counted.
const maxDamage = 1000

func (d *damageLog) add(log *slog.Logger, object, problem string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen[object] || len(d.list) >= maxDamage {
		return
	}
	if d.seen == nil {
		d.seen = make(map[string]bool)
	}
	d.seen[object] = true
	d.list = append(d.list, Damage{object, problem})
	log.Error("stored data is damaged", "object", object, "problem", problem)
}
