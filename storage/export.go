package storage

import (
	"bufio"
	"context"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

// An ExportQuery chooses what Export writes.
type ExportQuery struct {
	Hosts    []string // none is all
	From, To time.Time
}

// Export writes every snapshot of a range, both ends included, as a line of JSON: the fields of
// GET /api/latest/, and id, host and labels. It goes host by host, and forward in time. A host
// that is not known is procmon.ErrNotFound; then nothing was written.
func (s *Store) Export(ctx context.Context, w io.Writer, q ExportQuery) (snapshots int64, err error) {
	hosts := q.Hosts
	if len(hosts) == 0 {
		for _, h := range s.summaries() {
			hosts = append(hosts, h.Host)
		}
	}
	for _, host := range hosts {
		if err := s.known(host); err != nil {
			return 0, err
		}
	}
	out := bufio.NewWriterSize(w, 256<<10)
	var e jx.Encoder
	for _, host := range hosts {
		err := s.Snapshots(ctx, host, q.From, q.To, func(r procmon.Record) error {
			e.Reset()
			writeLine(&e, r)
			snapshots++
			_, err := out.Write(append(e.Bytes(), '\n'))
			return err
		})
		if err != nil {
			return snapshots, err
		}
	}
	return snapshots, out.Flush()
}

func writeLine(e *jx.Encoder, r procmon.Record) {
	e.Obj(func(e *jx.Encoder) {
		e.Field("id", func(e *jx.Encoder) { e.Str(procmon.SnapshotID(r.Host, r.Snapshot.Timestamp)) })
		e.Field("host", func(e *jx.Encoder) { e.Str(r.Host) })
		e.Field("labels", func(e *jx.Encoder) {
			e.Obj(func(e *jx.Encoder) {
				for _, name := range slices.Sorted(maps.Keys(r.Labels)) {
					e.Field(name, func(e *jx.Encoder) { e.Str(r.Labels[name]) })
				}
			})
		})
		r.Snapshot.EncodeFields(e)
	})
}
