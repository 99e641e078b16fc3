package webui_test

import (
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/webui"
)

var nearly = cmpopts.EquateApprox(0, 1e-6)

// at returns the member of nested objects and lists of decoded JSON that path leads to.
func at(t *testing.T, value any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			object, _ := value.(map[string]any)
			value = object[p]
		case int:
			list, _ := value.([]any)
			if p >= len(list) {
				t.Fatalf("no item %d in %v", p, value)
			}
			value = list[p]
		}
	}
	return value
}

func list(t *testing.T, value any, path ...any) []any {
	t.Helper()
	l, ok := at(t, value, path...).([]any)
	if !ok {
		t.Fatalf("%v is no list: %v", path, at(t, value, path...))
	}
	return l
}

// odd is the name of a host of the fleet, in a path.
const odd = `C:%5C%3Cb%3E&%22%C3%A4%22`

func TestHostSeries(t *testing.T) {
	c := start(t, webui.Options{Store: fleet(t)})
	all := c.getOK("/api/v1/hosts/" + odd + "/series")
	times := list(t, all, "times")
	if len(times) != fleetSteps || times[0] != float64(fleetTime(0).UnixNano())/1e9 {
		t.Errorf("got %d times from %v", len(times), times[0])
	}
	for step := range times {
		want := []any{float64(step), float64(2 << 30), float64(len(hostile) + 2), nil, nil}
		if step > 0 {
			want[3], want[4] = 1.0, 1.0
		}
		var got []any
		for _, m := range []string{"cpu", "memory", "processes", "starts", "ends"} {
			got = append(got, at(t, all, "values", m, "avg", step))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("step %d: %s", step, diff)
		}
	}
	if at(t, all, "values", "cpu", "min") != nil {
		t.Error("there is a min without a step")
	}
	reduced := c.getOK(fmt.Sprintf("/api/v1/hosts/alpha/series?metrics=cpu&step=1m&from=%d&to=%d", now.Unix()-120, now.Unix()))
	if diff := cmp.Diff([]any{33.5, 37.5, 40.0}, list(t, reduced, "values", "cpu", "avg"), nearly); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{35.0, 39.0, 40.0}, list(t, reduced, "values", "cpu", "max")); diff != "" {
		t.Error(diff)
	}
	if got := at(t, reduced, "values", "memory"); got != nil {
		t.Errorf("not asked for: %v", got)
	}
}

func TestProcess(t *testing.T) {
	c := start(t, webui.Options{Store: fleet(t)})
	began := fleetTime(7).Add(-time.Second)
	path := "/api/v1/hosts/" + odd + "/processes/101@" + began.Format(time.RFC3339Nano)
	life := c.getOK(path)
	want := decode(t, fmt.Sprintf(`{"host":"C:\\<b>&\"ä\"","process":{"pid":101,"ppid":1,"name":"job-7","start_time":%q},"first_seen":%q,"last_seen":%[2]q,
		"parent":{"pid":1,"start_time":%q,"name":"init"},"ended":true,"gone_at":%q,"ended_at":%q,"exit_code":3}`,
		began.Format(time.RFC3339), fleetTime(7).Format(time.RFC3339), fleetTime(0).Add(-time.Hour).Format(time.RFC3339),
		fleetTime(8).Format(time.RFC3339), fleetTime(8).Add(-time.Second).Format(time.RFC3339)))
	if diff := cmp.Diff(want, life); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	series := c.getOK(path + "/series")
	if diff := cmp.Diff([]any{4096.0}, list(t, series, "values", "memory", "avg")); diff != "" {
		t.Error(diff)
	}
	path = "/api/v1/hosts/alpha/processes/1@" + fmt.Sprint(fleetTime(0).Add(-time.Hour).Unix())
	series = c.getOK(path + "/series?metrics=cpu,read")
	cpu := list(t, series, "values", "cpu", "avg")
	if len(cpu) != fleetSteps || cpu[0] != nil || math.Abs(cpu[20].(float64)-20) > 1e-6 {
		t.Errorf("got %v", cpu)
	}
	if got := at(t, series, "values", "read", "avg", 40); math.Abs(got.(float64)-1000.0/15) > 1e-6 {
		t.Errorf("read: got %v", got)
	}
	if got := len(list(t, c.getOK(path+"/series?to="+fmt.Sprint(fleetTime(0).Unix()-9)), "times")); got != 0 {
		t.Errorf("before it was: %d", got)
	}
}

// TestCompare puts the pages together again.
func TestCompare(t *testing.T) {
	c := start(t, webui.Options{Store: fleet(t)})
	path := fmt.Sprintf("/api/v1/hosts/%s/compare?a=%d&b=%d", odd, fleetTime(10).Unix(), fleetTime(30).Unix())
	all := c.getOK(path)
	if diff := cmp.Diff(map[string]any{"started": 1.0, "ended": 1.0, "stayed": float64(len(hostile) + 1)}, at(t, all, "counts")); diff != "" {
		t.Error(diff)
	}
	want := decode(t, fmt.Sprintf(`{"pid":1,"name":"init","username":"root","start_time":%q,"cpu_seconds":%g,"working_set_bytes":%d,"read_bytes":30000,"write_bytes":0,
		"cpu_seconds_used":120,"read_bytes_used":20000,"write_bytes_used":0,"memory_bytes_change":20}`,
		fleetTime(0).Add(-time.Hour).Format(time.RFC3339), 0.2*fleetTime(30).Sub(fleetTime(0).Add(-time.Hour)).Seconds(), 1<<20+30))
	if diff := cmp.Diff(want, at(t, all, "stayed", 0), nearly); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if at(t, all, "seconds") != 600.0 || at(t, all, "started", 0, "name") != "job-30" || at(t, all, "ended", 0, "name") != "job-10" {
		t.Errorf("got %v", all)
	}
	for _, limit := range []int{1, 2, 5, len(hostile) + 3} {
		together := map[string]any{"started": []any{}, "ended": []any{}, "stayed": []any{}}
		for cursor, pages := "", 0; ; pages++ {
			page := c.getOK(fmt.Sprintf("%s&limit=%d%s", path, limit, cursor))
			rows := 0
			for name := range together {
				part := list(t, page, name)
				rows += len(part)
				together[name] = append(list(t, together, name), part...)
			}
			next, more := at(t, page, "cursor").(string)
			if rows > limit || more && rows < limit {
				t.Fatalf("limit %d: a page has %d rows", limit, rows)
			}
			if cursor = "&cursor=" + next; !more {
				break
			}
		}
		for name, rows := range together {
			if diff := cmp.Diff(at(t, all, name), rows); diff != "" {
				t.Errorf("limit %d, %s: %s", limit, name, diff)
			}
		}
	}
}

func TestOffset(t *testing.T) {
	c := start(t, webui.Options{Store: fleet(t)})
	for _, test := range []struct{ at, offset, want, next int }{
		{20, 0, 20, 21}, {20, 1, 21, 22}, {20, -1, 19, 20}, {20, 1000, 40, -1}, {20, -1000, 0, 1}, {40, 1, 40, -1}, {40, 0, 40, -1}, {0, -1, 0, 1}, {39, 1, 40, -1},
	} {
		for _, what := range []string{"tree", "snapshot"} {
			got := c.getOK(fmt.Sprintf("/api/v1/hosts/%s/%s?at=%d&offset=%d", odd, what, fleetTime(test.at).Unix(), test.offset))
			want := []any{fleetTime(test.want).Format(time.RFC3339), nil}
			if test.next >= 0 {
				want[1] = fleetTime(test.next).Format(time.RFC3339)
			}
			if diff := cmp.Diff(want, []any{at(t, got, "timestamp"), at(t, got, "next")}); diff != "" {
				t.Errorf("%+v: %s", test, diff)
			}
		}
	}
	if got := c.getOK("/api/v1/hosts/alpha/tree?offset=-1"); at(t, got, "timestamp") != fleetTime(39).Format(time.RFC3339) {
		t.Errorf("before the newest: %v", at(t, got, "timestamp"))
	}
}

func TestTop(t *testing.T) {
	c := start(t, webui.Options{Store: fleet(t)})
	rows := func(query string) []any { return list(t, c.getOK("/api/v1/top"+query), "rows") }
	got := rows("?limit=3")
	if len(got) != 3 || at(t, got, 0, "name") != "init" || at(t, got, 0, "user") != "root" || at(t, got, 0, "hosts") != 1.0 {
		t.Errorf("got %v", got)
	}
	got = rows("?per=name&by=memory&limit=1000&match=" + url.QueryEscape(`{site="berlin",host!="gamma"}`))
	if len(got) != len(hostile)+1+fleetSteps || at(t, got, 0, "name") != hostile[len(hostile)-1] || at(t, got, 0, "memory_bytes") != float64(len(hostile)<<20) {
		t.Errorf("got %d rows, the first %v", len(got), got[0])
	}
	got = rows("?per=host&host=GAMMA&by=io")
	if len(got) != 1 || at(t, got, 0, "host") != "gamma" || at(t, got, 0, "io_bytes") != 40000.0 {
		t.Errorf("got %v", got)
	}
	if got := rows("?host=gamma&match=" + url.QueryEscape(`{site="bonn"}`)); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	got = rows("?per=user")
	if len(got) != 10 || at(t, got, 0, "hosts") != 3.0 {
		t.Errorf("got %v", got)
	}
}

func TestFleetCPU(t *testing.T) {
	c := start(t, webui.Options{Store: fleet(t)})
	all := c.getOK("/api/v1/fleet/cpu")
	hosts := at(t, all, "hosts").(map[string]any)
	if len(hosts) != 3 || at(t, all, "step") != 120.0 || at(t, all, "from") != float64(now.Unix()/120*120-58*60) {
		t.Fatalf("got %v", all)
	}
	values := list(t, hosts, `C:\<b>&"ä"`)
	if len(values) != 30 || values[0] != nil || values[29] == nil {
		t.Errorf("got %v", values)
	}
	all = c.getOK(fmt.Sprintf("/api/v1/fleet/cpu?step=30&from=%d&to=%d", now.Unix()-60, now.Unix()))
	if diff := cmp.Diff([]any{36.5, 38.5, 40.0}, at(t, all, "hosts", "alpha")); diff != "" {
		t.Error(diff)
	}
}

// TestWrongQuestions are refused with what is allowed.
func TestWrongQuestions(t *testing.T) {
	c := start(t, webui.Options{Store: fleet(t)})
	for _, test := range []struct {
		path   string
		status int
		want   string // in the message
	}{
		{"/api/v1/hosts/alpha/series?step=x", 400, `parameter step: "x" is not seconds`},
		{"/api/v1/hosts/alpha/series?step=-1", 400, "parameter step"},
		{"/api/v1/hosts/alpha/series?step=1e400", 400, "parameter step"},
		{"/api/v1/hosts/alpha/series?step=NaN", 400, "parameter step"},
		{"/api/v1/hosts/alpha/series?metrics=threads", 400, `parameter metrics: "threads" is not one of cpu, memory, processes, starts, ends`},
		{"/api/v1/hosts/alpha/series?metrics=", 400, "parameter metrics"},
		{"/api/v1/hosts/alpha/series?from=9&to=8", 400, "parameter to: 1970-01-01T00:00:08Z is before from"},
		{"/api/v1/hosts/nobody/series", 404, `host "nobody" is not known`},
		{"/api/v1/hosts/alpha/processes/x", 400, "parameter process"},
		{"/api/v1/hosts/alpha/processes/1@", 400, "parameter process"},
		{"/api/v1/hosts/alpha/processes/4294967296", 400, "parameter process"},
		{"/api/v1/hosts/alpha/processes/1", 404, `host "alpha" has no process 1 in what is kept`},
		{"/api/v1/hosts/alpha/processes/1/series", 404, "has no process 1"},
		{"/api/v1/hosts/nobody/processes/1", 404, `host "nobody" is not known`},
		{"/api/v1/hosts/alpha/compare", 400, "parameter a: missing"},
		{"/api/v1/hosts/alpha/compare?a=9&b=8", 400, "parameter b"},
		{"/api/v1/hosts/alpha/compare?a=9&cursor=AAAA", 400, "parameter cursor"},
		{"/api/v1/hosts/alpha/compare?a=9&limit=0", 400, "parameter limit"},
		{"/api/v1/hosts/alpha/compare?a=9", 404, "the oldest kept is of"},
		{"/api/v1/hosts/nobody/compare?a=9", 404, "is not known"},
		{"/api/v1/hosts/alpha/tree?offset=1001", 400, `parameter offset: "1001" is not a whole number from -1000 to 1000`},
		{"/api/v1/hosts/alpha/tree?offset=1&at=9", 404, "the oldest kept is of"},
		{"/api/v1/top?by=all", 400, `parameter by: "all" is not one of cpu, memory, io`},
		{"/api/v1/top?per=all", 400, "parameter per"},
		{"/api/v1/top?limit=1001", 400, "parameter limit"},
		{"/api/v1/top?host=nobody", 404, "is not known"},
		{"/api/v1/top?host=", 400, "parameter host"},
		{"/api/v1/top?match=" + url.QueryEscape(`{a=~"("}`), 400, "parameter match"},
		{"/api/v1/top?match=up", 400, "names a metric"},
		{"/api/v1/top?match=%7B", 400, "parameter match"},
		{"/api/v1/search?q=names:a", 400, `parameter q: "names:a": "names" is no field`},
		{"/api/v1/search?from=1&at=2", 400, "parameter at"},
		{"/api/v1/search?to=2", 400, "parameter from: missing"},
		{"/api/v1/search?limit=1001", 400, "parameter limit"},
		{"/api/v1/search?limit=100001&format=csv", 400, "parameter limit"},
		{"/api/v1/search?format=xml", 400, "parameter format"},
		{"/api/v1/search?cursor=%21", 400, "parameter cursor"},
		{"/api/v1/search?cursor=%21&format=csv", 400, "parameter cursor"},
		{"/api/v1/fleet/cpu?step=0", 400, "parameter step"},
		{"/api/v1/fleet/cpu?from=1", 422, "parameter step: the range has"},
	} {
		t.Run(test.path, func(t *testing.T) {
			c := &client{t, c.server}
			got := c.get(test.path)
			if got.status != test.status || !strings.Contains(got.message(t), test.want) {
				t.Errorf("got %d %s\nwant %d with %s", got.status, got.message(t), test.status, test.want)
			}
		})
	}
	got := c.get("/api/v1/search?q=" + url.QueryEscape("größe names:a"))
	if position := at(t, got.json(t), "error", "position"); position != 6.0 {
		t.Errorf("position %v", position)
	}
}

// TestTooMuch has a store that says so, as one with 11,000 snapshots takes long to fill.
func TestTooMuch(t *testing.T) {
	store := &stub{Store: fleet(t)}
	store.err = fmt.Errorf("11001 points: %w: choose a larger step", procmon.ErrTooMuch)
	got := start(t, webui.Options{Store: store}).get("/api/v1/hosts/alpha/series")
	if got.status != 422 || at(t, got.json(t), "error", "code") != "too_much" || !strings.Contains(got.message(t), "larger step") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}
