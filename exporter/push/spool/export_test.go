package spool

import "time"

// OpenAt is Open with clocks that a test sets.
func OpenAt(o Options, wall func() time.Time, elapsed func() time.Duration) (*Spool, error) {
	return open(o, clock{wall: wall, elapsed: elapsed})
}

// Coder compresses and decompresses.
func Coder() (encode func(base, json []byte) ([]byte, error), decode func(base, payload []byte, size int) ([]byte, error)) {
	c := &coder{}
	return func(base, json []byte) ([]byte, error) { return c.encode(nil, base, json) },
		func(base, payload []byte, size int) ([]byte, error) { return c.decode(nil, base, payload, size) }
}
