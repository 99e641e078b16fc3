package webui_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/webui"
)

func TestDocumentedPayloadComesBackEqual(t *testing.T) {
	data, err := os.ReadFile("../testdata/documented.json")
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := procmon.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	// What was sent, with the host's facts under "system" and without what is unknown.
	want := decode(t, string(data)).(map[string]any)
	system := map[string]any{}
	for name, value := range want {
		if name != "hostname" && name != "timestamp" && name != "processes" {
			system[name] = value
			delete(want, name)
		}
	}
	want["system"] = system
	for _, p := range want["processes"].([]any) {
		if p := p.(map[string]any); p["ppid"] == nil {
			delete(p, "ppid")
		}
	}

	store := &memory{}
	store.keep("other", &procmon.Snapshot{Hostname: "other", Timestamp: snapshot.Timestamp.Add(-time.Second)})
	store.keep(snapshot.Hostname, snapshot)
	c := start(t, webui.Options{Store: store})
	for _, path := range []string{"/api/latest/", "/api/latest", "/api/latest/?hostname=machine-name", "/api/latest?hostname=Machine-NAME"} {
		if diff := cmp.Diff(want, c.getOK(path)); diff != "" {
			t.Errorf("%s (-sent +back):\n%s", path, diff)
		}
	}
	if got := c.getOK("/api/latest/?hostname=other").(map[string]any)["hostname"]; got != "other" {
		t.Errorf("asked for other, got %v", got)
	}
}

func TestSnapshot(t *testing.T) {
	store := &memory{views: []procmon.View{{
		Record: procmon.Record{
			Host: "Alpha", Labels: map[string]string{"job": "windows"},
			Snapshot: &procmon.Snapshot{
				Hostname: "ALPHA.example", Timestamp: now.Add(123456789), System: procmon.System{OS: procmon.Some("")},
				Processes: []procmon.Process{{PID: 4294967295, Name: "</script>&\u2028\x00", ReadBytes: procmon.Some(uint64(1 << 62))}},
			},
		},
		Previous: &procmon.Snapshot{Timestamp: now.Add(-15 * time.Second)},
		Stale:    true,
	}}}
	got := start(t, webui.Options{Store: store}).get("/api/v1/hosts/alpha/snapshot")
	want := `{"id":"alpha@2026-11-22T20:15:00.123456789Z","host":"Alpha","previous":"2026-11-22T20:14:45Z","stale":true,"labels":{"job":"windows"},` +
		`"hostname":"ALPHA.example","timestamp":"2026-11-22T20:15:00.123456789Z","system":{"os":""},` +
		`"processes":[{"pid":4294967295,"name":"</script>&` + "\u2028" + `\u0000","read_bytes":4611686018427387904}]}` + "\n"
	if diff := cmp.Diff(want, got.body); diff != "" {
		t.Error(diff)
	}
	if got.header.Get("Content-Type") != "application/json" || got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("hostile text is delivered as %v", got.header)
	}
}

// history is one host with snapshots at now and at 1.5 s and 1 ns before it.
func history() *memory {
	store := &memory{}
	for _, at := range []time.Time{now.Add(-1500 * time.Millisecond), now.Add(-1), now} {
		store.keep("alpha", &procmon.Snapshot{Hostname: "alpha", Timestamp: at})
	}
	return store
}

func TestAt(t *testing.T) {
	c := start(t, webui.Options{Store: history()})
	const first, second, third = "2026-11-22T20:14:58.5Z", "2026-11-22T20:14:59.999999999Z", "2026-11-22T20:15:00Z"
	unix := now.Unix()
	for _, test := range []struct{ at, want string }{
		{first, first},
		{second, second},
		{third, third},
		{"2026-11-22T20:14:59Z", first},
		{"2199-12-31T23:59:59Z", third},
		{url.QueryEscape("2026-11-22T22:14:58.5+02:00"), first},
		{"2026-11-22T22:14:58.5+02:00", first}, // the plus sign not encoded
		{fmt.Sprint(unix), third},
		{fmt.Sprint(unix) + ".000", third},
		{fmt.Sprint(unix-1) + ".999999999", second},
		{fmt.Sprint(unix-1) + ".9999999999999", second},
		{fmt.Sprint(unix-1) + ".999999998", first},
		{fmt.Sprint(unix-2) + ".5", first},
		{strconv.FormatFloat(float64(unix), 'e', -1, 64), third},
	} {
		for _, of := range []string{"snapshot", "tree"} {
			got := c.getOK("/api/v1/hosts/alpha/" + of + "?at=" + test.at).(map[string]any)["timestamp"]
			if got != test.want {
				t.Errorf("%s?at=%s is of %v, want %s", of, test.at, got, test.want)
			}
		}
	}
}

func TestWrongRequests(t *testing.T) {
	c := start(t, webui.Options{Store: history(), Receiver: http.NotFoundHandler()})
	notAnInstant := func(value string) string {
		return `parameter at: ` + value + ` is not an RFC 3339 time, like 2026-11-22T20:15:00Z, or Unix seconds, like 1795378500.5, between the years 1700 and 2200; leave it out for now`
	}
	const unknownPath = `is not known; /api/v1/openapi.yaml lists those that are`
	for _, test := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/api/v1/hosts/alpha/snapshot?at=yesterday", 400, notAnInstant(`"yesterday"`)},
		{"GET", "/api/v1/hosts/alpha/tree?at=", 400, notAnInstant(`""`)},
		{"GET", "/api/v1/hosts/alpha/tree?at=NaN", 400, notAnInstant(`"NaN"`)},
		{"GET", "/api/v1/hosts/alpha/tree?at=-", 400, notAnInstant(`"-"`)},
		{"GET", "/api/v1/hosts/alpha/tree?at=1e99", 400, notAnInstant(`"1e99"`)},
		{"GET", "/api/v1/hosts/alpha/tree?at=99999999999", 400, notAnInstant(`"99999999999"`)},
		{"GET", "/api/v1/hosts/alpha/tree?at=1695-01-01T00:00:00Z", 400, notAnInstant(`"1695-01-01T00:00:00Z"`)},
		{"GET", "/api/v1/hosts/alpha/tree?at=2026-11-22", 400, notAnInstant(`"2026-11-22"`)},
		{"GET", "/api/v1/hosts/alpha/tree?at=%3Cb%3E%0A%ff", 400, notAnInstant(`"<b>\n\xff"`)},
		{"GET", "/api/v1/hosts/alpha/tree?at=" + strings.Repeat("1", 1000), 400, notAnInstant(`"` + strings.Repeat("1", 60) + `"…`)},
		{"GET", "/api/v1/hosts/alpha/tree?at=1&at=2", 400, `parameter at: there 2 times; it is allowed once`},
		{"GET", "/api/v1/hosts/alpha/tree?time=1", 400, `parameter "time": not known; allowed is at, offset, have, previous, limit, open`},
		{"GET", "/api/v1/hosts/alpha/tree?limit=0", 400, `parameter limit: "0" is not a whole number from 1 to 100000`},
		{"GET", "/api/v1/hosts/alpha/tree?limit=9&open=most", 400, `parameter open: "most" is not one of auto, all, roots, none`},
		{"GET", "/api/v1/hosts/alpha/tree?open=all", 400, `parameter open: makes no sense without limit`},
		{"GET", "/api/v1/hosts/alpha/tree?limit=9&have=a", 400, `parameter limit: not allowed with have, as what differs is told of whole trees`},
		{"GET", "/api/v1/hosts/alpha/tree?at=%zz", 400, `query: "at=%zz" is not name=value pairs, joined by & and percent-encoded`},
		{"GET", "/api/v1/hosts/alpha/tree?at=1;a", 400, `query: "at=1;a" is not name=value pairs, joined by & and percent-encoded`},
		{"GET", "/api/v1/hosts?at=1", 400, `parameter "at": not known; allowed is limit`},
		{"GET", "/api/v1/hosts?limit=-1", 400, `parameter limit: "-1" is not a whole number from 0 to 100000`},
		{"GET", "/api/v1/hosts?limit=", 400, `parameter limit: "" is not a whole number from 0 to 100000`},
		{"GET", "/api/v1/hosts?limit=1&limit=2", 400, `parameter limit: there 2 times; it is allowed once`},
		{"GET", "/api/v1/hosts/alpha?limit=1", 400, `parameter "limit": not known; none is allowed here`},
		{"GET", "/api/v1/hosts/alpha?x", 400, `parameter "x": not known; none is allowed here`},
		{"GET", "/api/v1/targets?state=up", 400, `parameter "state": not known; none is allowed here`},
		{"GET", "/api/v1/openapi.yaml?x=1", 400, `parameter "x": not known; none is allowed here`},
		{"GET", "/api/latest/?host=alpha", 400, `parameter "host": not known; allowed is hostname`},
		{"GET", "/api/latest/?hostname=", 400, `parameter hostname: "" is not a name of 1 to 253 bytes without control characters`},
		{"GET", "/api/latest/?hostname=beta", 404, `host "beta" is not known`},
		{"GET", "/api/v1/hosts/beta", 404, `host "beta" is not known`},
		{"GET", "/api/v1/hosts/beta/tree", 404, `host "beta" is not known`},
		{"GET", "/api/v1/hosts/%00/tree", 404, `host "\x00" is not known`},
		{"GET", "/api/v1/hosts/" + strings.Repeat("x", 300), 404, `host "` + strings.Repeat("x", 60) + `"… is not known`},
		{"GET", "/api/v1/hosts/alpha/snapshot?at=2026-11-22T20:14:58Z", 404, `host "alpha" has no snapshot at or before that instant; the oldest kept is of 2026-11-22T20:14:58.5Z`},
		{"GET", "/api/", 404, `path "/api/" ` + unknownPath},
		{"GET", "/api/v2/hosts", 404, `path "/api/v2/hosts" ` + unknownPath},
		{"GET", "/api/v1//hosts", 404, `path "/api/v1//hosts" ` + unknownPath},
		{"GET", "/api/v1/hosts/", 404, `path "/api/v1/hosts/" ` + unknownPath},
		{"GET", "/api/../etc/passwd", 404, `path "/api/../etc/passwd" ` + unknownPath},
		{"POST", "/api/v1/hosts", 405, `method "POST" is not allowed here, only GET, HEAD`},
		{"DELETE", "/api/v1/hosts/alpha", 405, `method "DELETE" is not allowed here, only GET, HEAD`},
		{"OPTIONS", "/api/latest", 405, `method "OPTIONS" is not allowed here, only GET, HEAD`},
		{"GET", "/api/process-data/", 405, `method "GET" is not allowed here, only POST`},
	} {
		t.Run(test.method+" "+test.path[:min(len(test.path), 60)], func(t *testing.T) {
			c := &client{t, c.server}
			got := c.do(test.method, test.path)
			if got.status != test.status {
				t.Errorf("got status %d, want %d", got.status, test.status)
			}
			if diff := cmp.Diff(test.want, got.message(t)); diff != "" {
				t.Error(diff)
			}
			if _, allow, ok := strings.Cut(test.want, "only "); ok && got.header.Get("Allow") != allow {
				t.Errorf("Allow is %q, want %q", got.header.Get("Allow"), allow)
			}
		})
	}
}

func TestNothingDelivered(t *testing.T) {
	got := start(t, webui.Options{}).get("/api/latest/")
	if want := "no host has delivered a snapshot yet"; got.status != 404 || got.message(t) != want {
		t.Errorf("got %d %q, want 404 %q", got.status, got.message(t), want)
	}
}

func TestHostNames(t *testing.T) {
	for _, name := range []string{
		"../../etc/passwd", "..", ".", "a/b", "/", "//evil.example", `..\..\windows`, "100%", "%2e%2e%2f", "a b+c", "ünï-😀", "?at=1#x",
		"<img src=x onerror=alert(1)>", "{host}", "a;b", "\u202egnp.exe", "snapshot",
	} {
		t.Run(name, func(t *testing.T) {
			store := &memory{}
			store.keep(name, &procmon.Snapshot{Hostname: name, Timestamp: now})
			store.keep("other", &procmon.Snapshot{Hostname: "other", Timestamp: now})
			c := start(t, webui.Options{Store: store})
			encoded := strings.NewReplacer(".", "%2E").Replace(url.PathEscape(name))
			for _, path := range []string{
				"/api/v1/hosts/" + encoded, "/api/v1/hosts/" + encoded + "/snapshot", "/api/v1/hosts/" + encoded + "/tree",
			} {
				if got := c.getOK(path).(map[string]any)["host"]; got != name {
					t.Errorf("%s is of host %q", path, got)
				}
			}
			if got := c.getOK("/api/latest/?hostname=" + url.QueryEscape(name)).(map[string]any)["hostname"]; got != name {
				t.Errorf("latest is of host %q", got)
			}
			if got := c.get("/hosts/" + encoded); got.status != 200 || got.body != string(builtPages["index.html"].Data) {
				t.Errorf("the page of the host: %d %.80s", got.status, got.body)
			}
		})
	}
}
