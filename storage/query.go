package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
	"github.com/procmon/procmon/storage/internal/query"
)

// source is the store as package query reads it.
type source struct{ *Store }

func (s source) Segments(ctx context.Context, host string, from, to int64, pass func(block.Words, int64) bool, f func(block.Segment) error) error {
	return s.segments(ctx, host, from, to, pass, f)
}

func (s source) Newest(ctx context.Context, host string, until int64) (int64, bool, error) {
	return s.newestAt(ctx, host, until)
}

func (s *Store) engine() *query.Engine { return &query.Engine{Source: source{s}} }

// known makes sure that there is such a host.
func (s *Store) known(host string) error {
	if h, _ := s.kept(procmon.HostKey(host)); h == nil {
		return unknownHost(host)
	}
	return nil
}

// Life returns what is known of one process of a host from first to last. A process that was
// never in a snapshot is known by its events. The error is procmon.ErrNotFound if there is no
// such process.
func (s *Store) Life(ctx context.Context, host string, id procmon.ProcessID) (procmon.Life, error) {
	if err := s.known(host); err != nil {
		return procmon.Life{}, err
	}
	return s.engine().Life(ctx, host, id)
}

// Difference returns what changed on a host between two instants: from the newest snapshot at
// or before the one to that of the other. The error is procmon.ErrNotFound as in At, and a
// *procmon.FieldError if after is before before.
func (s *Store) Difference(ctx context.Context, host string, before, after time.Time) (procmon.Difference, error) {
	if after.Before(before) {
		return procmon.Difference{}, &procmon.FieldError{Field: "after", Problem: fmt.Sprintf("%s is before %s", after.Format(time.RFC3339), before.Format(time.RFC3339))}
	}
	then, err := s.At(ctx, host, before)
	if err != nil {
		return procmon.Difference{}, err
	}
	now, err := s.At(ctx, host, after)
	if err != nil {
		return procmon.Difference{}, err
	}
	d := procmon.Difference{Host: now.Host, Before: then.Snapshot, After: now.Snapshot}
	d.Started, d.Ended, d.Stayed = procmon.Diff(then.Snapshot, now.Snapshot)
	return d, nil
}

// Series returns metrics of a host, or of one process of it, over time. CPU use and rates come
// from counters of consecutive snapshots that are at most an hour apart; where one shrank, or
// the snapshot before is missing, there is no value. A process that is not there in the
// range has series without points. More than 11,000 points are procmon.ErrTooMuch; a bad
// question is a *procmon.FieldError.
func (s *Store) Series(ctx context.Context, q procmon.SeriesQuery) (procmon.Series, error) {
	if err := s.known(q.Host); err != nil {
		return procmon.Series{}, err
	}
	return s.engine().Series(ctx, q)
}

// Top returns who used most in a range, at most 1,000 rows, the most first. A bad question is
// a *procmon.FieldError.
func (s *Store) Top(ctx context.Context, q procmon.TopQuery) ([]procmon.TopRow, error) {
	return s.engine().Top(ctx, q)
}

// Search returns one page of the processes that match, at most 1,000, by host, then by when
// they were seen first. A bad question is a *procmon.FieldError.
func (s *Store) Search(ctx context.Context, q procmon.SearchQuery) (procmon.Matches, error) {
	return s.engine().Search(ctx, q)
}
