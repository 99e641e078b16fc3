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

// compactLoop has Badger make new tables part of the lowest level until ctx ends.
func (s *Store) compactLoop(ctx context.Context) {
	tick := time.NewTicker(compactEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.compact(); err != nil && !errors.Is(err, ErrFull) {
				s.log.Error("new tables could not become part of the lowest level", "err", err)
			}
		}
	}
}

// compact makes all tables one level, so that what was removed leaves the disk. New keys stand at
// the end of each kind, so that little of the lowest level is written anew.
func (s *Store) compact() error {
	tables, below := 0, false
	for _, l := range s.db.Levels() {
		if l.Level == 0 {
			tables = l.NumTables
		} else if l.NumTables > 0 {
			below = true
		}
	}
	if tables == 0 || tables == 1 && !below { // Badger leaves a single table where it is
		return nil
	}
	s.rewriting.Lock()
	defer s.rewriting.Unlock()
	if err := s.space.room(rewritten(s.db.Tables())); err != nil {
		return err
	}
	return s.db.Flatten(1)
}

// rewritten returns how many bytes of tables are written anew when those of the first level become
// part of another: at most their own, and those in whose keys theirs lie.
func rewritten(tables []badger.TableInfo) int64 {
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
		case bytes.Compare(t.Left, right) <= 0 && bytes.Compare(t.Right, left) >= 0:
			size += int64(t.OnDiskSize)
		}
	}
	return size
}
