package webui_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/webui"
)

// decode reads wanted JSON.
func decode(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestHosts(t *testing.T) {
	started := now.Add(-time.Hour)
	store := &memory{hosts: []procmon.HostSummary{
		{Host: "zeta", LastSeen: now.Add(-time.Minute), FirstSeen: now.Add(-time.Minute)},
		{
			Host: "Alpha", Labels: map[string]string{"job": "windows", "instance": "alpha:9910", "site": "<b>"},
			FirstSeen: now.Add(-24 * time.Hour), LastSeen: now.Add(-1500 * time.Millisecond), Processes: 2,
			System: procmon.System{OS: procmon.Some("Windows 11"), Threads: procmon.Some(uint32(8))}, CPU: procmon.Some(12.5),
			Busiest: &procmon.Usage{ID: procmon.ProcessID{PID: 7, Start: started.UnixNano()}, Name: "a.exe", CPU: 99.5},
		},
	}}
	c := start(t, webui.Options{Store: store, Targets: func() []procmon.TargetStatus {
		return []procmon.TargetStatus{{Host: "ALPHA", Health: procmon.HealthUp}}
	}})
	alpha := `{"host":"Alpha","state":"up","labels":{"instance":"alpha:9910","job":"windows","site":"<b>"},
		"first_seen":"2026-11-21T20:15:00Z","last_seen":"2026-11-22T20:14:58.5Z","system":{"os":"Windows 11","threads":8},
		"processes":2,"cpu":12.5,"busiest":{"pid":7,"start_time":"2026-11-22T19:15:00Z","name":"a.exe","cpu":99.5}}`
	zeta := `{"host":"zeta","state":"pushed","labels":{},"first_seen":"2026-11-22T20:14:00Z","last_seen":"2026-11-22T20:14:00Z","system":{},"processes":0}`

	for path, want := range map[string]string{
		"/api/v1/hosts":       `{"now":"2026-11-22T20:15:00Z","hosts":[` + alpha + `,` + zeta + `]}`,
		"/api/v1/hosts/alpha": alpha,
		"/api/v1/hosts/ZETA":  zeta,
	} {
		if diff := cmp.Diff(decode(t, want), c.getOK(path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// TestFirstHosts asks for less than all: the first in the order of the page, and what all are together.
func TestFirstHosts(t *testing.T) {
	store := &memory{}
	for _, name := range []string{"web-10", "WEB-2", "web-02", "a", "web-1x", "web-", "Z", "0", "00", "9", "10", "web-2b3", "web-2b20"} {
		store.hosts = append(store.hosts, procmon.HostSummary{Host: name, LastSeen: now, Processes: 3, Labels: map[string]string{"job": "push", "instance": name}})
	}
	store.hosts[0].LastSeen = now.Add(-procmon.StaleAfter - 1)
	store.hosts[1].Labels = map[string]string{"job": "windows", "instance": "web-2:9910", "site": "graz"}
	store.hosts[3].Labels = nil
	c := start(t, webui.Options{Store: store, Targets: func() []procmon.TargetStatus {
		return []procmon.TargetStatus{{Host: "web-2", Health: procmon.HealthDown}}
	}})
	order := []string{"0", "00", "9", "10", "a", "web-", "web-1x", "web-02", "WEB-2", "web-2b3", "web-2b20", "web-10", "Z"}
	summary := decode(t, `{"hosts":13,"processes":39,"states":{"up":0,"down":1,"stale":1,"pushed":11},"labels":{"instance":12,"job":2,"site":1}}`)
	for query, want := range map[string]int{"": 13, "?limit=0": 0, "?limit=1": 1, "?limit=12": 12, "?limit=13": 13, "?limit=100000": 13} {
		answer := c.getOK("/api/v1/hosts" + query).(map[string]any)
		got := []string{}
		for _, host := range list(t, answer, "hosts") {
			got = append(got, host.(map[string]any)["host"].(string))
		}
		if diff := cmp.Diff(order[:want], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
		together, told := answer["summary"]
		if told != (query != "") {
			t.Errorf("%s: summary %v", query, together)
		} else if diff := cmp.Diff(summary, together); told && diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestEmptyLists(t *testing.T) {
	c := start(t, webui.Options{})
	for path, want := range map[string]string{
		"/api/v1/hosts":           `{"now":"2026-11-22T20:15:00Z","hosts":[]}`,
		"/api/v1/hosts?limit=100": `{"now":"2026-11-22T20:15:00Z","hosts":[],"summary":{"hosts":0,"processes":0,"states":{"up":0,"down":0,"stale":0,"pushed":0},"labels":{}}}`,
		"/api/v1/targets":         `{"now":"2026-11-22T20:15:00Z","targets":[]}`,
	} {
		if diff := cmp.Diff(decode(t, want), c.getOK(path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestHostState(t *testing.T) {
	labels := map[string]string{"job": "windows", "instance": "alpha:9910"}
	type targets []procmon.TargetStatus
	for _, test := range []struct {
		name    string
		targets targets
		labels  map[string]string
		age     time.Duration
		want    string
	}{
		{"good scrape", targets{{Host: "Alpha", Health: procmon.HealthUp}}, labels, time.Second, "up"},
		{"good scrape of a host with a wrong clock", targets{{Host: "alpha", Health: procmon.HealthUp}}, labels, time.Hour, "up"},
		{"failed scrape", targets{{Host: "alpha", Health: procmon.HealthDown, LastError: "refused"}}, labels, time.Second, "down: refused"},
		{"failed since the server started", targets{{Labels: labels, Health: procmon.HealthDown, LastError: "refused"}}, labels, time.Hour, "down: refused"},
		{"another target failed", targets{{Labels: map[string]string{"job": "windows", "instance": "beta:9910"}, Health: procmon.HealthDown}}, nil, time.Hour, "stale"},
		{"one of two targets is good", targets{{Host: "alpha", Health: procmon.HealthDown, LastError: "also delivered by"}, {Host: "alpha", Health: procmon.HealthUp}}, labels, time.Second, "up"},
		{"not scraped yet, seen before", targets{{Labels: labels, Health: procmon.HealthUnknown}}, labels, procmon.StaleAfter, "up"},
		{"not scraped yet, seen long ago", targets{{Labels: labels, Health: procmon.HealthUnknown}}, labels, procmon.StaleAfter + 1, "stale"},
		{"pushed", nil, map[string]string{"job": "push", "instance": "alpha"}, procmon.StaleAfter, "pushed"},
		{"delivered without labels", nil, nil, procmon.StaleAfter, "pushed"},
		{"pushed long ago", nil, nil, procmon.StaleAfter + 1, "stale"},
		{"pushed by a clock that is ahead", nil, nil, -time.Minute, "pushed"},
		{"target is gone", nil, labels, time.Second, "stale"},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := &memory{hosts: []procmon.HostSummary{{Host: "alpha", Labels: test.labels, LastSeen: now.Add(-test.age)}}}
			c := start(t, webui.Options{Store: store, Targets: func() []procmon.TargetStatus { return test.targets }})
			host := c.getOK("/api/v1/hosts/alpha").(map[string]any)
			got := host["state"].(string)
			if reason, ok := host["error"].(string); ok {
				got += ": " + reason
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestTargets(t *testing.T) {
	c := start(t, webui.Options{Targets: func() []procmon.TargetStatus {
		return []procmon.TargetStatus{
			{
				Job: "windows", ScrapeURL: "http://b:9910/snapshot", Labels: map[string]string{"job": "windows"},
				DiscoveredLabels: map[string]string{"__address__": "b:9910"}, Health: procmon.HealthUp, Host: "B",
				LastScrape: now.Add(-time.Second), LastDuration: 12500 * time.Microsecond, LastProcesses: 250,
				Interval: 15 * time.Second, Timeout: 10 * time.Second,
			},
			{Job: "windows", ScrapeURL: "http://a:9910/snapshot", Interval: time.Minute, Timeout: time.Second},
			{Job: "linux", ScrapeURL: "http://c:9910/snapshot", Health: procmon.HealthDown, LastScrape: now, LastError: "connect: refused"},
		}
	}})
	want := `{"now":"2026-11-22T20:15:00Z","targets":[
		{"job":"linux","scrape_url":"http://c:9910/snapshot","labels":{},"discovered_labels":{},"health":"down",
		 "last_scrape":"2026-11-22T20:15:00Z","last_duration_seconds":0,"last_error":"connect: refused","interval_seconds":0,"timeout_seconds":0},
		{"job":"windows","scrape_url":"http://a:9910/snapshot","labels":{},"discovered_labels":{},"health":"unknown","interval_seconds":60,"timeout_seconds":1},
		{"job":"windows","scrape_url":"http://b:9910/snapshot","labels":{"job":"windows"},"discovered_labels":{"__address__":"b:9910"},"health":"up",
		 "host":"B","last_scrape":"2026-11-22T20:14:59Z","last_duration_seconds":0.0125,"last_processes":250,"interval_seconds":15,"timeout_seconds":10}]}`
	if diff := cmp.Diff(decode(t, want), c.getOK("/api/v1/targets")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
