package exporter

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/proctable"
)

// chooser chooses the processes that have series of their own, and does so steadily: each
// change of mind costs a Prometheus new series. What is chosen by its name stays while it
// lives. What is chosen for its CPU stays until another has used twice as much lately; what a
// process used counts half after a minute, a quarter after two, and so on.
type chooser struct {
	names []*regexp.Regexp
	top   int

	seen, spare []candidate // of the rows that see was given last
	at          time.Time
	order       []int // of the candidates that could be chosen, the best first
	left        int   // how many of those that were wanted choose had no room for
}

// candidate is what is remembered of a process from one collection to the next.
type candidate struct {
	pid        uint32
	start      procmon.Opt[time.Time]
	name       string
	named      bool // one of the names matches
	shown      bool
	cpuSeconds procmon.Opt[float64]
	recent     float64 // CPU seconds
}

const (
	recentHalfLife = time.Minute
	shownCounts    = 2 // times as much as what is not shown
)

// see takes in the rows of a collection that was made at that time, and returns how many of
// them it wants to choose. The same collection can be seen again.
func (c *chooser) see(rows *proctable.Rows, at time.Time) (wanted int) {
	fade := math.Exp2(-float64(max(at.Sub(c.at), 0)) / float64(recentHalfLife))
	first := c.at.IsZero()
	next, i := c.spare[:0], 0
	for j := range rows.Processes {
		p := &rows.Processes[j]
		for i < len(c.seen) && c.seen[i].pid < p.PID {
			i++
		}
		is := candidate{pid: p.PID, start: p.StartTime, name: p.Name, cpuSeconds: p.CPUSeconds}
		switch was := c.before(i, p); {
		case was != nil:
			is.shown, is.named = was.shown, was.named
			if was.name != p.Name {
				is.named = c.isNamed(p.Name)
			}
			is.recent = was.recent * fade
			if p.CPUSeconds.Known && was.cpuSeconds.Known {
				is.recent += max(p.CPUSeconds.Value-was.cpuSeconds.Value, 0)
			}
		case first: // what it used lately is not known but for the percentage
			is.named, is.recent = c.isNamed(p.Name), p.CPU.Value/100
		default:
			is.named, is.recent = c.isNamed(p.Name), p.CPUSeconds.Value
		}
		if p.Idle() {
			is.recent = 0
		}
		next = append(next, is)
	}
	c.seen, c.spare, c.at = next, c.seen, at
	return c.rank()
}

// before returns what is remembered of p, if the candidate at i is the same process.
func (c *chooser) before(i int, p *procmon.Process) *candidate {
	if i == len(c.seen) || c.seen[i].pid != p.PID || c.seen[i].start.Known != p.StartTime.Known || !c.seen[i].start.Value.Equal(p.StartTime.Value) {
		return nil
	}
	return &c.seen[i]
}

func (c *chooser) isNamed(name string) bool {
	return slices.ContainsFunc(c.names, func(e *regexp.Regexp) bool { return e.MatchString(name) })
}

// rank puts those that are wanted into c.order and returns how many they are.
func (c *chooser) rank() int {
	c.order = c.order[:0]
	for i := range c.seen {
		if s := &c.seen[i]; s.named || c.top > 0 && s.recent > 0 {
			c.order = append(c.order, i)
		}
	}
	weight := func(s *candidate) float64 {
		if s.shown {
			return shownCounts * s.recent
		}
		return s.recent
	}
	slices.SortFunc(c.order, func(i, j int) int {
		a, b := &c.seen[i], &c.seen[j]
		switch {
		case a.named != b.named:
			return first(a.named)
		case !a.named && weight(a) != weight(b):
			return cmp.Compare(weight(b), weight(a))
		case a.shown != b.shown:
			return first(a.shown)
		}
		return cmp.Compare(a.pid, b.pid)
	})
	named := 0
	for named < len(c.order) && c.seen[c.order[named]].named {
		named++
	}
	c.order = c.order[:min(named+c.top, len(c.order))]
	return len(c.order)
}

// first orders what a tells before what it does not.
func first(a bool) int {
	if a {
		return -1
	}
	return 1
}

// choose returns the indexes of at most so many of the rows that were seen last, in no
// particular order. They are valid until the next call of see.
func (c *chooser) choose(most int) []int {
	n := min(max(most, 0), len(c.order))
	c.left = len(c.order) - n
	for i := range c.seen {
		c.seen[i].shown = false
	}
	for _, i := range c.order[:n] {
		c.seen[i].shown = true
	}
	return c.order[:n]
}
