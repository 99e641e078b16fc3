package query

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
)

// Search returns one page of the processes that match, by host key, then by when they were
// seen first and identity. Over a range a process matches if its facts do at some time, and
// all figures that are asked for at one instant of it. Processes that were never in a
// snapshot are found by their events.
func (e *Engine) Search(ctx context.Context, q procmon.SearchQuery) (procmon.Matches, error) {
	after, err := parseCursor(q.Cursor)
	if err != nil {
		return procmon.Matches{}, err
	}
	if q.Limit < 1 || q.Limit > MaxRows {
		return procmon.Matches{}, &procmon.FieldError{Field: "limit", Problem: fmt.Sprintf("%d is not from 1 to %d", q.Limit, MaxRows)}
	}
	ranged := !q.From.IsZero() || !q.To.IsZero()
	from, to, err := checkRange(q.From, q.To)
	if ranged && err != nil {
		return procmon.Matches{}, err
	}
	until := int64(1<<63 - 1)
	if !q.At.IsZero() {
		until = nanos(q.At)
	}
	chosen := func(h *procmon.HostSummary) bool {
		return procmon.HostKey(h.Host) >= after.host && q.Match.MatchHost(h.Host) && (q.Hosts == nil || q.Hosts(h))
	}
	var page procmon.Matches
	err = eachHost(ctx, e.Source, chosen, func(h *procmon.HostSummary) ([]procmon.Match, error) {
		s := newSearcher(&q.Match, h.Host)
		key := procmon.HostKey(h.Host)
		if ranged {
			s.from, s.to = from, to
			err := e.Source.Segments(ctx, key, from-int64(Farthest), to, s.pass, s.segment)
			if early := s.earlier(); err == nil && len(early) > 0 {
				s = newSearcher(&q.Match, h.Host)
				s.from, s.to, s.follow = from, to, early
				err = e.Source.Segments(ctx, key, from-int64(Farthest), to, s.pass, s.segment)
			}
			return s.result(), err
		}
		at, ok, err := e.Source.Newest(ctx, key, until)
		if !ok || err != nil {
			return nil, err
		}
		s.from, s.to, s.instant = at, at, true
		err = e.Source.Segments(ctx, key, at, at, s.pass, s.segment)
		if errors.Is(err, errBefore) {
			err = e.Source.Segments(ctx, key, at-int64(Farthest), at, s.pass, s.segment)
		}
		return s.result(), err
	}, func(h *procmon.HostSummary, found []procmon.Match) bool {
		page.Hosts++
		key, skip := procmon.HostKey(h.Host), 0
		if key == after.host {
			skip = min(after.skip, len(found))
		}
		room := q.Limit - len(page.Matches)
		page.Matches = append(page.Matches, found[skip:min(skip+room, len(found))]...)
		if len(found)-skip > room {
			page.Cursor = cursor{key, skip + room}.String()
			return false
		}
		return true
	})
	if err != nil {
		return procmon.Matches{}, err
	}
	return page, nil
}

// cursor is where a page begins.
type cursor struct {
	host string // key
	skip int    // matches of it that were on pages before
}

func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(c.skip) + " " + c.host))
}

func parseCursor(text string) (c cursor, err error) {
	if text == "" {
		return c, nil
	}
	bad := &procmon.FieldError{Field: "cursor", Problem: fmt.Sprintf("%.50q is not the cursor of an answer", text)}
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return c, bad
	}
	skip, host, ok := strings.Cut(string(plain), " ")
	if c.skip, err = strconv.Atoi(skip); !ok || err != nil || c.skip < 0 {
		return c, bad
	}
	c.host = host
	return c, nil
}

// errBefore says that the segment before is needed too.
var errBefore = errors.New("the segment before is needed")

// searcher looks through one host.
type searcher struct {
	match    *procmon.Search
	needs    []procmon.TextNeed
	figures  bool
	timed    bool
	host     string
	from, to int64
	instant  bool // from is to, and the only step that counts

	clock clock
	last  map[procmon.ProcessID]procmon.Process // figures in the snapshot before the segment, of what may match
	found map[procmon.ProcessID]*procmon.Match  // that match, or may at another instant
	hits  map[procmon.ProcessID]bool            // those that match
	there map[procmon.ProcessID]bool            // those found that were in the last snapshot
	short map[procmon.ProcessID]bool            // those found that were in none
	ids   map[procmon.ProcessID]bool            // all processes of the last segment within the range that has some

	recent bool                       // some of those found are among ids
	early  map[procmon.ProcessID]bool // those found that began before the segment in which they were found first
	follow map[procmon.ProcessID]bool // those to find wherever they are, since they match later

	scratch []stage
}

func newSearcher(match *procmon.Search, host string) *searcher {
	return &searcher{
		match: match, needs: match.Needs(), figures: match.Figures(), timed: match.Timed(), host: host,
		clock: clock{never}, found: map[procmon.ProcessID]*procmon.Match{}, hits: map[procmon.ProcessID]bool{}, short: map[procmon.ProcessID]bool{},
		early: map[procmon.ProcessID]bool{},
	}
}

// segment looks through a segment for what matches, and marks as gone what is not there.
func (s *searcher) segment(g block.Segment) error {
	times := g.Times()
	if s.instant && times[0] == s.from && s.clock.last == never && s.last == nil {
		s.last = map[procmon.ProcessID]procmon.Process{}
		if may, err := s.may(g); err != nil || may {
			return cmp.Or(err, errBefore)
		}
		return nil
	}
	defer s.clock.end(times)
	span := span{times: times}
	span.first, _ = slices.BinarySearch(times, s.from)
	var exact bool
	if span.behind, exact = slices.BinarySearch(times, s.to); exact {
		span.behind++
	}
	may, err := s.may(g)
	if err != nil || !may && !s.recent && len(s.follow) == 0 {
		s.last, s.ids = nil, nil
		return err
	}
	rows, err := g.Rows()
	if err != nil {
		return err
	}
	s.leave(rows, &span)
	ends := map[procmon.ProcessID]procmon.Process{}
	ids := make(map[procmon.ProcessID]bool, len(rows))
	for i := range rows {
		if span.meets(&rows[i]) {
			ids[rows[i].ID] = true
		}
		if may || s.follows(rows[i].ID) {
			if err := s.process(g, i, &rows[i], &span, ends); err != nil {
				return err
			}
		}
	}
	s.last = ends
	if s.instant || span.empty() {
		return nil
	}
	s.there, s.recent = map[procmon.ProcessID]bool{}, s.recent && len(ids) == 0
	for i := range rows {
		if s.found[rows[i].ID] == nil || !ids[rows[i].ID] {
			continue
		}
		s.recent = true
		if rows[i].In(span.behind - 1) {
			s.there[rows[i].ID] = true
		}
	}
	err = s.events(g, ids)
	if len(ids) > 0 {
		s.ids = ids
	}
	return err
}

// follows reports whether a process counts whatever it is in a segment: it has matched before,
// or will. One process can run one program after the other.
func (s *searcher) follows(id procmon.ProcessID) bool { return s.found[id] != nil || s.follow[id] }

// earlier returns those that match and may be in segments before the one in which they were
// found: there they did not match.
func (s *searcher) earlier() map[procmon.ProcessID]bool {
	early := map[procmon.ProcessID]bool{}
	for id := range s.early {
		if s.hits[id] {
			early[id] = true
		}
	}
	return early
}

// span is the steps of a segment that count: from first on and before behind.
type span struct {
	times         []int64
	first, behind int
}

func (s *span) empty() bool { return s.first >= s.behind }

// meets reports whether a process is in a snapshot that counts.
func (s *span) meets(row *block.Row) (meets bool) {
	row.Stays(func(from, to int) { meets = meets || from < s.behind && to > s.first })
	return meets
}

func (s *span) holds(step int) bool { return step >= s.first && step < s.behind }

// leave notes which of those found so far are gone when the span begins.
func (s *searcher) leave(rows []block.Row, span *span) {
	if span.empty() {
		return
	}
	for i := range rows {
		if rows[i].In(span.first) {
			delete(s.there, rows[i].ID)
		}
	}
	for id := range s.there {
		s.found[id].GoneAt = nanoTime(span.times[span.first])
	}
	s.there = nil
}

// may is the quick no: whether the texts that must be there are.
func (s *searcher) may(g block.Segment) (bool, error) {
	for _, n := range s.needs {
		some := false
		var err error
		if n.Words {
			some, err = g.AnyWord(n.Match)
		}
		if !some && err == nil && n.Lines {
			some, err = g.AnyLine(n.Match)
		}
		if !some || err != nil {
			return false, err
		}
	}
	return true, nil
}

// pass reports whether a segment with those words need not be looked through, as segment
// would find out too, and takes note of when it ended.
func (s *searcher) pass(words block.Words, last int64) bool {
	if s.recent || len(s.follow) > 0 {
		return false
	}
	for _, n := range s.needs {
		if n.Words && !n.Lines && !words.Any(n.Match) {
			s.last, s.ids, s.clock.last = nil, nil, last
			return true
		}
	}
	return false
}

// stage is what is known of a process from a step on.
type stage struct {
	step  int
	p     procmon.Process
	match bool
}

// stages returns the facts of process i, until it is called again, and whether they match at some
// step.
func (s *searcher) stages(g block.Segment, i int) (all []stage, some bool, err error) {
	times := g.Times()
	all = s.scratch[:0]
	err = g.Facts(i, true, func(step int, p *procmon.Process) error {
		match := s.match.MatchFacts(p, nanoTime(times[step]))
		some = some || match || s.timed
		all = append(all, stage{step, *p, match})
		return nil
	})
	s.scratch = all
	return all, some, err
}

// process looks at row i, and notes in ends what it is at last.
func (s *searcher) process(g block.Segment, i int, row *block.Row, span *span, ends map[procmon.ProcessID]procmon.Process) error {
	times := span.times
	if s.instant && !span.empty() && !row.In(span.first) {
		return nil
	}
	facts, some, err := s.stages(g, i)
	if err != nil || !some && !s.follows(row.ID) {
		return err
	}
	before, was := s.last[row.ID]
	at := s.clock.last // of before
	var m procmon.Match
	hit, seen, now := false, -1, 0
	err = each(g, i, row, block.CPUSeconds|block.DeliveredCPU|block.Memory, func(step int, p *procmon.Process) {
		if span.holds(step) {
			for now+1 < len(facts) && facts[now+1].step <= step {
				now++
			}
			if seen < 0 {
				m.FirstSeen = nanoTime(times[step])
			}
			seen = step
			cpu := s.cpu(times, step, row.ID, was && at == s.clock.before(times, step), &before, p)
			raise(&m.CPU, cpu)
			raise(&m.Memory, p.WorkingSetBytes)
			match := facts[now].match
			if s.timed {
				match = s.match.MatchFacts(&facts[now].p, nanoTime(times[step]))
			}
			hit = hit || match && s.match.MatchFigures(cpu, p.WorkingSetBytes)
		}
		before, was, at = *p, true, times[step]
		if step == len(times)-1 {
			ends[row.ID] = *p
		}
	})
	if err != nil || seen < 0 {
		return err
	}
	known := s.found[row.ID]
	if known == nil && s.clock.last >= s.from && row.ID.Start <= s.clock.last {
		s.early[row.ID] = true
	}
	if hit {
		s.hits[row.ID] = true
	}
	m.Host, m.Process, m.LastSeen = s.host, facts[now].p, nanoTime(times[seen])
	if known != nil {
		m.FirstSeen = known.FirstSeen
		m.EndedAt, m.ExitCode = known.EndedAt, known.ExitCode
		raise(&m.CPU, known.CPU)
		raise(&m.Memory, known.Memory)
	}
	if !s.instant && seen+1 < span.behind {
		m.GoneAt = nanoTime(times[seen+1])
	}
	s.found[row.ID] = &m
	delete(s.short, row.ID)
	return nil
}

// cpu returns the CPU use of p in a step; next says that before is in the one before.
func (s *searcher) cpu(times []int64, step int, id procmon.ProcessID, next bool, before, p *procmon.Process) procmon.Opt[float64] {
	interval := s.clock.interval(times, step)
	switch {
	case next:
	case rowStarted(id, p, s.clock.before(times, step)):
		before = &procmon.Process{CPUSeconds: procmon.Some(0.0)}
	default:
		interval = 0
	}
	return cpuPercent(before, p, interval)
}

func raise[T cmp.Ordered](most *procmon.Opt[T], v procmon.Opt[T]) {
	if v.Known && (!most.Known || v.Value > most.Value) {
		*most = v
	}
}

// events adds what ended, with which code, and what was never in a snapshot: in none of the
// segment, whose processes are given, and in none of the one before.
func (s *searcher) events(g block.Segment, ids map[procmon.ProcessID]bool) error {
	times := g.Times()
	return g.Events(func(step int, events []procmon.Event) error {
		if times[step] < s.from || times[step] > s.to {
			return nil
		}
		for i := range events {
			e := &events[i]
			if !e.StartTime.Known {
				continue
			}
			id := procmon.ProcessID{PID: e.PID, Start: e.StartTime.Value.UnixNano()}
			m := s.found[id]
			if m == nil {
				p := processOf(e, procmon.Process{})
				if ids[id] || s.ids[id] || s.figures || !s.match.MatchFacts(&p, e.Time) {
					continue
				}
				m = &procmon.Match{Life: procmon.Life{Host: s.host, Process: p, FirstSeen: nanoTime(times[step])}}
				s.found[id], s.short[id], s.hits[id] = m, true, true
			}
			if s.short[id] {
				m.LastSeen = nanoTime(times[step])
			}
			if e.Kind == procmon.Ended {
				m.EndedAt, m.ExitCode = e.Time, e.ExitCode
			}
		}
		return nil
	})
}

func (s *searcher) result() []procmon.Match {
	all := make([]procmon.Match, 0, len(s.hits))
	for id := range s.hits {
		all = append(all, *s.found[id])
	}
	slices.SortFunc(all, func(a, b procmon.Match) int {
		i, j := a.Process.ID(), b.Process.ID()
		return cmp.Or(a.FirstSeen.Compare(b.FirstSeen), cmp.Compare(i.PID, j.PID), cmp.Compare(i.Start, j.Start))
	})
	return all
}
