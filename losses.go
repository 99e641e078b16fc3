package procmon

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// Losses gathers what a question could not read since it is damaged. Its answer is right, but for
// what stood there. The zero value is empty; it is safe for concurrent use.
type Losses struct {
	mu   sync.Mutex
	lost map[loss]bool
}

type loss struct {
	host string // key
	at   int64  // Unix nanoseconds
}

type lossesKey struct{}

// NotingLosses returns a context by which a store notes in l what a question passes over.
func NotingLosses(ctx context.Context, l *Losses) context.Context {
	return context.WithValue(ctx, lossesKey{}, l)
}

// NoteLoss notes that something of a host, which began at an instant, can not be read. It does
// nothing where nobody asks; see NotingLosses.
func NoteLoss(ctx context.Context, host string, at time.Time) {
	l, ok := ctx.Value(lossesKey{}).(*Losses)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost == nil {
		l.lost = map[loss]bool{}
	}
	l.lost[loss{HostKey(host), at.UnixNano()}] = true
}

// Count returns how many blocks and snapshots were passed over.
func (l *Losses) Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lost)
}

// Hosts returns the keys of the hosts whose they are, in order.
func (l *Losses) Hosts() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	hosts := map[string]bool{}
	for at := range l.lost {
		hosts[at.host] = true
	}
	return slices.Sorted(maps.Keys(hosts))
}
