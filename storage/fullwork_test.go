package storage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/procmon/procmon/storage"
)

// fullDirEnv makes the test binary a process that works on the store in that directory.
// fullRoundsEnv is how often its disk is filled; make crash sets it.
const (
	fullDirEnv    = "PROCMON_STORAGE_FULL_DIR"
	fullRoundsEnv = "PROCMON_STORAGE_FULL_ROUNDS"
)

// fullAge is how long that store keeps snapshots.
const fullAge = 12 * time.Hour

// workOnFullDisk appends, makes blocks and lets them expire until its standard input ends.
func workOnFullDisk(dir string) {
	ctx := context.Background()
	from, err := strconv.ParseInt(os.Getenv(crashWorkEnv), 10, 64)
	if err != nil {
		panic(err)
	}
	began := time.Now()
	clock := func() time.Time { return time.Unix(0, from).Add(crashSpeed * time.Since(began)) }
	s, err := storage.Open(dir, storage.Options{Clock: clock, Retention: fullAge})
	if err != nil {
		panic(err)
	}
	var ended atomic.Bool
	var workers sync.WaitGroup
	allowed := func(err error) {
		if err != nil && !errors.Is(err, storage.ErrFull) {
			panic(err)
		}
	}
	workers.Go(func() {
		for !ended.Load() {
			allowed(s.Seal(ctx))
			allowed(s.Expire(ctx))
		}
	})
	for host := range crashHosts {
		workers.Go(func() {
			for number := 0; !ended.Load(); number++ {
				c := crashSnapshot{host, clock().UnixNano()}
				err := s.Append(ctx, (&crashWork{noise: 10_000}).record(c))
				allowed(err)
				if err == nil {
					fmt.Println("stored", c.host, c.nanos)
				} else {
					fmt.Println("refused")
				}
			}
		})
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	ended.Store(true)
	workers.Wait()
	if err := s.Close(); err != nil {
		panic(err)
	}
}
