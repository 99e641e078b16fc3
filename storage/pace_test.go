package storage_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
)

// pace is the least time between the beginnings of two commits.
const pace = 40 * time.Millisecond

// idle is how long nothing comes after a commit, so that it is not taken for the next of one
// who waited for the answer.
const idle = 5 * time.Millisecond

// pacing runs fn with a store that has just committed a snapshot of the host "a", in a bubble
// where time passes only while the store waits.
func pacing(t *testing.T, fn func(t *testing.T, s *storage.Store)) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, dir)
		time.Sleep(time.Second) // of the bubble
		start := time.Now()
		appendAll(t, s, record("a", time.Minute))
		if waited := time.Since(start); waited != 0 {
			t.Fatalf("a snapshot waited %s for an idle store", waited)
		}
		time.Sleep(idle)
		fn(t, s)
	})
}

func TestSteadySnapshotsShareCommits(t *testing.T) {
	pacing(t, func(t *testing.T, s *storage.Store) {
		const every, n = 10 * time.Millisecond, 100
		var longest atomic.Int64
		var wg sync.WaitGroup
		for i := range n {
			time.Sleep(every)
			wg.Go(func() {
				start := time.Now()
				appendAll(t, s, record(fmt.Sprint(i), 0))
				waited := int64(time.Since(start))
				for old := longest.Load(); waited > old && !longest.CompareAndSwap(old, waited); old = longest.Load() {
				}
			})
		}
		wg.Wait()
		if most := float64(n*every/pace) + 2; metric(t, s, "procmon_storage_commits_total") > most {
			t.Errorf("%v commits, want at most %v", metric(t, s, "procmon_storage_commits_total"), most)
		}
		if longest := time.Duration(longest.Load()); longest > pace {
			t.Errorf("a snapshot waited %s, want at most %s", longest, pace)
		}
	})
}

func TestFullBatchDoesNotWait(t *testing.T) {
	pacing(t, func(t *testing.T, s *storage.Store) {
		const full, n = 256, 300
		start := time.Now()
		var atOnce, later atomic.Int32
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				appendAll(t, s, record(fmt.Sprint(i), 0))
				switch time.Since(start) {
				case 0:
					atOnce.Add(1)
				case pace:
					later.Add(1)
				}
			})
		}
		wg.Wait()
		if atOnce.Load() != full || later.Load() != n-full {
			t.Errorf("%d were stored at once and %d after the pause, want %d and %d", atOnce.Load(), later.Load(), full, n-full)
		}
	})
}

// TestOneAfterTheOther is a client that waits for its answers, and for nothing else.
func TestOneAfterTheOther(t *testing.T) {
	pacing(t, func(t *testing.T, s *storage.Store) {
		start := time.Now()
		for i := range 20 {
			appendAll(t, s, record("b", -time.Duration(i)*time.Second))
		}
		if waited := time.Since(start); waited > pace {
			t.Errorf("20 snapshots took %s", waited)
		}
	})
}

// TestDuringThePause has one thing come after the other while the store waits.
func TestDuringThePause(t *testing.T) {
	const before = 10 * time.Millisecond
	for _, test := range []struct {
		name  string
		do    func(t *testing.T, s *storage.Store) error
		want  error
		after time.Duration // it returns
	}{
		{
			name:  "append",
			do:    func(t *testing.T, s *storage.Store) error { return s.Append(t.Context(), record("a", 0)) },
			after: pace - idle,
		},
		{
			name:  "mark stale",
			do:    func(t *testing.T, s *storage.Store) error { return s.MarkStale(t.Context(), "a", noon) },
			after: pace - idle,
		},
		{
			name:  "expire",
			do:    func(t *testing.T, s *storage.Store) error { return s.Expire(t.Context()) },
			after: pace - idle,
		},
		{
			name: "close",
			do: func(_ *testing.T, s *storage.Store) error {
				return s.Close()
			},
			after: before,
		},
		{
			name: "context ends",
			do: func(t *testing.T, s *storage.Store) error {
				ctx, cancel := context.WithTimeout(t.Context(), before)
				defer cancel()
				return s.Append(ctx, record("b", 0))
			},
			want:  context.DeadlineExceeded,
			after: 2 * before,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			pacing(t, func(t *testing.T, s *storage.Store) {
				start := time.Now()
				waiting := make(chan error, 1)
				go func() { waiting <- s.Append(context.Background(), record("a", 30*time.Second)) }()
				time.Sleep(before)
				err := test.do(t, s)
				if waited := time.Since(start); !errors.Is(err, test.want) || waited != test.after {
					t.Errorf("%v after %s; want %v after %s", err, waited, test.want, test.after)
				}
				if err := <-waiting; err != nil {
					t.Errorf("the snapshot that waited: %v", err)
				}
				if test.name == "close" {
					return
				}
				must(t, s.Expire(t.Context())) // after everything before it
				if _, err := s.Host(t.Context(), "b"); !errors.Is(err, procmon.ErrNotFound) {
					t.Errorf("what nobody waited for any more was stored: %v", err)
				}
			})
		})
	}
}
