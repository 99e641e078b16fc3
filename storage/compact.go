package storage

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// Badger's own compactors look for work twenty times a second each, which is most of what a store
// takes that gets little. It has none here: a table is made of a full log every few minutes, so
// the store looks once a second.
const compactEvery = time.Second

// compactLoop has Badger make new tables part of the lowest level until ctx ends. What goes wrong
// is said once, not every second.
func (s *Store) compactLoop(ctx context.Context) {
	said := ""
	every(ctx, compactEvery, func() {
		err := s.compact()
		switch {
		case err == nil:
			said = ""
		case !errors.Is(err, ErrFull) && err.Error() != said:
			said = err.Error()
			s.log.Error("new tables could not become part of the lowest level", "err", err)
		}
	})
}

// mostTables is how many new tables there may be that cannot become part of the lowest level until
// nothing more is stored. Badger stops every commit at tablesStall, without a word.
const (
	mostTables  = 4
	tablesStall = 10
)

// compact makes all tables one level, so that what was removed leaves the disk. New keys stand at
// the end of each kind, so that little of the lowest level is written anew.
func (s *Store) compact() error {
	levels := s.db.Levels()
	tables, base, below := levels[0].NumTables, 0, false
	for _, l := range levels[1:] {
		below = below || l.NumTables > 0
		if l.IsBaseLevel {
			base = l.Level
		}
	}
	if tables == 0 || tables == 1 && !below { // Badger leaves a single table where it is
		s.space.behind.Store(nil)
		return nil
	}
	s.rewriting.Lock()
	defer s.rewriting.Unlock()
	err := s.space.room(rewritten(s.db.Tables(), base))
	if err == nil {
		err = s.space.explain(s.db.Flatten(1))
	}
	switch {
	case err == nil:
		s.space.behind.Store(nil)
	case tables >= mostTables:
		s.space.behind.Store(&err)
	}
	return err
}

// rewritten returns how many bytes of tables are written anew when those of the first level become
// part of another, base: at most their own, and those there in whose keys theirs lie. From there on
// they go down one by one.
func rewritten(tables []badger.TableInfo, base int) int64 {
	var left, right []byte
	size := int64(0)
	for _, t := range tables { // by level
		switch {
		case t.Level == 0:
			if left == nil || bytes.Compare(t.Left, left) < 0 {
				left = t.Left
			}
			if bytes.Compare(t.Right, right) > 0 {
				right = t.Right
			}
			size += int64(t.OnDiskSize)
		case t.Level == base && bytes.Compare(t.Left, right) <= 0 && bytes.Compare(t.Right, left) >= 0:
			size += int64(t.OnDiskSize)
		}
	}
	return size
}
