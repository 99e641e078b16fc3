package webui

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

// A matchFormat is a way to write matches one after the other.
type matchFormat struct {
	contentType string
	head        string
	row         func(dst []byte, m *procmon.Match) []byte
}

var matchFormats = map[string]matchFormat{
	"csv":    {"text/csv; charset=utf-8; header=present", strings.Join(matchColumns, ",") + "\r\n", appendMatchRow},
	"ndjson": {"application/x-ndjson", "", appendMatchLine},
}

// download answers with all matches, page by page: one is held at a time, and each has the
// time of one question. An error after the first page cuts the answer off, so that the client
// does not take it for the whole.
func (s *Server) download(w http.ResponseWriter, r *http.Request, query url.Values, q procmon.SearchQuery, name string) error {
	left, err := whole(query, "limit", maxDownload, 1, maxDownload)
	if err != nil {
		return err
	}
	q.Limit = min(left, maxMatches)
	page, err := s.page(r.Context(), q)
	if err != nil {
		return err
	}
	format := matchFormats[name]
	w.Header().Set("Content-Type", format.contentType)
	w.Header().Set("Content-Disposition", `attachment; filename="procmon-search-`+s.now().UTC().Format("20060102T150405Z")+"."+name+`"`)
	if _, err := io.WriteString(w, format.head); err != nil || r.Method == http.MethodHead {
		return nil
	}
	control := http.NewResponseController(w)
	var buffer []byte
	for {
		// The server's limit is for an answer of one page.
		_ = control.SetWriteDeadline(time.Now().Add(downloadPause))
		for i := range page.Matches {
			buffer = format.row(buffer[:0], &page.Matches[i])
			if _, err := w.Write(buffer); err != nil {
				return nil // the client is gone
			}
		}
		left -= len(page.Matches)
		if page.Cursor == "" || left <= 0 {
			return nil
		}
		q.Cursor, q.Limit = page.Cursor, min(left, maxMatches)
		if page, err = s.page(r.Context(), q); err != nil {
			if r.Context().Err() == nil {
				s.log.Error("a download was cut off", "path", r.URL.EscapedPath(), "err", err)
			}
			panic(http.ErrAbortHandler)
		}
	}
}

// downloadPause is how long a client may take to read one page, and the server to find the next.
const downloadPause = 2 * time.Minute

func appendMatchLine(dst []byte, m *procmon.Match) []byte {
	var e jx.Encoder
	e.SetBytes(dst)
	writeMatch(&e, m)
	return append(e.Bytes(), '\n')
}

var matchColumns = []string{
	"host", "pid", "start_time", "name", "username", "cmdline", "exe", "cpu", "memory_bytes",
	"first_seen", "last_seen", "ended", "gone_at", "ended_at", "exit_code",
}

func appendMatchRow(dst []byte, m *procmon.Match) []byte {
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339Nano)
	}
	p := &m.Process
	var cpu, memory, exit string
	if c := finite(m.CPU); c.Known {
		cpu = strconv.FormatFloat(c.Value, 'f', -1, 64)
	}
	if m.Memory.Known {
		memory = strconv.FormatUint(m.Memory.Value, 10)
	}
	if m.ExitCode.Known {
		exit = strconv.FormatInt(m.ExitCode.Value, 10)
	}
	dst = appendCell(dst, harmless(m.Host))
	for _, cell := range [...]string{
		strconv.FormatUint(uint64(p.PID), 10), at(p.StartTime.Value), harmless(p.Name), harmless(p.Username.Value), harmless(p.Cmdline.Value), harmless(p.Exe.Value),
		cpu, memory, at(m.FirstSeen), at(m.LastSeen), strconv.FormatBool(m.Ended()), at(m.GoneAt), at(m.EndedAt), exit,
	} {
		dst = appendCell(append(dst, ','), cell)
	}
	return append(dst, "\r\n"...)
}

// harmless puts ' before what a spreadsheet would take for a formula: see
// https://owasp.org/www-community/attacks/CSV_Injection. Spaces and invisible characters at its
// begin do not hide one.
func harmless(text string) string {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case strings.ContainsRune("=+-@\t\r\n＝＋－＠", r):
			return "'" + text
		case r > ' ' && r != 0x7F && r != 0xA0 && r != 0xFEFF && !(0x200B <= r && r <= 0x200F):
			return text
		}
		at += size
	}
	return text
}

// appendCell writes a cell as RFC 4180 has it.
func appendCell(dst []byte, text string) []byte {
	if !strings.ContainsAny(text, "\",\r\n") && text == strings.TrimSpace(text) {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(text, `"`, `""`)...)
	return append(dst, '"')
}
