package webui_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/webui"
)

// damagedStore is a real store of which some is damaged, whatever is asked.
type damagedStore struct {
	*storage.Store
	hosts []string // whose
}

func (d *damagedStore) lose(ctx context.Context) {
	for i, host := range d.hosts {
		procmon.NoteLoss(ctx, host, now.Add(-time.Duration(i)*time.Hour))
		procmon.NoteLoss(ctx, host, now.Add(-time.Duration(i)*time.Hour)) // read twice
	}
}

func (d *damagedStore) Search(ctx context.Context, q procmon.SearchQuery) (procmon.Matches, error) {
	d.lose(ctx)
	return d.Store.Search(ctx, q)
}

func (d *damagedStore) Top(ctx context.Context, q procmon.TopQuery) ([]procmon.TopRow, error) {
	d.lose(ctx)
	return d.Store.Top(ctx, q)
}

func (d *damagedStore) Series(ctx context.Context, q procmon.SeriesQuery) (procmon.Series, error) {
	d.lose(ctx)
	return d.Store.Series(ctx, q)
}

func (d *damagedStore) Difference(ctx context.Context, host string, before, after time.Time) (procmon.Difference, error) {
	d.lose(ctx)
	return d.Store.Difference(ctx, host, before, after)
}

// TestPartial asks a store that passes over what is damaged; the answers are as openapi.yaml says.
func TestPartial(t *testing.T) {
	store := &damagedStore{Store: fleet(t)}
	c := start(t, webui.Options{Store: store})
	ask := func() (partial []any) {
		t.Helper()
		for _, path := range []string{
			"/api/v1/search?q=", fmt.Sprintf("/api/v1/top?from=%d&to=%d", now.Unix()-3600, now.Unix()), "/api/v1/top",
			"/api/v1/hosts/alpha/series", fmt.Sprintf("/api/v1/hosts/alpha/compare?a=%d&b=%d", now.Unix()-60, now.Unix()),
		} {
			partial = append(partial, at(t, c.getOK(path), "partial"))
		}
		return partial
	}
	if diff := cmp.Diff([]any{nil, nil, nil, nil, nil}, ask()); diff != "" {
		t.Errorf("sound: (-want +got):\n%s", diff)
	}
	store.hosts = []string{"alpha", "ALPHA", "gone"}
	for range 12 {
		store.hosts = append(store.hosts, fmt.Sprintf("host-%02d", len(store.hosts)))
	}
	c = start(t, webui.Options{Store: store})
	want := map[string]any{"damaged": 15.0, "hosts": []any{"alpha", "gone", "host-03", "host-04", "host-05", "host-06", "host-07", "host-08", "host-09", "host-10"}}
	for range 2 { // also of an answer that is shared
		if diff := cmp.Diff([]any{want, want, want, want, want}, ask()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
