package storage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/procmon/procmon"
)

// fleet is what is known of every host without reading. Only the committer, and Open before
// there is one, changes it; mu is for the others, who read.
type fleet struct {
	mu      sync.RWMutex
	hosts   map[string]*host
	changed chan struct{} // closed at the next change; nil if nobody waits for one
}

// host is never changed once it is in the map: the committer puts a new one in its place.
type host struct {
	summary  procmon.HostSummary
	oldest   int64             // of the snapshots that are kept, Unix nanoseconds
	newest   int64             //
	before   int64             // of the snapshot before the newest; minNanos if there is none
	stale    int64             // from when on the host is stale; minNanos if it is not
	counters *procmon.Counters // of the newest snapshot
}

// minNanos is earlier than every snapshot.
const minNanos = -maxNanos

func (f *fleet) get(key string) *host {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.hosts[key]
}

func (f *fleet) put(key string, h *host) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hosts[key] = h
	f.tell()
}

func (f *fleet) remove(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.hosts, key)
	f.tell()
}

// tell wakes who waits for a change. The caller holds mu.
func (f *fleet) tell() {
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// Changed returns a channel that is closed when anything changes of what Hosts answers: a
// snapshot was stored, a host became stale by a missed scrape, or was removed. Who waits for
// more has to ask again, and look at what there is only after asking. Nothing waits for a reader.
func (s *Store) Changed() <-chan struct{} {
	s.fleet.mu.Lock()
	defer s.fleet.mu.Unlock()
	if s.fleet.changed == nil {
		s.fleet.changed = make(chan struct{})
	}
	return s.fleet.changed
}

// latest returns the key of the host with the newest snapshot, or "".
func (f *fleet) latest() string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	key, newest := "", int64(minNanos)
	for k, h := range f.hosts {
		if h.newest > newest || h.newest == newest && k < key {
			key, newest = k, h.newest
		}
	}
	return key
}

func (f *fleet) newest(key string) int64 {
	if h := f.get(key); h != nil {
		return h.newest
	}
	return minNanos
}

// newestPartition returns the partition of the newest snapshot, which is known to be noted.
func (f *fleet) newestPartition(key string) partition { return partitionOf(f.newest(key)) }

// staleFrom returns from when on a host is stale of which a scrape was missed at nanos, and
// whether that is news.
func (f *fleet) staleFrom(key string, nanos int64) (at int64, news bool) {
	h := f.get(key)
	if h == nil || h.stale != minNanos {
		return 0, false
	}
	return max(nanos, h.newest+1), true
}

func (f *fleet) marked(key string, nanos int64) {
	h := *f.get(key)
	h.stale = nanos
	f.put(key, &h)
}

// add returns old, which may be nil, with the snapshot of r as its newest.
func (f *fleet) add(old *host, r procmon.Record, nanos int64) *host {
	s := r.Snapshot
	h := &host{oldest: nanos, newest: nanos, before: minNanos, stale: minNanos}
	var previous *procmon.Counters
	if old != nil {
		h.oldest, h.before = old.oldest, old.newest
		h.summary = old.summary
		if nanos-old.newest <= int64(farthest) {
			previous = old.counters
		}
		if old.stale > nanos {
			h.stale = old.stale
		}
	}
	cpu := procmon.CPUPercent(previous, s)
	h.summary = procmon.HostSummary{
		Host:      keep(h.summary.Host, r.Host),
		Labels:    keepLabels(h.summary.Labels, r.Labels),
		FirstSeen: nanoTime(h.oldest),
		LastSeen:  nanoTime(h.newest),
		System:    keepSystem(h.summary.System, s.System),
		Processes: len(s.Processes),
		CPU:       procmon.HostCPUPercent(s, cpu),
		Busiest:   busiest(s, cpu),
	}
	h.counters = s.Counters()
	return h
}

func nanoTime(nanos int64) time.Time { return time.Unix(0, nanos).UTC() }

func busiest(s *procmon.Snapshot, cpu []procmon.Opt[float64]) *procmon.Usage {
	most := -1
	for i, c := range cpu {
		if c.Known && !s.Processes[i].Idle() && (most < 0 || c.Value > cpu[most].Value) {
			most = i
		}
	}
	if most < 0 {
		return nil
	}
	p := &s.Processes[most]
	return &procmon.Usage{ID: p.ID(), Name: strings.Clone(p.Name), CPU: cpu[most].Value}
}

// keep returns v as text that holds no other memory. A snapshot's texts are cut from one
// large text, which a summary must not keep.
func keep(old, v string) string {
	if old == v {
		return old
	}
	return strings.Clone(v)
}

func keepLabels(old, labels map[string]string) map[string]string {
	if maps.Equal(old, labels) {
		return old
	}
	kept := make(map[string]string, len(labels))
	for name, value := range labels {
		kept[strings.Clone(name)] = strings.Clone(value)
	}
	return kept
}

func keepSystem(old, s procmon.System) procmon.System {
	s.OS.Value = keep(old.OS.Value, s.OS.Value)
	s.Processor.Value = keep(old.Processor.Value, s.Processor.Value)
	s.AgentVersion.Value = keep(old.AgentVersion.Value, s.AgentVersion.Value)
	return s
}

// summaries returns those of the hosts that have something that is not before their cutoff,
// by key.
func (f *fleet) summaries(cutoffOf func(*host) int64) []procmon.HostSummary {
	type entry struct {
		key    string
		cutoff int64
		*host
	}
	f.mu.RLock()
	entries := make([]entry, 0, len(f.hosts))
	for key, h := range f.hosts {
		if cutoff := cutoffOf(h); h.newest >= cutoff {
			entries = append(entries, entry{key, cutoff, h})
		}
	}
	f.mu.RUnlock()
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	out := make([]procmon.HostSummary, len(entries))
	for i, e := range entries {
		out[i] = e.visible(e.cutoff)
	}
	return out
}

// visible returns the summary without what has expired but was not removed yet.
func (h *host) visible(cutoff int64) procmon.HostSummary {
	summary := h.summary
	if h.oldest < cutoff {
		summary.FirstSeen = nanoTime(cutoff)
	}
	return summary
}

func unknownHost(name string) error { return fmt.Errorf("host %q: %w", name, procmon.ErrNotFound) }
