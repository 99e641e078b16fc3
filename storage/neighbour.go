package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon"
)

// Neighbour returns the time of the snapshot that is so many after the newest one at or before
// an instant, or before it if offset is negative. Where there are not so many it is the last or
// the first. The zero time asks for the newest of all. The error is procmon.ErrNotFound as in
// At.
func (s *Store) Neighbour(ctx context.Context, name string, at time.Time, offset int) (time.Time, error) {
	until := int64(maxNanos)
	if !at.IsZero() {
		until = clampNanos(at)
	}
	key := procmon.HostKey(name)
	h, cutoff := s.kept(key)
	if h == nil {
		return time.Time{}, unknownHost(name)
	}
	f := finder{store: s, ctx: ctx, host: key, cutoff: cutoff}
	found, err := int64(minNanos), error(nil)
	if offset <= 0 {
		found, err = f.back(until, -offset)
	} else if found, err = f.back(until, 0); err == nil && found != minNanos && found < h.newest {
		found, err = f.ahead(found, offset)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("find a snapshot of %q: %w", name, err)
	}
	if found == minNanos {
		return time.Time{}, fmt.Errorf("snapshot of %q: %w", name, procmon.ErrNotFound)
	}
	return nanoTime(found), nil
}

// back returns the time of the snapshot that is skip before the newest at or before until, or
// of the first, or minNanos if there is none.
func (f *finder) back(until int64, skip int) (int64, error) {
	found := int64(minNanos)
	err := f.walk(until, func(e entry) error {
		if e.marker {
			return nil
		}
		found = e.nanos
		if skip--; skip < 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

// ahead returns the time of the snapshot that is so many after one, or of the last.
func (f *finder) ahead(of int64, many int) (int64, error) {
	found := of
	err := f.forward(of, maxNanos, func(txn *badger.Txn, p partition, open []*segment) error {
		entries, err := f.others(txn, p, maxNanos, open)
		if err != nil {
			return err
		}
		for _, e := range slices.Backward(entries) {
			if e.marker || e.nanos <= of {
				continue
			}
			found = e.nanos
			if many--; many == 0 {
				return errEnough
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}
