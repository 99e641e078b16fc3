package webui_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/scraper"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/webui"
)

// startReal serves a real store, into which the real receiver puts what is pushed with the
// key "right".
func startReal(t *testing.T, clock func() time.Time) *client {
	t.Helper()
	store, err := storage.Open(t.TempDir(), storage.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	keys, err := scraper.LoadKeys([]string{"right"}, "")
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := scraper.NewReceiver(scraper.ReceiverOptions{Appender: store, Keys: keys, Now: clock, MaxBodySize: 4096})
	if err != nil {
		t.Fatal(err)
	}
	return start(t, webui.Options{Store: store, Receiver: receiver, Clock: clock})
}

func TestPushedSnapshotIsServed(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) // of the documented payload
	c := startReal(t, func() time.Time { return noon.Add(time.Minute) })
	payload, err := os.ReadFile("../testdata/documented.json")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.get("/api/latest/"); got.status != 404 {
		t.Errorf("before: %d %s", got.status, got.body)
	}
	for range 2 { // delivered twice, stored once
		got := c.send(http.MethodPost, "/api/process-data/", string(payload), "Authorization: Token right", "Content-Type: application/json")
		want := `{"id":"machine-name@2026-11-22T12:00:00Z","hostname":"machine-name","timestamp":"2026-11-22T12:00:00Z"}` + "\n"
		if diff := cmp.Diff([]any{201, want}, []any{got.status, got.body}); diff != "" {
			t.Error(diff)
		}
	}
	system := `"system":{"os":"Windows 10","processor":"Intel Core i7","cores":4,"threads":8,"ram_gb":16,"used_ram_gb":8.2,"free_ram_gb":7.8,
		"storage_total_gb":931.5,"storage_used_gb":466.3,"storage_free_gb":465.2}`
	process, idle := `"pid":1234,"ppid":567,"name":"process.exe","cpu":2.5,"memory":324.66,"cmdline":"process.exe --arg","username":"user"`,
		`"pid":0,"name":"System Idle Process","cpu":0,"memory":0.01,"cmdline":"","username":""`
	snapshot := `"hostname":"machine-name","timestamp":"2026-11-22T12:00:00Z",` + system + `,"processes":[{` + process + `},{` + idle + `}]`
	found := `"id":"machine-name@2026-11-22T12:00:00Z","host":"machine-name","stale":false,"labels":{"instance":"machine-name","job":"push"}`
	host := `{"host":"machine-name","state":"pushed","labels":{"instance":"machine-name","job":"push"},"first_seen":"2026-11-22T12:00:00Z",
		"last_seen":"2026-11-22T12:00:00Z",` + system + `,"processes":2,"cpu":0.3125,"busiest":{"pid":1234,"name":"process.exe","cpu":2.5}}`
	for path, want := range map[string]string{
		"/api/latest/":                                        `{` + snapshot + `}`,
		"/api/latest/?hostname=MACHINE-name":                  `{` + snapshot + `}`,
		"/api/v1/hosts":                                       `{"now":"2026-11-22T12:01:00Z","hosts":[` + host + `]}`,
		"/api/v1/hosts/Machine-Name":                          host,
		"/api/v1/hosts/machine-name/snapshot":                 `{` + found + `,` + snapshot + `}`,
		"/api/v1/hosts/machine-name/snapshot?at=1795348800.5": `{` + found + `,` + snapshot + `}`,
		"/api/v1/hosts/machine-name/tree": `{` + found + `,"hostname":"machine-name","timestamp":"2026-11-22T12:00:00Z",` + system + `,"rows":[
			{` + idle + `,"depth":0,"children":0,"descendants":0,"tree_cpu":0,"tree_memory":0.01},
			{` + process + `,"depth":0,"children":0,"descendants":0,"tree_cpu":2.5,"tree_memory":324.66}]}`,
	} {
		if diff := cmp.Diff(decode(t, want), c.getOK(path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	got := c.get("/api/v1/hosts/machine-name/tree?at=2026-11-22T11:59:59Z")
	if want := `host "machine-name" has no snapshot at or before that instant; the oldest kept is of 2026-11-22T12:00:00Z`; got.message(t) != want {
		t.Errorf("too early: %d %s", got.status, got.body)
	}
	if got := c.get("/api/v1/hosts/nobody"); got.status != 404 {
		t.Errorf("nobody: %d %s", got.status, got.body)
	}
}

// The receiver is written elsewhere; here its refusals are held against openapi.yaml.
func TestRefusedPushes(t *testing.T) {
	c := startReal(t, func() time.Time { return now })
	const good = `{"hostname":"h","timestamp":"2026-11-22T20:15:00Z","processes":[]}`
	for _, test := range []struct {
		name, body string
		headers    []string
		want       int
	}{
		{"good, without type", good, []string{"Authorization: Token right"}, 201},
		{"bad field", strings.Replace(good, "[]", "null", 1), []string{"Authorization: Token right"}, 400},
		{"clock a year ahead", strings.Replace(good, "2026", "2027", 1), []string{"Authorization: Token right"}, 400},
		{"no key", good, nil, 401},
		{"wrong key", good, []string{"Authorization: Token wrong"}, 401},
		{"too large", good + strings.Repeat(" ", 4096), []string{"Authorization: Token right"}, 413},
		{"not JSON", good, []string{"Authorization: Token right", "Content-Type: text/plain"}, 415},
		{"unknown encoding", good, []string{"Authorization: Token right", "Content-Encoding: br"}, 415},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &client{t, c.server}
			if got := c.send(http.MethodPost, "/api/process-data", test.body, test.headers...); got.status != test.want {
				t.Errorf("got %d, want %d: %s", got.status, test.want, got.body)
			}
		})
	}
}
