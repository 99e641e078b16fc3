package storage_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"math/bits"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/storage/internal/odd"
	"github.com/procmon/procmon/test/workload"
)

// TestFormatIsAsThePageSays reads a store with nothing but what FORMAT.md says: the reader in
// this file and the next was written from the page and shares no code with the store.
func TestFormatIsAsThePageSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testFormat)
}

func testFormat(t *testing.T) {
	clock := &testClock{}
	clock.set(noon)
	var all []procmon.Record
	for seed := range uint64(8) {
		all = append(all, oddHistory(seed, 20)...)
	}
	h := workload.New(5, 0)
	h.JitterMillis = 40
	for range 150 {
		all = append(all, h.Record())
	}
	large := record("large", 0)
	large.Snapshot.Processes[0].Cmdline = procmon.Some(noise("large", 700_000))
	all = append(all, large)
	want := map[string]procmon.Record{}
	for _, r := range all {
		want[procmon.SnapshotID(procmon.HostKey(r.Host), r.Snapshot.Timestamp)] = r
	}
	for _, sealed := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "data")
		s := openStore(t, dir, func(o *storage.Options) { o.Clock = clock.now })
		appendTogether(t, s, all...)
		if sealed {
			clock.set(clock.now().Add(1000 * time.Hour))
			must(t, s.Seal(t.Context()))
			if n := storage.Singles(t, s); n > 0 {
				t.Errorf("%d snapshots are in no block", n)
			}
		}
		must(t, s.Close())
		got := map[string]procmon.Record{}
		for _, r := range readPage(t, dir) {
			id := procmon.SnapshotID(procmon.HostKey(r.Host), r.Snapshot.Timestamp)
			if _, twice := got[id]; twice {
				t.Errorf("%s is there twice", id)
			}
			got[id] = r
		}
		if diff := gocmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
			t.Fatalf("blocks %t: snapshots (-want +got):\n%s", sealed, diff)
		}
		sameBits := gocmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
		for id, r := range want {
			if diff := gocmp.Diff(r, got[id], sameBits); diff != "" {
				t.Fatalf("blocks %t: %s (-want +got):\n%s", sealed, id, diff)
			}
		}
	}
}

// oddHistory is snapshots of one host, full of odd values.
func oddHistory(seed uint64, n int) (records []procmon.Record) {
	s := odd.New(seed)
	r := s.Record()
	for i := range n {
		r = s.Successor(r)
		snapshot := *r.Snapshot
		snapshot.Timestamp = noon.Add(time.Duration(i)*17*time.Second + time.Duration(seed*uint64(i)))
		seen := map[uint32]bool{}
		snapshot.Processes = slices.DeleteFunc(slices.Clone(snapshot.Processes), func(p procmon.Process) bool {
			twice := seen[p.PID]
			seen[p.PID] = true
			return twice || p.StartTime.Known && (p.StartTime.Value.Year() < 1900 || p.StartTime.Value.Year() > 2200)
		})
		if y := snapshot.System.BootTime.Value.Year(); y < 1900 || y > 2200 {
			snapshot.System.BootTime = procmon.Opt[time.Time]{}
		}
		snapshot.Events = slices.DeleteFunc(slices.Clone(snapshot.Events), func(e procmon.Event) bool {
			bad := func(at time.Time) bool { return at.Year() < 1900 || at.Year() > 2200 }
			return bad(e.Time) || e.StartTime.Known && bad(e.StartTime.Value)
		})
		if seed%3 == 0 {
			slices.SortFunc(snapshot.Processes, func(a, b procmon.Process) int { return cmp.Compare(a.PID, b.PID) })
		}
		r.Host, r.Snapshot = fmt.Sprintf("Odd-%d", seed), &snapshot
		records = append(records, r)
	}
	return records
}

// A page is a reader of values. It does not expect damage, and panics.
type page struct{ b []byte }

func (p *page) uvarint() uint64 {
	v, n := binary.Uvarint(p.b)
	p.b = p.b[n:]
	return v
}

func (p *page) varint() int64 {
	v := p.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (p *page) take(n uint64) []byte {
	b := p.b[:n:n]
	p.b = p.b[n:]
	return b
}

func (p *page) byte() byte   { return p.take(1)[0] }
func (p *page) crc() uint32  { return binary.LittleEndian.Uint32(p.take(4)) }
func (p *page) text() []byte { return p.take(p.uvarint()) }
func coded(v uint64) int64   { return int64(v>>1) ^ -int64(v&1) }
func crcOf(parts ...[]byte) uint32 {
	return crc32.Checksum(bytes.Join(parts, nil), crc32.MakeTable(crc32.Castagnoli))
}
func pageTime(nanos int64) time.Time { return time.Unix(0, nanos).UTC() }

// pageHost takes the host from a key.
func (p *page) pageHost() string {
	var name []byte
	for {
		switch c := p.byte(); {
		case c != 0:
			name = append(name, c)
		case p.byte() == 1:
			return string(name)
		default:
			name = append(name, 0)
		}
	}
}

func (p *page) keyTime() int64 { return int64(binary.BigEndian.Uint64(p.take(8)) - 1<<63) }

// readPage returns every snapshot of a store that is closed.
func readPage(t *testing.T, dir string) (all []procmon.Record) {
	t.Helper()
	db, err := badger.Open(badger.DefaultOptions(filepath.Join(dir, "db")).WithLogger(nil).WithCompression(options.None))
	must(t, err)
	defer func() { must(t, db.Close()) }()
	zr, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	must(t, err)
	defer zr.Close()
	unzip := func(data []byte) []byte {
		out, err := zr.DecodeAll(data, nil)
		must(t, err)
		return out
	}
	must(t, db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.DefaultIteratorOptions)
		defer it.Close()
		value := func(key []byte) []byte {
			item, err := txn.Get(key)
			must(t, err)
			v, err := item.ValueCopy(nil)
			must(t, err)
			return v
		}
		whole := func(key []byte) []byte {
			v := value(key)
			if len(v) == 5 && v[0] == 0xFF {
				var parts []byte
				for i := range binary.BigEndian.Uint32(v[1:]) {
					parts = append(parts, value(binary.BigEndian.AppendUint32(bytes.Clone(key), i))...)
				}
				return parts
			}
			return v
		}
		var segment *pageSegment
		var segmentKey []byte
		for it.Rewind(); it.Valid(); it.Next() {
			key := it.Item().KeyCopy(nil)
			switch k := (page{key}); k.byte() {
			case 't':
				k.take(4)
				host, first, at := k.pageHost(), k.keyTime(), k.keyTime()
				if len(k.b) > 0 {
					continue // a part
				}
				if first == at {
					segment, segmentKey = newPageSegment(), key[:len(key)-8]
				} else if !bytes.HasPrefix(key, segmentKey) {
					t.Fatalf("%s: a step without the first one", host)
				}
				v := page{whole(key)}
				kind, sum := v.byte(), v.crc()
				if crcOf(key, []byte{kind}, v.b) != sum {
					t.Fatalf("%s: the checksum of a step is not what the page says", host)
				}
				if kind == 1 {
					v.b = unzip(v.b)
				}
				all = append(all, segment.step(&v))
				if got := segment.times[len(segment.times)-1]; got != at {
					t.Fatalf("%s: a step is of %v, and its key of %v", host, pageTime(got), pageTime(at))
				}
			case 'b':
				k.take(4)
				_, first, _ := k.pageHost(), k.keyTime(), k.keyTime()
				if len(k.b) > 0 {
					continue
				}
				records := readPageBlock(t, whole(key), unzip)
				if at := records[0].Snapshot.Timestamp.UnixNano(); at != first {
					t.Fatalf("a block begins at %d, and its key at %d", at, first)
				}
				all = append(all, records...)
			}
		}
		return nil
	}))
	return all
}

// readPageBlock returns the snapshots of a block.
func readPageBlock(t *testing.T, value []byte, unzip func([]byte) []byte) (all []procmon.Record) {
	v := page{value}
	if v.byte() != 1 {
		t.Fatal("the version is not 1")
	}
	type head struct {
		size, stored uint64
		sum          uint32
	}
	var heads [17]head
	for i := range heads {
		heads[i] = head{v.uvarint(), v.uvarint(), v.crc()}
	}
	if crcOf(value[:len(value)-len(v.b)]) != v.crc() {
		t.Fatal("the checksum of the heads is not what the page says")
	}
	var sections [17]page
	for i, h := range heads {
		data := v.take(h.stored)
		if crcOf(data) != h.sum {
			t.Fatal("the checksum of a section is not what the page says")
		}
		if h.stored != h.size {
			data = unzip(data)
		}
		if uint64(len(data)) != h.size {
			t.Fatal("the size of a section is not what the page says")
		}
		sections[i].b = data
	}
	g := newPageSegment()
	for i, texts := range []*[]string{&g.words, &g.lines} {
		s := &sections[1+i]
		lengths := make([]uint64, s.uvarint())
		for j := range lengths {
			lengths[j] = s.uvarint()
		}
		for _, n := range lengths {
			*texts = append(*texts, string(s.take(n)))
		}
	}
	meta := &sections[0]
	steps, rows := int(meta.uvarint()), int(meta.uvarint())
	at, between := int64(binary.LittleEndian.Uint64(meta.take(8))), int64(0)
	unit := int64(meta.uvarint())
	for i := range steps {
		if i > 0 {
			between += meta.varint() * unit
			at += between
		}
		g.times = append(g.times, at)
	}
	hosts, orders, events := page{meta.text()}, page{meta.text()}, page{meta.text()}
	stays := readPageRows(&sections[3], g, rows, steps)
	changes := readPageActivity(&sections[4], stays)
	series := make([][][]uint64, 26) // by column, row and number of the change, with the first value at 0
	for c := range series {
		s := &sections[3]
		if c < 12 {
			s = &sections[5+c]
		}
		series[c] = readPageColumn(s, c, changes)
	}
	for i := range sections[3:] {
		if len(sections[3+i].b) > 0 {
			t.Fatalf("section %d is longer than the page says", 3+i)
		}
	}
	nextHost, nextOrder, nextEvents := hosts.next(0), orders.next(0), events.next(0)
	number := make([]int, rows)
	for step := range steps {
		if step == nextHost {
			g.changeHost(&hosts)
			nextHost = hosts.next(step)
		}
		var present []int
		for i := range stays {
			if slices.ContainsFunc(stays[i], func(s [2]int) bool { return s[0] <= step && step < s[1] }) {
				present = append(present, i)
			}
			first := stays[i][0][0]
			if step == first {
				for c := range series {
					g.rows[i].now[c] = series[c][i][0]
				}
			} else if n := number[i]; n < len(changes[i]) && changes[i][n].step == step {
				number[i]++
				for m := changes[i][n].mask; m != 0; m &= m - 1 {
					c := bits.TrailingZeros64(m)
					index := 1
					for _, before := range changes[i][:n] {
						index += int(before.mask >> c & 1)
					}
					g.rows[i].now[c] = series[c][i][index]
				}
			}
		}
		var order []int
		if step == nextOrder {
			order = orders.rows(int(orders.uvarint()))
			nextOrder = orders.next(step)
		}
		var list []procmon.Event
		if step == nextEvents {
			list = g.events(&events, g.times[step])
			nextEvents = events.next(step)
		}
		all = append(all, g.snapshot(step, present, order, list))
	}
	return all
}

// next returns the step of what stands next in a list, of which the one before was of that
// step; -1 at the end.
func (p *page) next(step int) int {
	if len(p.b) == 0 {
		return -1
	}
	return step + int(p.uvarint())
}
