package procmon

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
)

// Decode reads one snapshot in the format of GET /snapshot and POST /api/process-data/.
// It keeps nothing of data. Fields that it does not know are passed over; a field that is
// wrong, missing or there twice is a *FieldError.
func Decode(data []byte) (*Snapshot, error) { return new(Decoder).decode(data) }

// A Decoder reads the snapshots of one source, one after the other. A process that is written
// as it was in the snapshot before, as most are, is not read again. The zero Decoder is ready;
// it holds on to the snapshot that it returned last, which must not be changed.
type Decoder struct {
	seed     maphash.Seed
	marks    []mark         // of the processes of the snapshot before
	previous []Process      // those processes
	index    map[uint32]int // where they are, by pid
	spare    map[uint32]int // the index of the next snapshot
}

// mark tells the JSON of one process from any other; a wrong match has a chance of 2^-64.
type mark struct {
	size int
	hash uint64
}

// maxRemembered bounds the processes that a Decoder holds on to.
const maxRemembered = 1 << 16

// Decode reads one snapshot as the function Decode does.
func (d *Decoder) Decode(data []byte) (*Snapshot, error) {
	if d.index == nil {
		d.seed, d.index = maphash.MakeSeed(), map[uint32]int{}
	}
	s, err := d.decode(data)
	if err != nil || len(s.Processes) > maxRemembered {
		*d = Decoder{}
		return s, err
	}
	d.previous, d.index, d.spare = s.Processes, d.spare, d.index
	return s, nil
}

// errMalformed is said only where encoding/json, which words such errors, finds nothing.
var errMalformed = errors.New("malformed")

func (d *Decoder) decode(data []byte) (*Snapshot, error) {
	r := readers.Get().(*reader)
	defer r.release()
	s := &Snapshot{}
	err := d.snapshot(r, &cursor{data: data}, s)
	if err == nil {
		return s, nil
	}
	if fe, ok := errors.AsType[*FieldError](err); ok {
		return nil, fe
	}
	return nil, &FieldError{Problem: "invalid JSON: " + syntaxProblem(data, err)}
}

func (d *Decoder) snapshot(r *reader, c *cursor, s *Snapshot) error {
	if !c.take('{') {
		r.ResetBytes(c.data)
		return problem(r, "a snapshot, which is a JSON object")
	}
	host, system := object[Snapshot]{fields: snapshotFields}, object[System]{fields: systemFields}
	for more := !c.take('}'); more; {
		key, err := r.key(c.value())
		if err != nil {
			return err
		}
		if !c.take(':') {
			return errMalformed
		}
		if string(key) == "processes" {
			err = d.processes(r, c, s)
		} else {
			i, j := host.find(key), -1
			if i < 0 {
				j = system.find(key)
			}
			err = r.whole(c.value(), func() error {
				switch {
				case i >= 0:
					return host.decode(r, i, s)
				case j >= 0:
					return system.decode(r, j, &s.System)
				}
				return r.Skip()
			})
		}
		if err != nil {
			return err
		}
		if more = c.take(','); !more && !c.take('}') {
			return errMalformed
		}
	}
	if err := host.missing(); err != nil {
		return err
	}
	if s.Processes == nil {
		return &FieldError{Field: "processes", Problem: "missing"}
	}
	if c.next(); c.at < len(c.data) {
		return &FieldError{Problem: "invalid JSON: more follows after the snapshot"}
	}
	return nil
}

func (d *Decoder) processes(r *reader, c *cursor, s *Snapshot) error {
	const small, most = 384, 4096 // bytes of a process; processes to make room for at once
	if s.Processes != nil {
		return &FieldError{Field: "processes", Problem: "there twice"}
	}
	if !c.take('[') {
		return r.whole(c.value(), func() error { return within("processes", problem(r, "a list of processes")) })
	}
	if d.spare == nil {
		d.spare = make(map[uint32]int, 256)
	}
	clear(d.spare)
	s.Processes = make([]Process, 0, max(len(d.previous)+16, min(len(c.data)/small+1, most)))
	marks := make([]mark, 0, cap(s.Processes))
	expected := 0 // where in previous the next process may be
	for more := !c.take(']'); more; {
		i := len(s.Processes)
		s.Processes = append(s.Processes, Process{})
		p := &s.Processes[i]
		if c.next(); d.matches(expected, c) {
			*p = d.previous[expected]
			marks = append(marks, d.marks[expected])
			expected++
		} else {
			value := c.value()
			if err := r.whole(value, func() error { return decodeProcess(r, p) }); err != nil {
				return within(fmt.Sprintf("processes[%d]", i), err)
			}
			if d.index != nil {
				marks = append(marks, mark{len(value), maphash.Bytes(d.seed, value)})
				if at, ok := d.index[p.PID]; ok {
					expected = at + 1
				}
			}
		}
		if first, ok := d.spare[p.PID]; ok {
			return &FieldError{
				Field:   fmt.Sprintf("processes[%d].pid", i),
				Problem: fmt.Sprintf("%d is the pid of processes[%d] already; each pid is allowed once", p.PID, first),
			}
		}
		d.spare[p.PID] = i
		if more = c.take(','); !more && !c.take(']') {
			return errMalformed
		}
	}
	d.marks = marks
	return nil
}

// matches goes over the process at the cursor if it is written as that of the snapshot before
// with the given index.
func (d *Decoder) matches(index int, c *cursor) bool {
	if index >= len(d.previous) {
		return false
	}
	m := d.marks[index]
	if m.size > len(c.data)-c.at || maphash.Bytes(d.seed, c.data[c.at:c.at+m.size]) != m.hash {
		return false
	}
	c.at += m.size
	return true
}

// syntaxProblem says what is wrong with data in the words of encoding/json, which tell the
// end of the input from a wrong byte; err is what the decoder said.
func syntaxProblem(data []byte, err error) string {
	var raw json.RawMessage
	if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(data, &raw)); ok {
		return fmt.Sprintf("%v (byte %d)", syntax, syntax.Offset)
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err.Error()
}
