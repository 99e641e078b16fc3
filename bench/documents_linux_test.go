package bench_test

import (
	"context"
	"encoding/binary"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/go-faster/jx"
	"github.com/klauspost/compress/zstd"

	"github.com/procmon/procmon"
)

// documents keeps each snapshot as the JSON that came, compressed with zstd, in Badger: what one
// would write first.
type documents struct {
	*badger.DB
	dir     string
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	closed  bool
}

func openDocuments(b *testing.B, dir string) history {
	db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil).WithSyncWrites(true).WithCompression(options.None))
	must(b, err)
	d := &documents{DB: db, dir: dir}
	d.encoder, err = zstd.NewWriter(nil)
	must(b, err)
	d.decoder, err = zstd.NewReader(nil)
	must(b, err)
	return d
}

func documentKey(host string, at time.Time) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(host), 0), uint64(at.UnixNano()))
}

func (d *documents) append(_ context.Context, round []procmon.Record) error {
	return d.Update(func(txn *badger.Txn) error {
		for _, r := range round {
			var e jx.Encoder
			r.Snapshot.Encode(&e)
			if err := txn.Set(documentKey(r.Host, r.Snapshot.Timestamp), d.encoder.EncodeAll(e.Bytes(), nil)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *documents) minute(context.Context, time.Time) error { return nil }

// back passes the snapshots of a host from an instant back, until f returns false.
func (d *documents) back(host string, at time.Time, f func(*procmon.Snapshot) bool) error {
	return d.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Reverse: true, Prefix: append([]byte(host), 0), PrefetchSize: 1})
		defer it.Close()
		var text []byte
		var decode procmon.Decoder
		for it.Seek(documentKey(host, at)); it.Valid(); it.Next() {
			err := it.Item().Value(func(value []byte) (err error) {
				text, err = d.decoder.DecodeAll(value, text[:0])
				return err
			})
			if err != nil {
				return err
			}
			s, err := decode.Decode(text)
			if err != nil || !f(s) {
				return err
			}
		}
		return nil
	})
}

func (d *documents) table(_ context.Context, host string, at time.Time) (processes int, err error) {
	if at.IsZero() {
		at = time.Unix(1<<33, 0)
	}
	err = d.back(host, at, func(s *procmon.Snapshot) bool {
		processes = len(s.Processes)
		return false
	})
	return processes, err
}

func (d *documents) processCPU(_ context.Context, host string, p *procmon.Process, from, to time.Time) (points int, err error) {
	id := p.ID()
	err = d.back(host, to, func(s *procmon.Snapshot) bool {
		if slices.ContainsFunc(s.Processes, func(p procmon.Process) bool { return p.ID() == id && p.CPUSeconds.Known }) {
			points++
		}
		return s.Timestamp.After(from)
	})
	return points, err
}

func (d *documents) top(_ context.Context, host string, from, to time.Time) (int, error) {
	type span struct{ first, last float64 }
	used := map[procmon.ProcessID]span{}
	err := d.back(host, to, func(s *procmon.Snapshot) bool {
		for i := range s.Processes {
			p := &s.Processes[i]
			u, ok := used[p.ID()]
			if !ok {
				u.last = p.CPUSeconds.Value
			}
			u.first = p.CPUSeconds.Value
			used[p.ID()] = u
		}
		return s.Timestamp.After(from)
	})
	all := slices.SortedFunc(maps.Values(used), func(a, b span) int { return int(1e3 * ((b.last - b.first) - (a.last - a.first))) })
	return len(all[:min(len(all), 10)]), err
}

func (d *documents) show(context.Context) error { return nil }

func (d *documents) disk() (all, logs int64, err error) {
	all, err = allocated(d.dir)
	return all, 0, err
}

func (d *documents) settle(context.Context) error { return d.Flatten(2) }

func (d *documents) close() error {
	if d.closed {
		return nil
	}
	d.closed = true
	d.encoder.Close()
	d.decoder.Close()
	return d.Close()
}

func (d *documents) pid() int { return os.Getpid() }
