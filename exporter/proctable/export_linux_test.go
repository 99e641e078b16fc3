package proctable

import (
	"time"

	"github.com/procmon/procmon"
)

// OpenDir opens a table of the processes that a directory like /proc has entries of.
func OpenDir(dir string, o Options) (*Table, error) {
	return open(func(o Options) (system, procmon.Opt[time.Time], error) { return openDir(dir, o) }, o)
}
