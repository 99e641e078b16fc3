package exporter_test

import "testing"

func TestMetricsTellOfRecording(t *testing.T) {
	off := scrape(t, serve(t, fast))
	if names, _ := off.families("procmon_exporter_event"); names != nil {
		t.Errorf("nothing is recorded, and %q are shown", names)
	}
	url := record(t, recording)
	c := &client{url: url, named: true, ends: map[uint32]int{}}
	c.pull(t)
	c.await(t, shortLived(t))
	got := scrape(t, url)
	if n := got.value(t, "procmon_exporter_events_recorded_total"); n < 2 {
		t.Errorf("%v events are recorded, want a start and an end at least", n)
	}
	for _, name := range []string{"procmon_exporter_events_lost_total", "procmon_exporter_events_overwritten_total"} {
		got.value(t, name) // many processes of this machine's may start meanwhile
	}
	if n := got.value(t, "procmon_exporter_event_errors_total"); n != 0 {
		t.Errorf("%v events were not understood", n)
	}
}
