package exporter_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/procmon/procmon/exporter"
	"github.com/procmon/procmon/exporter/groups"
	"github.com/procmon/procmon/test/program"
)

// everything turns on all that /metrics can show.
func everything() exporter.Options {
	o := fast
	o.ShareFor, o.Events = -1, true
	o.Groups.Rules = []groups.Rule{{Group: "test-$1", Name: `^(\w+)\.test`}, {Group: "root's", User: "^root$"}}
	o.Metrics.Processes = exporter.ProcessSeries{Names: []string{`\.test`}, Top: 3}
	o.Metrics.MaxSeries = 1_000_000 // other tests may fill the host
	return o
}

// scraped is a scrape as Prometheus understands it.
type scraped map[string]*dto.MetricFamily

func scrape(t testing.TB, url string) scraped {
	t.Helper()
	_, body := get(t, http.MethodGet, url+"/metrics", nil)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return families
}

// value returns the value of the one sample of a metric.
func (s scraped) value(t testing.TB, name string) float64 {
	t.Helper()
	family := s[name]
	if family == nil || len(family.Metric) != 1 {
		t.Fatalf("%s is %v, want one sample", name, family)
	}
	return valueOf(family.Metric[0])
}

func valueOf(m *dto.Metric) float64 {
	if m.Counter != nil {
		return m.Counter.GetValue()
	}
	return m.Gauge.GetValue()
}

// families returns the metrics whose names have a prefix.
func (s scraped) families(prefix string) (names []string, samples int) {
	for name, family := range s {
		if strings.HasPrefix(name, prefix) {
			names = append(names, strings.TrimPrefix(name, prefix))
			samples += len(family.Metric)
		}
	}
	slices.Sort(names)
	return names, samples
}

// labels returns the values of a label of a metric, in order.
func (s scraped) labels(name, label string) (values []string) {
	for _, m := range s[name].GetMetric() {
		for _, pair := range m.Label {
			if pair.GetName() == label {
				values = append(values, pair.GetValue())
			}
		}
	}
	slices.Sort(values)
	return values
}

func TestMetrics(t *testing.T) {
	o := fast
	o.Metrics.MaxSeries = 3 * 14
	_, body := get(t, "GET", serve(t, o)+"/metrics", nil)
	text := string(body)
	for _, want := range []string{
		"procmon_exporter_groups 3\n", "procmon_exporter_groups_limit 3\n", "procmon_exporter_collections_total 1\n",
		"procmon_exporter_series_limit 42\n", `procmon_exporter_build_info{`, `version="1.2.3"`, "\nprocmon_group_processes{group=",
		"\nprocmon_group_cpu_user_seconds_total{group=", "\nprocmon_group_cpu_system_seconds_total{group=",
		"\nprocmon_host_info{hostname=", "\nprocmon_host_memory_size_bytes ", "\ngo_goroutines ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text, "procmon_exporter_ungrouped_processes 0\n") {
		t.Error("more than three groups of processes run here, and none is said to be left out")
	}
	if n := strings.Count(text, "\nprocmon_group_processes{"); n != 3 {
		t.Errorf("%d groups are shown, want 3", n)
	}
	if strings.Contains(text, "procmon_process_") {
		t.Error("no process was asked for, and one has series of its own")
	}
}

// TestSwitches turns figures off, one by one and all, for groups and processes.
func TestSwitches(t *testing.T) {
	figures := map[string]string{ // and the switch that it belongs to
		"cpu_user_seconds_total": "cpu", "cpu_system_seconds_total": "cpu", "working_set_bytes": "memory", "private_bytes": "memory",
		"threads": "threads", "handles": "handles", "read_bytes_total": "io", "write_bytes_total": "io",
		"read_operations_total": "io", "write_operations_total": "io", "start_time_seconds": "start", "oldest_start_time_seconds": "start",
	}
	_, shown := get(t, "GET", serve(t, everything())+"/metrics", nil) // what this system knows
	for _, test := range []struct {
		name string
		off  string
		o    exporter.MetricsOptions
	}{
		{"none", "", exporter.MetricsOptions{}},
		{"cpu", "cpu", exporter.MetricsOptions{WithoutCPU: true}},
		{"memory", "memory", exporter.MetricsOptions{WithoutMemory: true}},
		{"threads", "threads", exporter.MetricsOptions{WithoutThreads: true}},
		{"handles", "handles", exporter.MetricsOptions{WithoutHandles: true}},
		{"io", "io", exporter.MetricsOptions{WithoutIO: true}},
		{"start time", "start", exporter.MetricsOptions{WithoutStartTime: true}},
		{"all", "cpu memory threads handles io start", exporter.MetricsOptions{
			WithoutCPU: true, WithoutMemory: true, WithoutThreads: true, WithoutHandles: true, WithoutIO: true, WithoutStartTime: true,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := everything()
			all := o.Metrics
			o.Metrics = test.o
			o.Metrics.MaxSeries, o.Metrics.Processes = all.MaxSeries, all.Processes
			got := scrape(t, serve(t, o))
			for _, prefix := range []string{"procmon_group_", "procmon_process_"} {
				var want []string
				if prefix == "procmon_group_" {
					want = append(want, "ends_total", "processes", "starts_total")
				}
				for name, figure := range figures {
					if strings.Contains(string(shown), "\n"+prefix+name+"{") && !slices.Contains(strings.Fields(test.off), figure) {
						want = append(want, name)
					}
				}
				slices.Sort(want)
				names, _ := got.families(prefix)
				if diff := cmp.Diff(want, names); diff != "" {
					t.Errorf("%s*: %s", prefix, diff)
				}
			}
		})
	}
}

func TestProcessSeries(t *testing.T) {
	o := everything()
	o.Metrics.Processes.Top = 0
	got := scrape(t, serve(t, o))
	if pids := got.labels("procmon_process_cpu_user_seconds_total", "pid"); !slices.Contains(pids, strconv.Itoa(os.Getpid())) {
		t.Errorf("this process is not among %q", pids)
	}
	for _, name := range got.labels("procmon_process_cpu_user_seconds_total", "name") {
		if !strings.Contains(name, ".test") { // of other packages, perhaps
			t.Errorf("%q was not asked for", name)
		}
	}
	for _, m := range got["procmon_process_working_set_bytes"].GetMetric() {
		var names []string
		for _, pair := range m.Label {
			names = append(names, pair.GetName())
		}
		if diff := cmp.Diff([]string{"name", "pid", "user"}, names); diff != "" {
			t.Errorf("got %v\n%s", m, diff)
		}
		if strings.Contains(m.String(), strconv.Quote(strconv.Itoa(os.Getpid()))) && valueOf(m) < 1e6 {
			t.Errorf("this process is %v", m)
		}
	}
	if !slices.Contains(got.labels("procmon_group_processes", "group"), "test-exporter") {
		t.Errorf("no group of that name is among %q", got.labels("procmon_group_processes", "group"))
	}
}

func TestTopProcesses(t *testing.T) {
	busy := exec.Command("sh", "-c", "while :; do :; done")
	if err := busy.Start(); err != nil {
		t.Skip("no sh:", err)
	}
	defer busy.Wait()
	defer busy.Process.Kill()
	pids := func(url string) []string {
		return scrape(t, url).labels("procmon_process_cpu_user_seconds_total", "pid")
	}
	few := exporter.Options{ShareFor: -1}
	few.Metrics.Processes.Top = 5
	url := serve(t, few)
	for range 3 {
		if got := pids(url); len(got) == 0 || len(got) > 5 {
			t.Errorf("got %q, want at most five", got)
		}
	}
	many := few // more than are busy, whatever else goes on on this machine
	many.Metrics.Processes.Top, many.Metrics.MaxSeries = 100_000, 10_000_000
	url = serve(t, many)
	want := strconv.Itoa(busy.Process.Pid)
	for deadline := time.Now().Add(20 * time.Second); !slices.Contains(pids(url), want); {
		if time.Now().After(deadline) {
			t.Fatalf("got %q, want %s among them", pids(url), want)
		}
	}
}

// TestSeriesLimit lets the limit bite at several sizes: what is said of it is what is shown.
func TestSeriesLimit(t *testing.T) {
	for _, test := range []struct {
		limit int
		bites bool
	}{{1, true}, {13, true}, {14, true}, {40, true}, {100_000_000, false}} {
		t.Run(fmt.Sprint(test.limit), func(t *testing.T) {
			var log bytes.Buffer
			o := everything()
			o.Metrics.MaxSeries, o.Metrics.Processes.Names, o.Groups.Rules, o.Events = test.limit, []string{"."}, nil, false
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			url := serve(t, o)
			scrape(t, url)
			got := scrape(t, url)
			_, ofGroups := got.families("procmon_group_")
			_, ofProcesses := got.families("procmon_process_")
			series, left := got.value(t, "procmon_exporter_series"), got.value(t, "procmon_exporter_series_left_out")
			if int(series) != ofGroups+ofProcesses || ofGroups+ofProcesses > test.limit || got.value(t, "procmon_exporter_series_limit") != float64(test.limit) {
				t.Errorf("%d series of groups and %d of processes are shown, and %v said to be, of at most %d", ofGroups, ofProcesses, series, test.limit)
			}
			if test.bites != (left > 0) || test.limit >= 14 && ofGroups == 0 || test.limit == 40 && ofProcesses > 12 {
				t.Errorf("%v are left out of %d and %d", left, ofGroups, ofProcesses)
			}
			want := 0
			if test.bites {
				want = 1
			}
			if warnings := strings.Count(log.String(), "level=WARN"); warnings != want {
				t.Errorf("%d warnings of two scrapes, want %d: %s", warnings, want, log.String())
			}
		})
	}
}

func TestOptionsAreCheckedAtTheirKeys(t *testing.T) {
	for _, test := range []struct {
		name string
		o    exporter.Options
		want string
	}{
		{"name", exporter.Options{Metrics: exporter.MetricsOptions{Processes: exporter.ProcessSeries{Names: []string{"a", "("}}}},
			"metrics: processes.names[1]: error parsing regexp: missing closing ): `(`"},
		{"top", exporter.Options{Metrics: exporter.MetricsOptions{Processes: exporter.ProcessSeries{Top: -1}}}, "metrics: processes.top: -1 is below 0"},
		{"limit", exporter.Options{Metrics: exporter.MetricsOptions{MaxSeries: -5}}, "metrics: max_series: -5 is below 0"},
		{"rule", exporter.Options{Groups: groups.Options{Rules: []groups.Rule{{Group: "a", User: "["}}}},
			"metrics: groups[0].user: error parsing regexp: missing closing ]: `[`"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := exporter.New(test.o)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestHostileNames runs a program whose name is long and full of what breaks formats, logs
// and terminals.
func TestHostileNames(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such file names")
	}
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "} 1\n\x1b[2J\"\\\xff{"+strings.Repeat("ü", 90))
	program, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, program, 0o700); err != nil {
		t.Fatal(err)
	}
	hostile := exec.Command(path, "1000000")
	if err := hostile.Start(); err != nil {
		t.Fatal(err)
	}
	defer hostile.Wait()
	defer hostile.Process.Kill()
	o := everything()
	o.Metrics.Processes.Names = []string{"ü|2J"}
	got := scrape(t, serve(t, o))
	if names := got.labels("procmon_process_threads", "name"); !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "} 1\uFFFD") }) {
		t.Errorf("got %q", names)
	}
	bad := regexp.MustCompile(`[\x00-\x1f\x7f]`)
	for _, family := range got {
		for _, m := range family.Metric {
			for _, pair := range m.Label {
				if v := pair.GetValue(); len(v) > 256 || bad.MatchString(v) {
					t.Errorf("%s has the label %s=%q", family.GetName(), pair.GetName(), v)
				}
			}
		}
	}
	promtoolFindsNothing(t, o)
}

func TestPromtoolFindsNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the metrics are the same on all systems, and promtool is not there under Wine")
	}
	off := everything()
	off.Metrics = exporter.MetricsOptions{WithoutCPU: true, WithoutIO: true, MaxSeries: off.Metrics.MaxSeries, Processes: off.Metrics.Processes}
	for _, test := range []struct {
		name string
		o    exporter.Options
	}{{"as it comes", fast}, {"everything", everything()}, {"without some figures", off}} {
		t.Run(test.name, func(t *testing.T) { promtoolFindsNothing(t, test.o) })
	}
}

func promtoolFindsNothing(t *testing.T, o exporter.Options) {
	t.Helper()
	promtool := program.Need(t, "promtool")
	_, body := get(t, "GET", serve(t, o)+"/metrics", nil)
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = bytes.NewReader(body)
	out, err := check.CombinedOutput()
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff("", string(out)); diff != "" {
		t.Error(diff)
	}
}
