package codec

import (
	"github.com/procmon/procmon"
)

// MaxEvents bounds the events of one snapshot.
const MaxEvents = 1 << 20

var eventColumns = []column[procmon.Event]{
	{encode: encodeKinds, decode: decodeKinds},
	{encode: encodeTimes, decode: decodeTimes},
	{encode: encodeEventPIDs, decode: decodeEventPIDs},
	whole32(func(e *procmon.Event) *procmon.Opt[uint32] { return &e.PPID }),
	instant(func(e *procmon.Event) *procmon.Opt[time] { return &e.StartTime }),
	text(func(e *procmon.Event) *procmon.Opt[string] { return &e.Name }),
	text(func(e *procmon.Event) *procmon.Opt[string] { return &e.Exe }),
	text(func(e *procmon.Event) *procmon.Opt[string] { return &e.Cmdline }),
	text(func(e *procmon.Event) *procmon.Opt[string] { return &e.Username }),
	optional(func(e *procmon.Event) *procmon.Opt[int64] { return &e.ExitCode }, (*encoder).signed, (*decoder).signed),
}

func (e *encoder) events(events []procmon.Event) {
	if len(events) > MaxEvents {
		e.fail("the snapshot has %d events; at most %d are allowed", len(events), MaxEvents)
		return
	}
	e.count(len(events), events == nil)
	if len(events) == 0 {
		return
	}
	rows := pointers(nil, events)
	for _, c := range eventColumns {
		c.encode(e, rows)
	}
}

func (d *decoder) events() []procmon.Event {
	n, known := d.count(min(MaxEvents, len(d.data)-d.at))
	if d.err != nil || !known {
		return nil
	}
	events := make([]procmon.Event, n)
	if n == 0 {
		return events
	}
	rows := pointers(nil, events)
	for _, c := range eventColumns {
		if c.decode(d, rows); d.err != nil {
			return nil
		}
	}
	return events
}

// eventKinds are written as their index.
var eventKinds = [...]procmon.EventKind{procmon.Started, procmon.Ended}

func encodeKinds(e *encoder, rows []*procmon.Event) {
	for _, row := range rows {
		kind := byte(0)
		for int(kind) < len(eventKinds) && eventKinds[kind] != row.Kind {
			kind++
		}
		if int(kind) == len(eventKinds) {
			e.fail("an event of the unknown kind %q", row.Kind)
		}
		e.byte(kind)
	}
}

func decodeKinds(d *decoder, rows []*procmon.Event) {
	for _, row := range rows {
		row.Kind = eventKinds[d.whole(uint64(len(eventKinds)-1))]
	}
}

// encodeTimes writes the differences, in nanoseconds: events have no unit in common.
func encodeTimes(e *encoder, rows []*procmon.Event) {
	last := int64(0)
	for _, row := range rows {
		now := e.nanoseconds(row.Time)
		e.signed(now - last)
		last = now
	}
}

func decodeTimes(d *decoder, rows []*procmon.Event) {
	last := int64(0)
	for _, row := range rows {
		last += d.signed()
		row.Time = fromUnixNano(last)
	}
}

func encodeEventPIDs(e *encoder, rows []*procmon.Event) {
	for _, row := range rows {
		e.whole(uint64(row.PID))
	}
}

func decodeEventPIDs(d *decoder, rows []*procmon.Event) {
	for _, row := range rows {
		row.PID = uint32(d.whole(1<<32 - 1))
	}
}
