package storage_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
)

// churn returns snapshots of a host at random instants of some slots. Processes come, go and
// change from each to the next, and most facts do not.
func churn(rnd *rand.Rand, host string, n int) (records []procmon.Record) {
	at := noon.Add(-time.Hour)
	var ps []procmon.Process
	pid := uint32(rnd.IntN(100))
	for range n {
		at = at.Add(time.Duration(rnd.Int64N(int64(40 * time.Second))))
		for range rnd.IntN(4) {
			pid += 1 + uint32(rnd.IntN(5))
			p := procmon.Process{PID: pid, Name: fmt.Sprintf("p%d", rnd.IntN(5)), StartTime: procmon.Some(at)}
			if rnd.IntN(2) == 0 {
				p.Services = []string{"Dhcp", "EventLog"}
			}
			ps = slices.Insert(ps, rnd.IntN(len(ps)+1), p)
		}
		for i := range ps {
			switch rnd.IntN(6) {
			case 0:
				ps[i].CPUSeconds = procmon.Some(float64(rnd.IntN(1000)) / 64)
			case 1:
				ps[i].ReadBytes = procmon.Opt[uint64]{}
			case 2:
				ps[i].ReadBytes = procmon.Some(rnd.Uint64N(1 << 40))
			}
		}
		if len(ps) > 20 {
			ps = slices.Delete(ps, 0, 5)
		}
		r := record(host, 0)
		r.Snapshot.Timestamp = at
		r.Snapshot.Processes = slices.Clone(ps)
		records = append(records, r)
	}
	return records
}

// TestChangesInAnyOrder appends snapshots of few slots at once, early and late, while others
// are read, and opens the store again in between: each comes back as it was delivered.
func TestChangesInAnyOrder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	rnd := rand.New(rand.NewPCG(7, 7))
	var all []procmon.Record
	for i := range 4 {
		all = append(all, churn(rnd, fmt.Sprintf("Host-%d", i), 60)...)
	}
	deliveries := slices.Clone(all)
	for range len(deliveries) { // nearly in order of time
		i := rnd.IntN(len(deliveries) - 9)
		j := i + rnd.IntN(9)
		deliveries[i], deliveries[j] = deliveries[j], deliveries[i]
	}
	s := openStore(t, dir)
	for len(deliveries) > 0 {
		batch := deliveries[:min(1+rnd.IntN(12), len(deliveries))]
		deliveries = deliveries[len(batch):]
		var wg sync.WaitGroup
		for _, r := range batch {
			wg.Go(func() {
				if err := s.Append(t.Context(), r); err != nil {
					t.Error(err)
				}
				v, err := s.At(t.Context(), r.Host, r.Snapshot.Timestamp)
				if err != nil || !reflect.DeepEqual(r, v.Record) {
					t.Errorf("%v (-want +got):\n%s", err, cmp.Diff(r, v.Record))
				}
			})
		}
		wg.Wait()
		if rnd.IntN(12) == 0 {
			must(t, s.Close())
			s = openStore(t, dir)
		}
	}
	for range 2 {
		if lost := missing(t, s, all); len(lost) > 0 {
			t.Errorf("lost %v", lost)
		}
		if d := s.Damage(); len(d) > 0 {
			t.Errorf("damage: %v", d)
		}
		must(t, s.Close())
		s = openStore(t, dir)
	}
}
