package procmon

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-faster/jx"
)

// EventKind says what happened to a process.
type EventKind string

// The kinds of events.
const (
	Started EventKind = "start"
	Ended   EventKind = "end"
)

// An Event is the start or the end of a process, as the kernel told it: also of one that no
// snapshot has seen. The same event may come in more than one snapshot.
type Event struct {
	Kind      EventKind
	Time      time.Time // UTC
	PID       uint32
	PPID      Opt[uint32]
	StartTime Opt[time.Time] // UTC; of the process, so that it is known at its end too
	Name      Opt[string]
	Exe       Opt[string]
	Cmdline   Opt[string]
	Username  Opt[string]
	ExitCode  Opt[int64] // of an end: on Windows as its unsigned 32 bits, elsewhere 0 to 255, or -N when signal N ended it
}

// ID returns the identity of the process of e.
func (e *Event) ID() ProcessID {
	id := ProcessID{PID: e.PID}
	if e.StartTime.Known {
		id.Start = e.StartTime.Value.UnixNano()
	}
	return id
}

var eventFields = []field[Event]{
	required("kind", func(e *Event) *EventKind { return &e.Kind }, readEventKind, func(e *jx.Encoder, v EventKind) { e.Str(string(v)) }),
	required("time", func(e *Event) *time.Time { return &e.Time }, readInstant, writeInstant),
	required("pid", func(e *Event) *uint32 { return &e.PID }, readWhole32, writeWhole32),
	whole32("ppid", func(e *Event) *Opt[uint32] { return &e.PPID }),
	instant("start_time", func(e *Event) *Opt[time.Time] { return &e.StartTime }),
	text("name", func(e *Event) *Opt[string] { return &e.Name }),
	text("exe", func(e *Event) *Opt[string] { return &e.Exe }),
	text("cmdline", func(e *Event) *Opt[string] { return &e.Cmdline }),
	text("username", func(e *Event) *Opt[string] { return &e.Username }),
	optional("exit_code", func(e *Event) *Opt[int64] { return &e.ExitCode }, readSigned, func(e *jx.Encoder, v int64) { e.Int64(v) }),
}

func readEventKind(d *reader) (EventKind, error) {
	const want = `"start" or "end"`
	b, err := d.text(want)
	if err != nil {
		return "", err
	}
	switch kind := EventKind(d.intern(b)); kind {
	case Started, Ended:
		return kind, nil
	}
	return "", notA(strconv.Quote(shorten(string(b))), want)
}

func readSigned(d *reader) (int64, error) {
	const want = "a whole number of at most 64 bits"
	if d.Next() != jx.Number {
		return 0, problem(d, want)
	}
	n, err := d.Num()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseInt(string(n), 10, 64)
	if err != nil {
		return 0, notA(string(n), want)
	}
	return v, nil
}

// decodeEvents reads the events of a snapshot, and puts them into the order of their times.
func decodeEvents(d *reader, s *Snapshot) error {
	switch d.Next() {
	case jx.Null:
		return d.Null()
	case jx.Array:
	default:
		return problem(d, "a list of events")
	}
	s.Events = []Event{}
	list, err := d.ArrIter()
	for err == nil && list.Next() {
		var e Event
		if err = decodeFields(d, eventFields, &e, "an event, which is a JSON object"); err != nil {
			err = within(fmt.Sprintf("[%d]", len(s.Events)), err)
		}
		s.Events = append(s.Events, e)
	}
	slices.SortStableFunc(s.Events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	return cmp.Or(err, list.Err())
}

func encodeEvents(e *jx.Encoder, s *Snapshot) {
	if s.Events == nil {
		return
	}
	e.FieldStart("events")
	e.ArrStart()
	for i := range s.Events {
		e.ObjStart()
		encodeFields(e, eventFields, &s.Events[i])
		e.ObjEnd()
	}
	e.ArrEnd()
}
