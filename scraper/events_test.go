package scraper_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"

	"github.com/procmon/procmon/scraper"
)

// TestEventsComeAgainUntilStored: the cursor that a target hears is that of the last answer
// which was stored, also after the target was relabelled.
func TestEventsComeAgainUntilStored(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet, m *scraper.Manager, store *memory) {
		var mu sync.Mutex
		var heard []string
		f.add(t, "a:1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			heard = append(heard, r.Header.Get("Procmon-Events-After"))
			cursor := "run-" + strconv.Itoa(len(heard))
			mu.Unlock()
			if len(heard) == 7 {
				cursor = strings.Repeat("x", 1000) // is not repeated
			}
			w.Header().Set("Procmon-Events-Cursor", cursor)
			host("a")(w, r)
		}))
		j := job("j", "a:1")
		j.Interval = 10 * time.Second
		apply(t, m, j)
		runManager(t, m)
		pass(20 * time.Second)
		store.fail(errStore)
		pass(20 * time.Second)
		store.fail(nil)
		j.Discovery = discovery.Configs{static(model.LabelSet{"room": "b2"}, "a:1")}
		apply(t, m, j)
		pass(50 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff([]string{"", "run-1", "run-2", "run-2", "run-2", "run-5", "run-6", ""}, heard[:min(len(heard), 8)]); diff != "" {
			t.Errorf("cursors (-want +got):\n%s", diff)
		}
	})
}
