package spool

import (
	"fmt"
	"log/slog"
	"time"
)

// Defaults of Options, and the smallest that are allowed.
const (
	DefaultMaxSize = 64 << 20 // bytes
	DefaultMaxAge  = 24 * time.Hour
	MinMaxSize     = 1 << 20 // bytes
	MinMaxAge      = time.Minute
)

// Options configures a Spool. The zero value keeps snapshots in memory, up to 240 of them
// and 4 MiB.
type Options struct {
	Path    string        // the directory, which is created with its parents; empty keeps snapshots in memory
	MaxSize int64         // bytes that the files take together; 0 is DefaultMaxSize
	MaxAge  time.Duration // after which a snapshot is dropped; 0 is DefaultMaxAge
	Logger  *slog.Logger  // nil discards
}

// Check says which option is wrong, and what is allowed.
func (o Options) Check() error {
	if o.MaxSize != 0 && o.MaxSize < MinMaxSize {
		return fmt.Errorf("the spool's largest size of %d bytes is too small; the smallest is 1MiB", o.MaxSize)
	}
	if o.MaxAge != 0 && o.MaxAge < MinMaxAge {
		return fmt.Errorf("the spool's longest age %v is too short; the shortest is 1m", o.MaxAge)
	}
	return nil
}
