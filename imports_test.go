package procmon_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/procmon/procmon"

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// room returns the folder at the top of the repository that a package is in; "" is the domain.
func room(pkg string) string {
	top, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(pkg, module), "/"), "/")
	return top
}

func TestImportRule(t *testing.T) {
	rooms := map[string]bool{}
	for _, line := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"/...") {
		fields := strings.Fields(line)
		from := room(fields[0])
		rooms[from] = true
		if from == "cmd" || from == "test" {
			continue
		}
		for _, imported := range fields[1:] {
			if imported != module && !strings.HasPrefix(imported, module+"/") {
				continue
			}
			if to := room(imported); to != from && (to != "" || from == "") {
				t.Errorf("%s imports %s; only cmd may know both", fields[0], imported)
			}
		}
	}
	for _, want := range []string{"", "cmd", "config", "exporter", "scraper", "storage", "webui"} {
		if !rooms[want] {
			t.Errorf("go list did not find %s/%s", module, want)
		}
	}
}

func TestExporterStaysSmall(t *testing.T) {
	deps := goList(t, "-deps", module+"/cmd/procmon-exporter")
	if !slices.Contains(deps, module+"/exporter") {
		t.Fatal("go list did not list the exporter's own packages")
	}
	for _, dep := range deps {
		for _, banned := range []string{"dgraph-io/badger", "prometheus/prometheus/promql", module + "/webui", module + "/storage", module + "/scraper"} {
			if strings.Contains(dep, banned) {
				t.Errorf("procmon-exporter links %s", dep)
			}
		}
	}
}
