package query_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
	"github.com/procmon/procmon/storage/internal/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var began = time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)

// fleet is a source, and the plain lists of snapshots that it is held against.
type fleet struct {
	z       *block.Compressor
	names   []string // keys, sorted
	records model.Fleet
	values  map[string][][]byte // blocks
	heads   map[string]*block.Builder
}

func newFleet(t testing.TB) *fleet {
	z, err := block.NewCompressor(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(z.Close)
	return &fleet{z: z, records: model.Fleet{}, values: map[string][][]byte{}, heads: map[string]*block.Builder{}}
}

// add stores records of one host in blocks of so many, and the last of them in a builder.
func (f *fleet) add(t testing.TB, host string, records []procmon.Record, each int) {
	t.Helper()
	key := procmon.HostKey(host)
	f.names = append(f.names, key)
	slices.Sort(f.names)
	f.records[key] = records
	for len(records) > 0 {
		n := min(each, len(records))
		b := block.NewBuilder()
		for _, r := range records[:n] {
			if _, err := b.Add(nil, r); err != nil {
				t.Fatal(err)
			}
		}
		if records = records[n:]; len(records) == 0 {
			f.heads[key] = b
		} else {
			f.values[key] = append(f.values[key], b.Encode(f.z))
		}
	}
}

func (f *fleet) Hosts(context.Context) (all []procmon.HostSummary, err error) {
	for _, key := range f.names {
		r := f.records[key]
		all = append(all, procmon.HostSummary{Host: r[0].Host, Labels: r[0].Labels})
	}
	return all, nil
}

func (f *fleet) Segments(ctx context.Context, key string, from, to int64, _ func(block.Words, int64) bool, fn func(block.Segment) error) error {
	tell := func(g block.Segment) error {
		times := g.Times()
		if times[0] > to || times[len(times)-1] < from {
			return nil
		}
		return fn(g)
	}
	for _, value := range f.values[key] {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := block.Open(value, f.z)
		if err != nil {
			return err
		}
		if err := tell(b); err != nil {
			return err
		}
	}
	if head := f.heads[key]; head != nil {
		return tell(head)
	}
	return nil
}

func (f *fleet) Newest(_ context.Context, key string, until int64) (nanos int64, ok bool, err error) {
	for _, r := range f.records[key] {
		if at := r.Snapshot.Timestamp.UnixNano(); at <= until {
			nanos, ok = at, true
		}
	}
	return nanos, ok, nil
}
