package scraper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/procmon/procmon"
)

// An exporter says in cursorHeader up to where the events in its answer go, and answers a
// request that repeats this in afterHeader with what came later. It remembers nothing of us:
// the events of an answer that was not stored come again.
const (
	cursorHeader = "Procmon-Events-Cursor"
	afterHeader  = "Procmon-Events-After"
)

// answer is what a target sent.
type answer struct {
	body    []byte // valid until release
	release func()
	cursor  string // empty if there was none
}

// cursorOf returns what shall be repeated to the target at the next time.
func cursorOf(header http.Header) string {
	const longest = 256 // bytes
	if cursor := header.Get(cursorHeader); len(cursor) <= longest {
		return cursor
	}
	return ""
}

// fetch gets one answer. The caller's context ends it after the timeout that is named in the
// error. The caller releases the answer.
func (p *bodies) fetch(client *http.Client, req *http.Request, timeout time.Duration, limit int64) (*answer, error) {
	resp, err := client.Do(req)
	if err != nil {
		if f := connectFailure(err, req.URL.Host); f != nil {
			return nil, f
		}
		return nil, fail(reasonTimeout, "no answer within the scrape timeout of %v", timeout)
	}
	defer resp.Body.Close()

	if resp.StatusCode != http.StatusOK {
		return nil, statusFailure(resp)
	}
	if got := resp.Header.Get("Content-Type"); !isJSON(got) {
		return nil, fail(reasonContentType, "the content type of the answer is %q and must be %s; is the path %s right?", got, procmon.ContentType, req.URL.Path)
	}
	if resp.ContentLength > limit {
		return nil, tooLarge("the answer", "body_size_limit", limit)
	}
	encoding := resp.Header.Get("Content-Encoding")
	body, release, err := p.read(resp.Body, encoding, limit)
	if ce, ok := errors.AsType[*compressError](err); ok {
		return nil, fail(reasonEncoding, "the answer is not valid %s: %v", encoding, ce)
	}
	switch {
	case err == nil:
		return &answer{body, release, cursorOf(resp.Header)}, nil
	case errors.Is(err, errBodySize):
		return nil, tooLarge("the answer", "body_size_limit", limit)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fail(reasonTimeout, "the answer was not complete within the scrape timeout of %v", timeout)
	case errors.Is(err, errEncoding):
		return nil, fail(reasonEncoding, "the content encoding of the answer is %q; zstd, gzip and identity are allowed", encoding)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fail(reasonRead, "the connection was closed before the answer was complete")
	}
	return nil, fail(reasonRead, "read the answer: %v", err)
}

// statusFailure names the status and what the target said about it, in plain text, if it is short.
func statusFailure(resp *http.Response) *failure {
	const most = 200 // bytes
	text := fmt.Sprintf("the target answered HTTP status %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if said, err := io.ReadAll(io.LimitReader(resp.Body, most)); err == nil && len(said) > 0 && len(said) < most &&
		strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
		text += ": " + string(said)
	}
	return fail(reasonStatus, "%s", text)
}

func isJSON(contentType string) bool {
	if contentType == procmon.ContentType {
		return true
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && mediaType == procmon.ContentType
}

func tooLarge(what, option string, limit int64) *failure {
	return fail(reasonBodySize, "%s is larger than the %s of %s", what, option, size(limit))
}

// size writes a number of bytes as the configuration does, where 1KB is 1024 bytes.
func size(n int64) string {
	units := []string{"B", "KB", "MB", "GB", "TB"}
	i := 0
	for i < len(units)-1 && n >= 1024 && n%1024 == 0 {
		n, i = n/1024, i+1
	}
	return fmt.Sprintf("%d%s", n, units[i])
}
