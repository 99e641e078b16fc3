//go:build linux

package storage_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/procmon/procmon/test/workload"
)

// openDaysEnv is of how many days BenchmarkOpenLarge has the history; a day takes 0.65 GB.
const openDaysEnv = "PROCMON_STORAGE_OPEN_DAYS"

// BenchmarkOpenLarge opens a store of 500 hosts that was stopped an hour after its last blocks were
// made, on the disk of the temporary directory, of which the system has forgotten what it may. One
// op is one opening.
func BenchmarkOpenLarge(b *testing.B) {
	days, err := strconv.Atoi(os.Getenv(openDaysEnv))
	if err != nil {
		b.Skipf("%s does not say of how many days", openDaysEnv)
	}
	s := simulateIn(b, b.TempDir(), 1, 500, workload.Shape{})
	s.fill(days, 240)
	s.reopen(func() { forgetPages(b, s.dir) })
	b.ReportMetric(float64(allocated(b, s.dir))/1e9, "GB")
}

// forgetPages has the system forget what it remembers of the files in dir.
func forgetPages(b *testing.B, dir string) {
	b.Helper()
	must(b, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return errors.Join(f.Sync(), unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
	}))
}
