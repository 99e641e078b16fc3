package webui

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

// maxHosts is the most that may be asked for as the first ones.
const maxHosts = 100_000

func (s *Server) listHosts(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "limit")
	if err != nil {
		return err
	}
	limit, err := whole(query, "limit", maxHosts, 0, maxHosts)
	if err != nil {
		return err
	}
	hosts, err := s.store.Hosts(r.Context())
	if err != nil {
		return err
	}
	hosts = byName(hosts)
	first := hosts
	if query.Has("limit") {
		first = hosts[:min(limit, len(hosts))]
	}
	now, fleet := s.now(), newFleet(s.targets())
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) {
		e.ObjStart()
		writeInstant(e, "now", now)
		if query.Has("limit") {
			e.FieldStart("summary")
			writeSummary(e, hosts, fleet, now)
		}
		e.FieldStart("hosts")
		e.ArrStart()
		for i := range first {
			writeHost(e, &first[i], fleet, now)
		}
		e.ArrEnd()
		e.ObjEnd()
	})
	return nil
}

// byName returns hosts in the order in which people look for them.
func byName(hosts []procmon.HostSummary) []procmon.HostSummary {
	type named struct {
		order string
		at    int
	}
	names := make([]named, len(hosts))
	for i := range hosts {
		names[i] = named{nameOrder(hosts[i].Host), i}
	}
	slices.SortFunc(names, func(a, b named) int {
		if c := cmp.Compare(a.order, b.order); c != 0 {
			return c
		}
		x, y := hosts[a.at].Host, hosts[b.at].Host
		return cmp.Or(cmp.Compare(procmon.HostKey(x), procmon.HostKey(y)), cmp.Compare(x, y))
	})
	ordered := make([]procmon.HostSummary, len(hosts))
	for i, n := range names {
		ordered[i] = hosts[n.at]
	}
	return ordered
}

// nameOrder returns a text by which names are in order, without case and with numbers counted:
// web-2 before web-10. Of two numbers the one with fewer digits is less, so their count comes
// before them. It is the nameKey of the pages, app/src/Fleet/fleet.ts.
func nameOrder(name string) string {
	var b strings.Builder
	rest := strings.ToLower(name)
	for rest != "" {
		text := strings.TrimLeft(rest, "0123456789")
		if number := rest[:len(rest)-len(text)]; number != "" {
			number = strings.TrimLeft(number, "0")
			if number == "" {
				number = "0"
			}
			b.WriteRune('0' + rune(len(number)))
			b.WriteString(number)
		}
		end := strings.IndexAny(text, "0123456789")
		if end < 0 {
			end = len(text)
		}
		b.WriteString(text[:end])
		rest = text[end:]
	}
	return b.String()
}

// writeSummary writes what all hosts are together.
func writeSummary(e *jx.Encoder, hosts []procmon.HostSummary, f *fleet, now time.Time) {
	states := map[string]int{}
	values := map[string]map[string]bool{} // by label
	processes := 0
	for i := range hosts {
		h := &hosts[i]
		state, _ := f.state(h, now)
		states[state]++
		processes += h.Processes
		for label, value := range h.Labels {
			if values[label] == nil {
				values[label] = map[string]bool{}
			}
			values[label][value] = true
		}
	}
	e.ObjStart()
	writeInt(e, "hosts", len(hosts))
	writeInt(e, "processes", processes)
	e.FieldStart("states")
	e.ObjStart()
	for _, state := range []string{"up", "down", "stale", "pushed"} {
		writeInt(e, state, states[state])
	}
	e.ObjEnd()
	e.FieldStart("labels")
	e.ObjStart()
	for _, label := range slices.Sorted(maps.Keys(values)) {
		writeInt(e, label, len(values[label]))
	}
	e.ObjEnd()
	e.ObjEnd()
}
