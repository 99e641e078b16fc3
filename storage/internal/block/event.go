package block

import (
	"encoding/binary"
	"math"

	"github.com/procmon/procmon"
)

// eventLog is the events of all snapshots: of each that has a list, the steps since the one
// before, the number, and the events. Times are differences from the snapshot's.
type eventLog struct {
	bytes []byte
	step  int // the last with a list
}

const (
	eventPPID = 1 << iota
	eventStart
	eventName
	eventExe
	eventCmdline
	eventUser
	eventExit
	eventEnd // the kind
)

func (l *eventLog) add(step int, s *procmon.Snapshot, d *dictionaries) {
	if s.Events == nil {
		return
	}
	b := binary.AppendUvarint(l.bytes, uint64(step-l.step))
	b = binary.AppendUvarint(b, uint64(len(s.Events)))
	at := s.Timestamp.UnixNano()
	for i := range s.Events {
		e := &s.Events[i]
		flags := byte(0)
		set := func(flag byte, known bool) bool {
			if known {
				flags |= flag
			}
			return known
		}
		head := len(b)
		b = append(b, 0)
		b = binary.AppendVarint(b, e.Time.UnixNano()-at)
		b = binary.AppendUvarint(b, uint64(e.PID))
		set(eventEnd, e.Kind == procmon.Ended)
		if set(eventPPID, e.PPID.Known) {
			b = binary.AppendUvarint(b, uint64(e.PPID.Value))
		}
		if set(eventStart, e.StartTime.Known) {
			b = binary.AppendVarint(b, e.StartTime.Value.UnixNano()-at)
		}
		if set(eventName, e.Name.Known) {
			b = binary.AppendUvarint(b, d.words.code(e.Name.Value, 0))
		}
		if set(eventExe, e.Exe.Known) {
			b = binary.AppendUvarint(b, d.lines.code(e.Exe.Value, 0))
		}
		if set(eventCmdline, e.Cmdline.Known) {
			b = binary.AppendUvarint(b, d.lines.code(e.Cmdline.Value, 0))
		}
		if set(eventUser, e.Username.Known) {
			b = binary.AppendUvarint(b, d.words.code(e.Username.Value, 0))
		}
		if set(eventExit, e.ExitCode.Known) {
			b = binary.AppendVarint(b, e.ExitCode.Value)
		}
		b[head] = flags
	}
	l.bytes, l.step = b, step
}

// events returns the events of a step in what an eventLog wrote, of a block with those times.
func (t *dictionaries) events(log []byte, times []int64, step int) ([]procmon.Event, error) {
	r := reader{bytes: log}
	for at := 0; len(r.bytes) > 0; {
		at += int(r.uvarint(uint64(len(times))))
		n := r.counted(len(r.bytes))
		if at > step || r.err != nil {
			break
		}
		events := make([]procmon.Event, 0, min(n, 1024))
		for range n {
			e := t.event(&r, times[step])
			if r.err != nil {
				break
			}
			if at == step {
				events = append(events, e)
			}
		}
		if at == step && r.err == nil {
			return events, nil
		}
	}
	return nil, r.err
}

func (t *dictionaries) event(r *reader, at int64) (e procmon.Event) {
	flags := r.byte()
	word := func(from *texts) procmon.Opt[string] {
		code := r.uvarint(uint64(len(from.list) - 1))
		return procmon.Some(from.list[code])
	}
	e.Kind = procmon.Started
	if flags&eventEnd != 0 {
		e.Kind = procmon.Ended
	}
	e.Time = nanoTime(at + r.varint())
	e.PID = uint32(r.uvarint(math.MaxUint32))
	if flags&eventPPID != 0 {
		e.PPID = procmon.Some(uint32(r.uvarint(math.MaxUint32)))
	}
	if flags&eventStart != 0 {
		e.StartTime = procmon.Some(nanoTime(at + r.varint()))
	}
	if flags&eventName != 0 {
		e.Name = word(t.words)
	}
	if flags&eventExe != 0 {
		e.Exe = word(t.lines)
	}
	if flags&eventCmdline != 0 {
		e.Cmdline = word(t.lines)
	}
	if flags&eventUser != 0 {
		e.Username = word(t.words)
	}
	if flags&eventExit != 0 {
		e.ExitCode = procmon.Some(r.varint())
	}
	return e
}
