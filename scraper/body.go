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
	zstds   sync.Map  // *zstd.Decoder by limit; there are few limits
	gzips   sync.Pool // *gzip.Reader
}

// read returns the body without its content encoding, and a function that takes its bytes
// back. Both the bytes that come and those that leave are at most limit: errBodySize
// otherwise. An encoding other than zstd, gzip and identity is errEncoding.
func (p *bodies) read(body io.Reader, encoding string, limit int64) ([]byte, func(), error) {
	raw := &limited{r: body, left: limit}
	buffer, release := p.buffer()
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

// buffer returns a buffer and a function that takes it back.
func (p *bodies) buffer() (*[]byte, func()) {
	buffer, ok := p.buffers.Get().(*[]byte)
	if !ok {
		buffer = new([]byte)
		*buffer = make([]byte, 0, 64<<10)
	}
	return buffer, func() {
		if cap(*buffer) <= maxKept {
			p.buffers.Put(buffer)
		}
	}
}

// readZstd reads all that comes before it decompresses it: that is far less work than to
// decompress while reading.
func (p *bodies) readZstd(dst []byte, r io.Reader, limit int64) ([]byte, error) {
	compressed, release := p.buffer()
	defer release()
	var err error
	if *compressed, err = readInto((*compressed)[:0], r, limit); err != nil {
		return dst, &compressError{err}
	}
	d, err := p.zstd(limit)
	if err != nil {
		return dst, err
	}
	dst, err = d.DecodeAll(*compressed, dst)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded) && windowAllowed(*compressed):
		return dst, errBodySize
	case err != nil:
		return dst, &compressError{err}
	}
	return dst, nil
}

// windowAllowed reports whether a frame has a window that would do for a smaller body.
func windowAllowed(frame []byte) bool {
	var h zstd.Header
	return h.Decode(frame) == nil && h.WindowSize <= maxWindow
}

// zstd returns the decoder of bodies of at most limit bytes, which all of them share.
func (p *bodies) zstd(limit int64) (*zstd.Decoder, error) {
	if d, ok := p.zstds.Load(limit); ok {
		return d.(*zstd.Decoder), nil
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(uint64(limit)), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("create zstd decoder: %w", err)
	}
	p.zstds.Store(limit, d)
	return d, nil
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
