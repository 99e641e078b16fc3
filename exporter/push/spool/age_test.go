package spool_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/exporter/push/spool"
)

// clocks are a wall clock that is set, and one that goes on evenly.
type clocks struct {
	wall    time.Time
	elapsed time.Duration
}

func (c *clocks) pass(d time.Duration) { c.wall, c.elapsed = c.wall.Add(d), c.elapsed+d }
func (c *clocks) set(d time.Duration)  { c.wall = c.wall.Add(d) }

// TestAge puts, waits, sets the clock and starts again, and says what is left.
func TestAge(t *testing.T) {
	const year = 365 * 24 * time.Hour
	type step struct {
		pass, set time.Duration
		restart   bool
		put       string
		want      []string // checked if not nil
	}
	none := []string{}
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"one after the other", []step{{put: "a"}, {pass: 30 * time.Minute, put: "b"}, {pass: 31 * time.Minute, want: []string{"b"}}, {pass: 30 * time.Minute, want: none}}},
		{"while nothing ran", []step{{put: "a"}, {pass: 30 * time.Minute, put: "b"}, {pass: 31 * time.Minute, restart: true, want: []string{"b"}}, {pass: 30 * time.Minute, restart: true, want: none}}},
		{"set ahead", []step{{put: "a"}, {set: year, put: "b"}, {set: year, want: []string{"a", "b"}}, {pass: 61 * time.Minute, want: none}}},
		{"set back", []step{{put: "a"}, {set: -year, put: "b"}, {want: []string{"a", "b"}}, {pass: 59 * time.Minute, want: []string{"a", "b"}}, {pass: 2 * time.Minute, want: none}}},
		{"set ahead and back", []step{{put: "a"}, {set: year, put: "b"}, {set: -year, put: "c"}, {want: []string{"a", "b", "c"}}, {pass: 61 * time.Minute, want: none}}},
		{"set back while nothing ran", []step{{put: "a"}, {set: -year, restart: true, want: []string{"a"}}, {pass: 59 * time.Minute, want: []string{"a"}}, {pass: 2 * time.Minute, want: none}}},
		{"put in the future", []step{{set: year}, {restart: true, put: "a"}, {set: -year, restart: true, put: "b"}, {pass: 40 * time.Minute, restart: true, want: []string{"a", "b"}},
			// a is not younger than b, whatever its clock said.
			{pass: 30 * time.Minute, restart: true, want: none}}},
		{"a clock that begins in 2000", []step{{put: "a"}, {set: -20 * year, restart: true, put: "b"}, {set: 20 * year, put: "c"}, {want: []string{"a", "b", "c"}}, {pass: 61 * time.Minute, want: none}}},
	} {
		for _, path := range []string{"on disk", "in memory"} {
			t.Run(test.name+" "+path, func(t *testing.T) {
				o := spool.Options{MaxAge: time.Hour}
				if path == "on disk" {
					o.Path = directory(t)
				}
				c := &clocks{wall: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)}
				begin := func() *spool.Spool {
					s, err := spool.OpenAt(o, func() time.Time { return c.wall }, func() time.Duration { return c.elapsed })
					if err != nil {
						t.Fatal(err)
					}
					return s
				}
				s := begin()
				defer func() { closeSpool(t, s) }()
				for i, step := range test.steps {
					c.pass(step.pass)
					c.set(step.set)
					if step.restart {
						if o.Path == "" {
							t.Skip("nothing in memory outlives the process")
						}
						closeSpool(t, s)
						s = begin()
					}
					if step.put != "" {
						put(t, s, step.put)
					}
					if step.want == nil {
						continue
					}
					e, ok := s.Oldest(nil)
					switch {
					case ok != (len(step.want) > 0):
						t.Fatalf("step %d: something waits: %v, want %q", i, ok, step.want)
					case ok && string(e.JSON) != step.want[0]:
						t.Fatalf("step %d: got %s, want %q", i, e.JSON, step.want)
					}
					if got := s.Stats(); got.Waiting != len(step.want) || got.Oldest.After(c.wall) || ok && c.wall.Sub(got.Oldest) > o.MaxAge {
						t.Fatalf("step %d at %v: got %+v, want %q", i, c.wall, got, step.want)
					}
				}
			})
		}
	}
}

func TestOldestTime(t *testing.T) {
	c := &clocks{wall: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)}
	s, err := spool.OpenAt(spool.Options{Path: directory(t)}, func() time.Time { return c.wall }, func() time.Duration { return c.elapsed })
	if err != nil {
		t.Fatal(err)
	}
	defer closeSpool(t, s)
	put(t, s, "a")
	c.pass(time.Minute)
	put(t, s, "b")
	c.pass(time.Minute)
	for _, want := range []time.Duration{2 * time.Minute, time.Minute} {
		e, _ := s.Oldest(nil)
		if diff := cmp.Diff(want, c.wall.Sub(s.Stats().Oldest)); diff != "" {
			t.Error(diff)
		}
		s.Done(e)
	}
	if got := s.Stats().Oldest; !got.IsZero() {
		t.Errorf("got %v", got)
	}
}
