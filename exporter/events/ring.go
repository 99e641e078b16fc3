package events

import (
	"slices"

	"github.com/procmon/procmon"
)

// ring holds the latest events within its limits. It takes memory as events come. The zero
// ring with limits is empty.
type ring struct {
	maxEvents int
	maxText   int // bytes

	events []procmon.Event // circular: the oldest stands at first
	first  int
	count  int
	text   int    // bytes of text in the events
	next   Cursor // after the newest
}

// add puts in an event, for which the oldest ones make room.
func (r *ring) add(e procmon.Event) {
	size := textOf(&e)
	for r.count > 0 && (r.count >= r.maxEvents || r.text+size > r.maxText) {
		r.text -= textOf(&r.events[r.first])
		r.events[r.first] = procmon.Event{} // lets its text go
		r.first = (r.first + 1) % len(r.events)
		r.count--
	}
	if r.count == len(r.events) {
		r.grow()
	}
	r.events[(r.first+r.count)%len(r.events)] = e
	r.count++
	r.text += size
	r.next++
}

func (r *ring) grow() {
	const least = 64 // events
	larger := make([]procmon.Event, min(max(2*len(r.events), least), r.maxEvents))
	n := copy(larger, r.events[r.first:])
	copy(larger[n:], r.events[:r.first])
	r.events, r.first = larger, 0
}

// between returns a copy of the events that are left of those after one cursor and up to
// another, by time, and how many of them are not left.
func (r *ring) between(after, upTo Cursor) (list []procmon.Event, lost uint64) {
	upTo = min(upTo, r.next)
	if after >= upTo {
		return []procmon.Event{}, 0
	}
	oldest := r.next - Cursor(r.count)
	if after < oldest {
		lost = uint64(min(oldest, upTo) - after)
		after = min(oldest, upTo)
	}
	list = make([]procmon.Event, 0, upTo-after)
	for ; after < upTo; after++ {
		list = append(list, r.events[(r.first+int(after-oldest))%len(r.events)])
	}
	slices.SortStableFunc(list, func(a, b procmon.Event) int { return a.Time.Compare(b.Time) })
	return list, lost
}

// textOf returns how many bytes the texts of an event have.
func textOf(e *procmon.Event) int {
	return len(e.Name.Value) + len(e.Exe.Value) + len(e.Cmdline.Value) + len(e.Username.Value)
}
