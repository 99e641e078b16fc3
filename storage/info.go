package storage

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/procmon/procmon/storage/internal/block"
)

// Info says what is kept.
type Info struct {
	Path      string     `json:"path"`
	Format    int        `json:"format"`
	DiskBytes int64      `json:"disk_bytes"` // that the directory takes, with logs and what is to be removed
	Total     Amount     `json:"total"`
	Hosts     []HostInfo `json:"hosts"` // by name
}

// HostInfo says what is kept of a host.
type HostInfo struct {
	Host  string    `json:"host"`
	Total Amount    `json:"total"`
	Days  []DayInfo `json:"days"` // ascending
}

// DayInfo says what is kept of a host and a day, in UTC.
type DayInfo struct {
	Day string `json:"day"` // like 2026-11-22
	Amount
}

// Amount says how much there is of something.
type Amount struct {
	Snapshots int64 `json:"snapshots"`
	// ProcessSamples is the number of processes in all snapshots.
	ProcessSamples int64     `json:"process_samples"`
	Bytes          int64     `json:"bytes"` // of keys and values
	First          time.Time `json:"first,omitzero"`
	Last           time.Time `json:"last,omitzero"`
}

func (a *Amount) add(b Amount) {
	a.Snapshots += b.Snapshots
	a.ProcessSamples += b.ProcessSamples
	a.Bytes += b.Bytes
	if b.Snapshots == 0 {
		return
	}
	if a.First.IsZero() || b.First.Before(a.First) {
		a.First = b.First
	}
	if b.Last.After(a.Last) {
		a.Last = b.Last
	}
}

// Info counts what is stored, also what has expired and was not removed yet. It reads a small
// part of every block.
func (s *Store) Info(ctx context.Context) (Info, error) {
	info := Info{Path: s.dir, Format: formatVersion}
	places, err := s.notes()
	if err != nil {
		return info, fmt.Errorf("read storage %s: %w", s.dir, err)
	}
	for _, host := range slices.Sorted(maps.Keys(places)) {
		h, err := s.hostInfo(ctx, host, places[host])
		if err != nil {
			return info, fmt.Errorf("read storage %s: %w", s.dir, err)
		}
		info.Hosts = append(info.Hosts, h)
		info.Total.add(h.Total)
	}
	info.DiskBytes, err = diskUsage(s.dir)
	return info, err
}

// notes returns in which partitions the hosts have something.
func (s *Store) notes() (map[string][]partition, error) {
	places := make(map[string][]partition)
	err := s.view(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixHost}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if host, p, ok := parseHostKey(it.Item().Key()); ok {
				places[host] = append(places[host], p)
			}
		}
		return nil
	})
	return places, err
}

func (s *Store) hostInfo(ctx context.Context, host string, partitions []partition) (HostInfo, error) {
	h := HostInfo{Host: host}
	if known := s.fleet.get(host); known != nil {
		h.Host = known.summary.Host
	}
	for _, p := range partitions {
		a, err := s.amount(ctx, host, p)
		if err != nil {
			return h, err
		}
		h.Total.add(a)
		// A day has a whole number of partitions.
		day := nanoTime(p.start()).Format(time.DateOnly)
		if n := len(h.Days); n == 0 || h.Days[n-1].Day != day {
			h.Days = append(h.Days, DayInfo{Day: day})
		}
		h.Days[len(h.Days)-1].add(a)
	}
	return h, nil
}

// amount counts what there is of a host in a partition.
func (s *Store) amount(ctx context.Context, host string, p partition) (a Amount, err error) {
	open := s.heads.of(host) // before the transaction; see walk
	f := finder{store: s, ctx: ctx, host: host, cutoff: minNanos}
	err = s.view(func(txn *badger.Txn) error {
		for _, prefix := range s.prefixesOf(host, p) {
			a.Bytes += sizeOf(txn, prefix)
		}
		all, err := f.inOrder(txn, p, open)
		if err != nil {
			return err
		}
		for _, g := range all {
			if err := g.read(a.count); err != nil {
				s.damage.add(s.log, blockName(host, g.times()[0]), err.Error())
			}
		}
		return nil
	})
	return a, err
}

// count adds what is in a segment.
func (a *Amount) count(g block.Segment) error {
	rows, err := g.Rows()
	if err != nil {
		return err
	}
	times := g.Times()
	b := Amount{Snapshots: int64(len(times)), First: nanoTime(times[0]), Last: nanoTime(times[len(times)-1])}
	for i := range rows {
		rows[i].Stays(func(from, to int) { b.ProcessSamples += int64(min(to, len(times)) - from) })
	}
	a.add(b)
	return nil
}

// prefixesOf returns what the keys of a host in a partition begin with.
func (s *Store) prefixesOf(host string, p partition) [][]byte {
	prefixes := [][]byte{blockPrefix(host, p), markerPrefix(host, p), mergeKey(host, p), stepsPrefix(host, p)}
	if s.legacy.there() {
		for slot := range byte(slots) {
			prefixes = append(prefixes, seriesPrefix(host, p, slot))
		}
	}
	return prefixes
}

func sizeOf(txn *badger.Txn, prefix []byte) (bytes int64) {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		bytes += min(it.Item().EstimatedSize(), math.MaxInt32)
	}
	return bytes
}
