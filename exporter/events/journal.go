package events

import (
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/procmon/procmon"
)

// journal is what a source writes and readers read.
type journal struct {
	redact func(string) string

	mu     sync.Mutex // guards what follows
	ring   ring
	stats  Stats
	ended  bool
	living map[uint32]*procmon.Event // the starts of processes that run, for their ends
	text   int                       // bytes of text in living
}

const (
	// maxLiving bounds the processes whose ends will have all facts. The ends of others have
	// what the kernel tells then.
	maxLiving = 32 << 10
	// maxLine bounds a command line, in bytes, so that a few long ones do not push all else
	// out of the ring.
	maxLine = 4 << 10
)

func newJournal(o Options) *journal {
	redact := o.Redact
	if redact == nil {
		redact = func(line string) string { return line }
	}
	return &journal{
		redact: redact, ring: ring{maxEvents: o.MaxEvents, maxText: o.MaxText},
		living: map[uint32]*procmon.Event{},
	}
}

func (j *journal) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ended = true
}

// know takes facts into an event. What they leave unknown stays as it was.
func (j *journal) know(e *procmon.Event, f Facts) {
	if f.Cmdline.Known {
		f.Cmdline.Value = strings.ReplaceAll(j.redact(f.Cmdline.Value), "\x00", " ")
	}
	for _, fact := range []struct {
		to   *procmon.Opt[string]
		from procmon.Opt[string]
	}{{&e.Name, f.Name}, {&e.Exe, f.Exe}, {&e.Cmdline, f.Cmdline}, {&e.Username, f.Username}} {
		if fact.from.Known {
			*fact.to = procmon.Some(clean(fact.from.Value))
		}
	}
}

// started records a start. The event becomes the journal's.
func (j *journal) started(e *procmon.Event) {
	j.stats.Starts++
	j.ring.add(*e)
	j.remember(e)
}

// remember keeps an event for the end of its process.
func (j *journal) remember(e *procmon.Event) {
	j.forget(e.PID)
	if len(j.living) >= maxLiving {
		return
	}
	if j.text+textOf(e) > j.ring.maxText {
		e.Exe, e.Cmdline = procmon.Opt[string]{}, procmon.Opt[string]{}
	}
	j.living[e.PID] = e
	j.text += textOf(e)
}

// forget returns what was kept of a process, nil if nothing was.
func (j *journal) forget(pid uint32) *procmon.Event {
	e := j.living[pid]
	if e != nil {
		j.text -= textOf(e)
		delete(j.living, pid)
	}
	return e
}

// finished records an end. kept is what forget returned and lends its facts.
func (j *journal) finished(e procmon.Event, kept *procmon.Event) {
	if kept != nil {
		e.PPID, e.StartTime = kept.PPID, kept.StartTime
		e.Name, e.Exe, e.Cmdline, e.Username = kept.Name, kept.Exe, kept.Cmdline, kept.Username
	}
	j.stats.Ends++
	j.ring.add(e)
}

// clean returns text that came from a process as valid UTF-8 of at most maxLine bytes.
func clean(s string) string {
	if len(s) > maxLine {
		end := maxLine
		for end > maxLine-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
