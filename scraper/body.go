package scraper

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxKept bounds the buffers that wait for their next use, in bytes.
const maxKept = 4 << 20

// maxWindow is the largest window of a zstd frame that is accepted, in bytes: what
// https://www.rfc-editor.org/rfc/rfc9659 allows in HTTP.
const maxWindow = 8 << 20

var (
	errBodySize = errors.New("body too large")
	errEncoding = errors.New("unknown content encoding")
)

// compressError is what a decoder says of a body that is not in its encoding.
type compressError struct{ err error }

func (e *compressError) Error() string { return e.err.Error() }
func (e *compressError) Unwrap() error { return e.err }

// bodies reads HTTP bodies into buffers and decoders that are used again.
type bodies struct {
	buffers sync.Pool // *[]byte
	zstds   sync.Pool // *zstd.Decoder
	gzips   sync.Pool // *gzip.Reader
}

// read returns the body without its content encoding, and a function that takes its bytes
// back. Both the bytes that come and those that leave are at most limit: errBodySize
// otherwise. An encoding other than zstd, gzip and identity is errEncoding.
func (p *bodies) read(body io.Reader, encoding string, limit int64) ([]byte, func(), error) {
	raw := &limited{r: body, left: limit}
	buffer, ok := p.buffers.Get().(*[]byte)
	if !ok {
		buffer = new([]byte)
		*buffer = make([]byte, 0, 64<<10)
	}
	release := func() {
		if cap(*buffer) <= maxKept {
			p.buffers.Put(buffer)
		}
	}
	var err error
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		*buffer, err = readInto((*buffer)[:0], raw, limit)
	case "zstd":
		*buffer, err = p.readZstd((*buffer)[:0], raw, limit)
	case "gzip", "x-gzip":
		*buffer, err = p.readGzip((*buffer)[:0], raw, limit)
	default:
		err = errEncoding
	}
	if raw.err != nil {
		err = raw.err // what the network said, before what a decoder made of it
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return *buffer, release, nil
}

func (p *bodies) readZstd(dst []byte, r io.Reader, limit int64) ([]byte, error) {
	d, ok := p.zstds.Get().(*zstd.Decoder)
	if !ok {
		var err error
		// A concurrency of 1 decodes in the caller's goroutine and starts none.
		d, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow),
			zstd.WithDecoderLowmem(true), zstd.WithDecodeBuffersBelow(0))
		if err != nil {
			return dst, fmt.Errorf("create zstd decoder: %w", err)
		}
	}
	defer p.zstds.Put(d)
	if err := d.Reset(r); err != nil {
		return dst, &compressError{err}
	}
	defer func() { _ = d.Reset(nil) }() // lets go of r; of nothing there is nothing to fail
	return decompressInto(dst, d, limit)
}

func (p *bodies) readGzip(dst []byte, r io.Reader, limit int64) ([]byte, error) {
	d, ok := p.gzips.Get().(*gzip.Reader)
	if !ok {
		d = new(gzip.Reader)
	}
	defer p.gzips.Put(d)
	if err := d.Reset(r); err != nil {
		return dst, &compressError{err}
	}
	return decompressInto(dst, d, limit)
}

func decompressInto(dst []byte, r io.Reader, limit int64) ([]byte, error) {
	dst, err := readInto(dst, r, limit)
	if err != nil && !errors.Is(err, errBodySize) {
		err = &compressError{err}
	}
	return dst, err
}

// readInto appends all of r to dst, growing it, up to limit bytes.
func readInto(dst []byte, r io.Reader, limit int64) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if int64(len(dst)) > limit {
			return dst, errBodySize
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
}

// limited fails with errBodySize where more than left bytes come. It keeps its first error
// other than io.EOF.
type limited struct {
	r    io.Reader
	left int64
	err  error
}

func (l *limited) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	if l.left < 0 {
		err = errBodySize
	}
	if err != nil && err != io.EOF {
		l.err = err
	}
	return n, err
}
