package push

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// The content codings that bodies are sent in; "" is none.
const (
	zstdCoding = "zstd"
	gzipCoding = "gzip"
)

// preferred returns the coding that an Accept-Encoding header in an answer allows and that
// costs least: zstd, then gzip, then none; not one that the server refused
// (https://www.rfc-editor.org/rfc/rfc9110#field.accept-encoding).
func preferred(accepted, refused []string) string {
	best := ""
	for part := range strings.SplitSeq(strings.Join(accepted, ","), ",") {
		name, parameter, _ := strings.Cut(part, ";")
		if weight, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(parameter)), "q="); ok {
			if q, err := strconv.ParseFloat(weight, 64); err != nil || !(q > 0) {
				continue
			}
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(refused, name) && (name == zstdCoding || name == gzipCoding && best == "") {
			best = name
		}
	}
	return best
}

// compressor makes bodies. The zero value is ready.
type compressor struct {
	zstd *zstd.Encoder
	gzip *gzip.Writer
	size int // of the last one, bytes
}

// body returns a snapshot as it is sent. The bytes are the caller's: a connection may read
// them for longer than its request lasts.
func (c *compressor) body(json []byte, coding string) ([]byte, error) {
	switch coding {
	case zstdCoding:
		if c.zstd == nil {
			// A small window keeps a small agent small; TCP and TLS have checksums.
			e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
				zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
			if err != nil {
				return nil, fmt.Errorf("create zstd encoder: %w", err)
			}
			c.zstd = e
		}
		body := c.zstd.EncodeAll(json, make([]byte, 0, c.size+c.size/8))
		c.size = len(body)
		return body, nil
	case gzipCoding:
		var body bytes.Buffer
		if c.gzip == nil {
			c.gzip = gzip.NewWriter(&body)
		} else {
			c.gzip.Reset(&body)
		}
		_, _ = c.gzip.Write(json) // a bytes.Buffer takes everything
		c.gzip.Close()
		return body.Bytes(), nil
	}
	return slices.Clone(json), nil
}
