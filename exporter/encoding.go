package exporter

import (
	"bytes"
	"compress/gzip"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// encoding is a content coding of HTTP, in the order of our preference.
type encoding int

const (
	identity encoding = iota
	gzipped
	zstandard
	encodings // how many there are
)

func (e encoding) String() string {
	return [encodings]string{"identity", "gzip", "zstd"}[e]
}

// negotiate returns the encoding that an Accept-Encoding header asks for: the one with the
// highest weight, and of equal ones the smallest
// (https://www.rfc-editor.org/rfc/rfc9110#name-accept-encoding).
func negotiate(header string) encoding {
	var weights [encodings]float64
	var named [encodings]bool
	rest := 0.0 // weight of "*"
	for part := range strings.SplitSeq(header, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		weight := 1.0
		if key, value, ok := strings.Cut(strings.TrimSpace(parameters), "="); ok && strings.EqualFold(key, "q") {
			w, err := strconv.ParseFloat(value, 64)
			if err != nil || !(w >= 0 && w <= 1) {
				continue
			}
			weight = w
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip", "x-gzip":
			weights[gzipped], named[gzipped] = weight, true
		case "zstd":
			weights[zstandard], named[zstandard] = weight, true
		case "*":
			rest = weight
		}
	}
	best := identity
	for e := zstandard; e > identity; e-- {
		weight := weights[e]
		if !named[e] {
			weight = rest
		}
		if weight > 0 && (best == identity || weight > weights[best]) {
			best = e
			weights[e] = weight
		}
	}
	return best
}

// compressor compresses one body at a time. The zero value is ready.
type compressor struct {
	mu   sync.Mutex
	zstd *zstd.Encoder
	gzip *gzip.Writer
}

// compress appends src in encoding e to dst.
func (c *compressor) compress(dst, src []byte, e encoding) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e == zstandard {
		if c.zstd == nil {
			// The options are constant and valid. A small window keeps a small agent small.
			c.zstd, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
				zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true),
				zstd.WithEncoderCRC(false)) // TCP and TLS have their own, and it costs the reader
		}
		return c.zstd.EncodeAll(src, dst)
	}
	out := bytes.NewBuffer(dst)
	if c.gzip == nil {
		c.gzip, _ = gzip.NewWriterLevel(out, gzip.BestSpeed)
	} else {
		c.gzip.Reset(out)
	}
	_, _ = c.gzip.Write(src) // a bytes.Buffer takes everything
	c.gzip.Close()
	return out.Bytes()
}
