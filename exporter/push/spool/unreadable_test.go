package spool_test

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/exporter/push/spool"
)

// block puts a directory, which can be opened and not read, in the place of a file, as a virus scanner
// does that keeps it to itself. The caller calls back.
func block(t *testing.T, name string) (back func()) {
	t.Helper()
	aside := name + ".aside"
	if err := os.Rename(name, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(aside, name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUnreadableForAWhile says that a file is not given up because it cannot be read now.
func TestUnreadableForAWhile(t *testing.T) {
	var log bytes.Buffer
	c := clocks{wall: time.Unix(1_700_000_000, 0)}
	o := spool.Options{Path: directory(t), Logger: slog.New(slog.NewTextHandler(&log, nil))}
	want, first, _ := twoFiles(t, o)
	s, err := spool.OpenAt(o, func() time.Time { return c.wall }, func() time.Duration { return c.elapsed })
	if err != nil {
		t.Fatal(err)
	}
	defer closeSpool(t, s)
	back := block(t, first)
	for range 3 {
		if got := drain(s); len(got) > 0 {
			t.Fatalf("got %q", got)
		}
		c.pass(time.Minute)
	}
	back()
	if diff := cmp.Diff(want, drain(s)); diff != "" {
		t.Error(diff)
	}
	if got := s.Stats(); got.Damaged != 0 || got.Dropped != 0 || got.Waiting != 0 {
		t.Errorf("got %+v", got)
	}
	if n := strings.Count(log.String(), "cannot be read"); n != 1 {
		t.Errorf("%d lines about it:\n%s", n, log.String())
	}
}

// TestUnreadableForLong says that what cannot be read does not hold up what stands behind it.
func TestUnreadableForLong(t *testing.T) {
	c := clocks{wall: time.Unix(1_700_000_000, 0)}
	o := spool.Options{Path: directory(t)}
	want, first, _ := twoFiles(t, o)
	s, err := spool.OpenAt(o, func() time.Time { return c.wall }, func() time.Duration { return c.elapsed })
	if err != nil {
		t.Fatal(err)
	}
	defer closeSpool(t, s)
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(first, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := drain(s); len(got) > 0 {
		t.Fatalf("got %q", got)
	}
	c.pass(5 * time.Minute)
	if diff := cmp.Diff(want[16:], drain(s)); diff != "" {
		t.Error(diff)
	}
	if got := s.Stats(); got.Damaged != 1 {
		t.Errorf("got %+v", got)
	}
}
