package bench_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	peer "github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/compression"

	"github.com/procmon/procmon"
)

// prometheus is the database of Prometheus as a library, used as its scrapes do: series are
// known by their number once they were seen, and end with a mark. It is asked without HTTP, and
// but for top without PromQL, which is the fastest way.
type prometheus struct {
	*tsdb.DB
	dir    string
	engine *promql.Engine
	hosts  map[string]*promHost
	closed bool
}

type promHost struct {
	newest time.Time
	seen   map[procmon.ProcessID]*promProcess
}

type promProcess struct {
	refs  [info + 1]peer.SeriesRef
	at    int64 // milliseconds
	lists [info + 1]labels.Labels
}

func openPrometheus(b *testing.B, dir string) history {
	o := tsdb.DefaultOptions()
	o.WALCompression = compression.Snappy                // as the program does
	o.MaxBlockDuration = (36 * time.Hour).Milliseconds() // as the program does for 15 days
	db, err := tsdb.Open(dir, nil, nil, o, nil)
	must(b, err)
	db.DisableCompactions() // minute does them: time is simulated
	return &prometheus{
		DB: db, dir: dir, hosts: make(map[string]*promHost),
		engine: promql.NewEngine(promql.EngineOpts{
			MaxSamples: 50e6, Timeout: 2 * time.Minute, Parser: parser.NewParser(parser.Options{}),
		}),
	}
}

func (p *prometheus) append(ctx context.Context, round []procmon.Record) error {
	for _, r := range round {
		a := p.Appender(ctx)
		if err := p.scrape(a, r); err != nil {
			return errors.Join(err, a.Rollback())
		}
		if err := a.Commit(); err != nil {
			return err
		}
	}
	return nil
}

func (p *prometheus) scrape(a peer.Appender, r procmon.Record) (err error) {
	h := p.hosts[r.Host]
	if h == nil {
		h = &promHost{seen: make(map[procmon.ProcessID]*promProcess)}
		p.hosts[r.Host] = h
	}
	h.newest = r.Snapshot.Timestamp
	at := h.newest.UnixMilli()
	for i := range r.Snapshot.Processes {
		process := &r.Snapshot.Processes[i]
		id := process.ID()
		known := h.seen[id]
		if known == nil {
			known = &promProcess{}
			for n := range figures {
				known.lists[n] = labels.FromStrings(labelsOf(n, r.Host, process)...)
			}
			h.seen[id] = known
		}
		known.at = at
		for n, f := range figures {
			if known.refs[n], err = a.Append(known.refs[n], known.lists[n], at, f.value(process)); err != nil {
				return err
			}
		}
	}
	for id, known := range h.seen {
		if known.at == at {
			continue
		}
		for n := range figures {
			if _, err := a.Append(known.refs[n], known.lists[n], at, math.Float64frombits(value.StaleNaN)); err != nil {
				return err
			}
		}
		delete(h.seen, id)
	}
	return nil
}

func (p *prometheus) minute(ctx context.Context, _ time.Time) error { return p.Compact(ctx) }

// table looks for the newest sample of each series of a host, at most five minutes back, as
// PromQL does.
func (p *prometheus) table(ctx context.Context, host string, at time.Time) (processes int, err error) {
	if at.IsZero() {
		at = p.hosts[host].newest
	}
	q, err := p.Querier(at.Add(-5*time.Minute).UnixMilli(), at.UnixMilli())
	if err != nil {
		return 0, err
	}
	defer q.Close()
	set := q.Select(ctx, false, nil, labels.MustNewMatcher(labels.MatchEqual, "instance", host))
	var it chunkenc.Iterator
	for set.Next() {
		series := set.At()
		it = series.Iterator(it)
		last := math.Float64frombits(value.StaleNaN)
		for it.Next() == chunkenc.ValFloat {
			_, last = it.At()
		}
		if !value.IsStaleNaN(last) && series.Labels().Get("__name__") == figures[0].name {
			processes++
		}
	}
	return processes, set.Err()
}

func (p *prometheus) processCPU(ctx context.Context, host string, process *procmon.Process, from, to time.Time) (points int, err error) {
	q, err := p.Querier(from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return 0, err
	}
	defer q.Close()
	set := q.Select(ctx, false, nil,
		labels.MustNewMatcher(labels.MatchEqual, "__name__", figures[0].name),
		labels.MustNewMatcher(labels.MatchEqual, "instance", host),
		labels.MustNewMatcher(labels.MatchEqual, "pid", strconv.FormatUint(uint64(process.PID), 10)))
	for set.Next() {
		for it := set.At().Iterator(nil); it.Next() == chunkenc.ValFloat; points++ {
			it.At()
		}
	}
	return points, set.Err()
}

func (p *prometheus) top(ctx context.Context, host string, from, to time.Time) (rows int, err error) {
	q, err := p.engine.NewInstantQuery(ctx, p, nil, topQuery(host, from, to), to)
	if err != nil {
		return 0, err
	}
	defer q.Close()
	vector, err := q.Exec(ctx).Vector()
	return len(vector), err
}

// topQuery is PromQL.
func topQuery(host string, from, to time.Time) string {
	return fmt.Sprintf(`topk(10, increase(%s{instance=%q}[%ds]))`, figures[0].name, host, int(to.Sub(from).Seconds()))
}

func (p *prometheus) show(context.Context) error { return nil }

// disk counts the write-ahead log and what is like it as logs.
func (p *prometheus) disk() (all, logs int64, err error) {
	if all, err = allocated(p.dir); err != nil {
		return 0, 0, err
	}
	blocks, err := allocated(p.dir, "wal", "wbl", "chunks_head")
	return all, all - blocks, err
}

// settle makes a block of what is in memory too.
func (p *prometheus) settle(ctx context.Context) error {
	if err := p.CompactHead(tsdb.NewRangeHead(p.Head(), p.Head().MinTime(), p.Head().MaxTime())); err != nil {
		return err
	}
	return p.Compact(ctx)
}

func (p *prometheus) close() error {
	if p.closed {
		return nil
	}
	p.closed = true
	return p.Close()
}

func (p *prometheus) pid() int { return os.Getpid() }
