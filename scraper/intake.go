package scraper

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/procmon/procmon"
)

// maxAhead is how far a host's clock may be ahead of the server's.
const maxAhead = 10 * time.Minute

// intake is the one road into the store, for pulled and pushed snapshots alike.
type intake struct {
	appender  Appender
	retention time.Duration
	now       func() time.Time
}

// decode reads and validates a snapshot. It keeps nothing of body.
func (in *intake) decode(read func([]byte) (*procmon.Snapshot, error), body []byte) (*procmon.Snapshot, error) {
	s, err := read(bytes.TrimPrefix(body, []byte("\ufeff")))
	if err != nil {
		return nil, fail(reasonInvalid, "%v", err)
	}
	now := in.now()
	if ahead := s.Timestamp.Sub(now); ahead > maxAhead {
		return nil, fail(reasonTimestamp, "timestamp: %s is %v ahead of the server's clock; at most 10m is allowed; is the clock of the host right?",
			s.Timestamp.Format(time.RFC3339), ahead.Round(time.Second))
	}
	if age := now.Sub(s.Timestamp); in.retention > 0 && age > in.retention {
		return nil, fail(reasonTimestamp, "timestamp: %s is %v old; at most the retention time of %v is allowed; is the clock of the host right?",
			s.Timestamp.Format(time.RFC3339), age.Round(time.Second), in.retention)
	}
	return s, nil
}

// store returns after the record is durable.
func (in *intake) store(ctx context.Context, r procmon.Record) error {
	if err := in.appender.Append(ctx, r); err != nil {
		f := fail(reasonStorage, "store the snapshot: %v", err)
		f.err = err
		return f
	}
	return nil
}

// reasonOf returns the reason of an error that fetch, decode or store returned.
func reasonOf(err error) reason {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.reason
	}
	return reasonRead
}
