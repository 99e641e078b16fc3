package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/procmon/procmon"
)

// A value of kindChanges is a snapshot as what it differs in from another of the same host, its
// base, which is stored whole: the timestamp of that, 8 bytes, most significant first, then
// one zstd frame with checksum.
//
// In the frame are, in this order: the checksum of the base's frame, 4 bytes, so that no
// other base is taken for it; the timestamp; a byte of flags for what of the host, its
// labels and the hostname differs, and that; the columns of the system that differ, as a
// bitmap and one row each; the number of processes; where each is taken from; for each of
// processColumns the number of rows that differ, the gaps between them, and their fields; and
// the events, as in a whole snapshot.
//
// Processes come in runs: a uvarint of twice the length, plus 1 for processes that the base
// does not have, which differ from an empty one. Others are neighbours in the base too, and
// the distance from the end of the run before follows, as a varint.
const changesHead = 1 + 8 // bytes before the frame

const (
	hostDiffers = 1 << iota
	labelsDiffer
	hostnameDiffers
)

// A Base is a snapshot that is stored whole, for others to be stored as changes of it.
type Base struct {
	procmon.Record
	sum uint32 // the last 4 bytes of its frame, which are the checksum of what is in it
}

// NewBase returns r as a base; value is what Encode made of r.
func NewBase(r procmon.Record, value []byte) *Base {
	return &Base{r, binary.LittleEndian.Uint32(value[len(value)-4:])}
}

// DecodeBase is Decode for a base.
func (c *Codec) DecodeBase(value []byte) (*Base, error) {
	r, err := c.Decode(value)
	if err != nil {
		return nil, err
	}
	return NewBase(r, value), nil
}

// BaseTime returns the timestamp of the base of value, in Unix nanoseconds, and whether it
// has one. It is to be believed only when DecodeChanges has accepted that base.
func BaseTime(value []byte) (nanos int64, ok bool) {
	if len(value) < changesHead || value[0] != kindChanges && value[0] != kindChanges1 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(value[1:])), true
}

// EncodeChanges appends to dst the form of r that DecodeChanges reads with the same base.
func (c *Codec) EncodeChanges(dst []byte, r procmon.Record, base *Base) ([]byte, error) {
	e := c.encoders.Get().(*encoder)
	defer c.release(e)
	if err := e.changes(r, base); err != nil {
		return dst, err
	}
	dst = append(dst, kindChanges)
	dst = binary.BigEndian.AppendUint64(dst, uint64(base.Snapshot.Timestamp.UnixNano()))
	return c.compress(dst, e)
}

// DecodeChanges returns the record that value holds. It shares the labels, the services and
// the texts of base where they are the same, and leaves base as it is.
func (c *Codec) DecodeChanges(value []byte, base *Base) (procmon.Record, error) {
	at, ok := BaseTime(value)
	if !ok {
		return procmon.Record{}, errors.New("value without a base")
	}
	if at != base.Snapshot.Timestamp.UnixNano() {
		return procmon.Record{}, errors.New("value with another base")
	}
	early := value[0] == kindChanges1
	return c.decompress(value[changesHead:], func(d *decoder) (procmon.Record, error) { return d.changes(base, early) })
}

// CheckChanges returns an error if value, which has a base, is damaged as far as that shows
// without the base.
func (c *Codec) CheckChanges(value []byte) error {
	_, err := c.zr.DecodeAll(value[changesHead:], nil)
	return err
}

func (e *encoder) changes(r procmon.Record, base *Base) error {
	s, old := r.Snapshot, base.Snapshot
	if len(s.Processes) > MaxProcesses {
		return tooManyProcesses(s)
	}
	e.buf = binary.LittleEndian.AppendUint32(e.buf, base.sum)
	e.instant(s.Timestamp)
	flags := byte(0)
	if r.Host != base.Host {
		flags |= hostDiffers
	}
	if !maps.Equal(r.Labels, base.Labels) || (r.Labels == nil) != (base.Labels == nil) {
		flags |= labelsDiffer
	}
	if s.Hostname != old.Hostname {
		flags |= hostnameDiffers
	}
	e.byte(flags)
	if flags&hostDiffers != 0 {
		e.text(r.Host)
	}
	if flags&labelsDiffer != 0 {
		e.labels(r.Labels)
	}
	if flags&hostnameDiffers != 0 {
		e.text(s.Hostname)
	}
	e.systemChanges(&s.System, &old.System)
	e.count(len(s.Processes), s.Processes == nil)
	head := len(e.buf)
	e.processChanges(s.Processes, old.Processes)
	size := len(e.buf) - head
	e.events(s.Events)
	if n := len(s.Processes); n > mostProcesses(old.Processes, size) {
		return fmt.Errorf("of the snapshot's %d processes many have the same pid; each pid is allowed once", n)
	}
	return e.err
}

func (e *encoder) systemChanges(s, old *procmon.System) {
	differ := uint64(0)
	for i, c := range systemColumns {
		if !c.same(s, old) {
			differ |= 1 << i
		}
	}
	e.whole(differ)
	rows := []*procmon.System{s}
	for i, c := range systemColumns {
		if differ&(1<<i) != 0 {
			c.encode(e, rows)
		}
	}
}

func (e *encoder) processChanges(ps, old []procmon.Process) {
	from := e.sources(ps, old)
	expected := 0
	for i := 0; i < len(ps); {
		n := 1
		if from[i] < 0 {
			for i+n < len(ps) && from[i+n] < 0 {
				n++
			}
			e.whole(uint64(n)<<1 | 1)
		} else {
			for i+n < len(ps) && from[i+n] == from[i]+n {
				n++
			}
			e.whole(uint64(n) << 1)
			e.signed(int64(from[i] - expected))
			expected = from[i] + n
		}
		i += n
	}

	var none procmon.Process
	for _, c := range processColumns {
		differ := e.differ[:0]
		rows := e.rows[:0]
		for i := range ps {
			then := &none
			if from[i] >= 0 {
				then = &old[from[i]]
			}
			if !c.same(&ps[i], then) {
				differ, rows = append(differ, i), append(rows, &ps[i])
			}
		}
		e.differ, e.rows = differ, rows
		e.whole(uint64(len(rows)))
		last := -1
		for _, i := range differ {
			e.whole(uint64(i - last - 1))
			last = i
		}
		if len(rows) > 0 {
			c.encode(e, rows)
		}
	}
}

// sources returns for each of ps where in old the same pid is, or -1. It is valid until the
// next call.
func (e *encoder) sources(ps, old []procmon.Process) []int {
	from := slices.Grow(e.from[:0], len(ps))
	clear(e.pids)
	expected := 0
	for i := range ps {
		if expected < len(old) && old[expected].PID == ps[i].PID {
			from = append(from, expected)
			expected++
			continue
		}
		if len(e.pids) == 0 {
			for j := range old {
				e.pids[old[j].PID] = j
			}
		}
		j, ok := e.pids[ps[i].PID]
		if !ok {
			from = append(from, -1)
			continue
		}
		from = append(from, j)
		expected = j + 1
	}
	e.from = from
	return from
}

func (d *decoder) changes(base *Base, early bool) (procmon.Record, error) {
	if sum := d.bytes(4); d.err == nil && binary.LittleEndian.Uint32(sum) != base.sum {
		d.fail("the base is not the snapshot that this is stored as changes of")
	}
	if d.err != nil {
		return procmon.Record{}, d.err
	}
	old := base.Snapshot
	s := &procmon.Snapshot{Timestamp: d.instant(), Hostname: old.Hostname, System: old.System}
	r := procmon.Record{Host: base.Host, Labels: base.Labels, Snapshot: s}
	flags := d.whole(hostDiffers | labelsDiffer | hostnameDiffers)
	if flags&hostDiffers != 0 {
		r.Host = d.string()
	}
	if flags&labelsDiffer != 0 {
		r.Labels = d.labels()
	}
	if flags&hostnameDiffers != 0 {
		s.Hostname = d.string()
	}
	differ := d.whole(1<<len(systemColumns) - 1)
	system := []*procmon.System{&s.System}
	for i, c := range systemColumns {
		if differ&(1<<i) != 0 {
			c.clear(&s.System)
			c.decode(d, system)
		}
	}
	n, known := d.count(MaxProcesses)
	if most := mostProcesses(old.Processes, len(d.data)-d.at); n > most {
		d.fail("%d processes, where %d are possible", n, most)
	}
	if d.err != nil {
		return r, d.err
	}
	if known {
		s.Processes = d.take(n, old.Processes)
	}
	rows := pointers(nil, s.Processes)
	for _, c := range columns(early) {
		d.processChanges(c, rows)
		if d.err != nil {
			return r, d.err
		}
	}
	if !early {
		s.Events = d.events()
	}
	return r, d.end()
}

// mostProcesses is how many processes there can be in so many bytes of changes: each of the
// base is there once, and one that is not in it takes some bytes.
func mostProcesses(old []procmon.Process, bytes int) int { return len(old) + bytes }

// take returns n processes as they are in old, empty where they are not there.
func (d *decoder) take(n int, old []procmon.Process) []procmon.Process {
	ps := make([]procmon.Process, 0, n)
	next := int64(0)
	for len(ps) < n && d.err == nil {
		head := d.whole(uint64(n-len(ps))<<1 | 1)
		length := int64(head >> 1)
		if length == 0 {
			d.fail("a run of no processes")
			break
		}
		if head&1 != 0 {
			ps = ps[:len(ps)+int(length)]
			continue
		}
		start := next + d.signed()
		next = start + length
		if start < 0 || start > int64(len(old)) || next > int64(len(old)) {
			d.fail("a run of %d processes at %d of %d in the base", length, start, len(old))
			break
		}
		ps = append(ps, old[start:next]...)
	}
	return ps
}

func (d *decoder) processChanges(c column[procmon.Process], all []*procmon.Process) {
	n := int(d.whole(uint64(len(all))))
	rows := make([]*procmon.Process, 0, n)
	at := -1
	for range n {
		at += 1 + int(d.whole(uint64(len(all))))
		if d.err != nil {
			return
		}
		if at >= len(all) {
			d.fail("a change in process %d of %d", at, len(all))
			return
		}
		c.clear(all[at])
		rows = append(rows, all[at])
	}
	if n > 0 {
		c.decode(d, rows)
	}
}

func tooManyProcesses(s *procmon.Snapshot) error {
	return fmt.Errorf("the snapshot has %d processes; at most %d are allowed", len(s.Processes), MaxProcesses)
}
