package scraper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// A reason is why a scrape or a push failed, as the label of a metric says it.
type reason string

const (
	reasonConnect     reason = "connect"
	reasonTimeout     reason = "timeout"
	reasonStatus      reason = "http_status"
	reasonContentType reason = "content_type"
	reasonEncoding    reason = "encoding"
	reasonBodySize    reason = "body_size"
	reasonRead        reason = "read"
	reasonInvalid     reason = "invalid"
	reasonTimestamp   reason = "timestamp"
	reasonConflict    reason = "host_conflict"
	reasonStorage     reason = "storage"
)

var reasons = []reason{
	reasonConnect, reasonTimeout, reasonStatus, reasonContentType, reasonEncoding, reasonBodySize,
	reasonRead, reasonInvalid, reasonTimestamp, reasonConflict, reasonStorage,
}

// failure is the error of a scrape or a push. Its text is one line that is fit to be shown.
type failure struct {
	reason reason
	text   string
	err    error // the cause, for the log; may be nil
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }

// fail makes a failure; what a peer said may stand among args.
func fail(r reason, format string, args ...any) *failure {
	return &failure{reason: r, text: printable(fmt.Sprintf(format, args...))}
}

// maxText bounds a line that is shown, in bytes.
const maxText = 400

// printable returns s on one line, of bounded length and without the characters that
// control a terminal or the direction of text.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() > maxText {
			b.WriteString("…")
			break
		}
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			b.WriteRune(unicode.ReplacementChar)
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// connectFailure says why a target gave no answer.
func connectFailure(err error, address string) *failure {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	switch dns, isDNS := errors.AsType[*net.DNSError](err); {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail(reasonConnect, "connect to %s: connection refused; is procmon-exporter running and listening there?", address)
	case isDNS && dns.IsNotFound:
		return fail(reasonConnect, "connect to %s: no host has the name %s", address, dns.Name)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET):
		return fail(reasonConnect, "%s closed the connection without an answer", address)
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return fail(reasonConnect, "connect to %s: %v", address, err)
	}
	return fail(reasonConnect, "request to %s: %v", address, err)
}
