package webui_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/webui"
)

// TestSearch has the same matches page by page, as lines of JSON and as CSV.
func TestSearch(t *testing.T) {
	c := start(t, webui.Options{Store: fleet(t)})
	for _, test := range []struct {
		query string
		want  int
	}{
		{"", 3 * (len(hostile) + 2)},
		{"q=" + url.QueryEscape(`"a,b;c" host:alpha`), 1},
		{"q=job-&match=" + url.QueryEscape(`{site=~"ber.*"}`), 2},
		{fmt.Sprintf("q=job&from=%d&to=%d", fleetTime(0).Unix(), now.Unix()), 3 * fleetSteps},
		{fmt.Sprintf("q=job&at=%d", fleetTime(3).Unix()), 3},
		{"q=nothing", 0},
	} {
		all := c.getOK("/api/v1/search?limit=1000&" + test.query)
		matches := list(t, all, "matches")
		if len(matches) != test.want {
			t.Errorf("%s: got %d matches, want %d", test.query, len(matches), test.want)
		}
		var paged []any
		for cursor := ""; ; {
			page := c.getOK("/api/v1/search?limit=7&cursor=" + cursor + "&" + test.query)
			paged = append(paged, list(t, page, "matches")...)
			next, more := at(t, page, "cursor").(string)
			if cursor = next; !more {
				break
			}
		}
		if diff := cmp.Diff(matches, append([]any{}, paged...)); diff != "" {
			t.Errorf("%s, in pages: %s", test.query, diff)
		}
		lines := c.get("/api/v1/search?format=ndjson&" + test.query)
		var streamed []any
		for line := range strings.Lines(lines.body) {
			var match any
			if err := json.Unmarshal([]byte(line), &match); err != nil {
				t.Fatal(err)
			}
			streamed = append(streamed, match)
		}
		if diff := cmp.Diff(matches, append([]any{}, streamed...)); diff != "" {
			t.Errorf("%s, as lines: %s", test.query, diff)
		}
		checkCSV(t, c.get("/api/v1/search?format=csv&"+test.query), matches)
	}
}

func checkCSV(t *testing.T, a *answer, matches []any) {
	t.Helper()
	if got := a.header.Get("Content-Disposition"); got != `attachment; filename="procmon-search-20261122T201500Z.csv"` {
		t.Errorf("got %q", got)
	}
	if strings.Count(a.body, "\r\n") < len(matches)+1 {
		t.Error("lines do not end in CR LF")
	}
	records, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != len(matches)+1 || !slices.Equal(records[0][:4], []string{"host", "pid", "start_time", "name"}) {
		t.Fatalf("got %d records, the first %v", len(records), records[0])
	}
	for i, match := range matches {
		r := records[i+1]
		for _, cell := range []string{r[0], r[3], r[4], r[5], r[6]} {
			if first := strings.TrimLeft(cell, " "); first != "" && strings.ContainsAny(first[:1], "=+-@\t\r") {
				t.Errorf("a formula: %q", cell)
			}
		}
		name := strings.TrimPrefix(r[3], "'")
		want := strings.ReplaceAll(at(t, match, "process", "name").(string), "\r\n", "\n") // as csv.Reader reads them
		if name != want || r[0] != at(t, match, "host") || r[1] != fmt.Sprint(at(t, match, "process", "pid")) || r[9] != at(t, match, "first_seen") {
			t.Errorf("got %q, want %v", r, match)
		}
	}
}

func TestDownloadLimit(t *testing.T) {
	c := start(t, webui.Options{Store: fleet(t)})
	if got := c.get("/api/v1/search?format=ndjson&limit=5"); strings.Count(got.body, "\n") != 5 {
		t.Errorf("got %d lines", strings.Count(got.body, "\n"))
	}
	if got := c.do(http.MethodHead, "/api/v1/search?format=csv"); got.status != 200 || got.body != "" || got.header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" {
		t.Errorf("HEAD: %d %v", got.status, got.header)
	}
}
