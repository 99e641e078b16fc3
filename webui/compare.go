package webui

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

// Rows of one answer to what changed.
const (
	defaultChanges = 10_000
	maxChanges     = 20_000
)

func (s *Server) compare(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "a", "b", "limit", "cursor")
	if err != nil {
		return err
	}
	if !query.Has("a") {
		return badParameter("a", "missing; it is the earlier instant, as RFC 3339 or Unix seconds")
	}
	a, err := moment(query, "a", time.Time{})
	if err != nil {
		return err
	}
	b, err := moment(query, "b", s.now())
	if err != nil {
		return err
	}
	if b.Before(a) {
		return badParameter("b", b.Format(time.RFC3339Nano)+" is before a, "+a.Format(time.RFC3339Nano))
	}
	limit, err := whole(query, "limit", defaultChanges, 1, maxChanges)
	if err != nil {
		return err
	}
	var begin changesCursor
	if query.Has("cursor") {
		if begin, err = parseChangesCursor(query.Get("cursor")); err != nil {
			return err
		}
		a, b = begin.a, begin.b // so that the pages are of the same two snapshots
	}
	host, err := hostInPath(r)
	if err != nil {
		return err
	}
	var d procmon.Difference
	var lost procmon.Losses
	err = s.gate.ask(procmon.NotingLosses(r.Context(), &lost), "try again later", func(ctx context.Context) (err error) {
		d, err = s.store.Difference(ctx, host, a, b)
		return err
	})
	if errors.Is(err, procmon.ErrNotFound) {
		return s.nothingAt(r.Context(), host)
	}
	if err != nil {
		return err
	}
	slices.SortStableFunc(d.Stayed, func(a, b procmon.Change) int {
		return cmp.Compare(spent(&b), spent(&a))
	})
	writeJSON(w, http.StatusOK, func(e *jx.Encoder) {
		e.ObjStart()
		writeDifference(e, &d, begin.skip, limit)
		s.writePartial(r.Context(), e, &lost)
		e.ObjEnd()
	})
	return nil
}

// spent returns the CPU seconds used, by which those come last of which it is not known.
func spent(c *procmon.Change) float64 {
	if !c.CPUSeconds.Known {
		return -1
	}
	return c.CPUSeconds.Value
}

// writeDifference writes limit rows after the first skip ones.
func writeDifference(e *jx.Encoder, d *procmon.Difference, skip, limit int) {
	writeText(e, "host", d.Host)
	writeInstant(e, "a", d.Before.Timestamp)
	writeInstant(e, "b", d.After.Timestamp)
	writeSeconds(e, "seconds", d.After.Timestamp.Sub(d.Before.Timestamp))
	e.FieldStart("counts")
	e.ObjStart()
	writeInt(e, "started", len(d.Started))
	writeInt(e, "ended", len(d.Ended))
	writeInt(e, "stayed", len(d.Stayed))
	e.ObjEnd()
	end := skip + limit
	at := 0
	for _, list := range [...]struct {
		name    string
		changes []procmon.Change
	}{{"started", d.Started}, {"ended", d.Ended}, {"stayed", d.Stayed}} {
		e.FieldStart(list.name)
		e.ArrStart()
		for i := range list.changes {
			if at >= skip && at < end {
				writeChange(e, &list.changes[i])
			}
			at++
		}
		e.ArrEnd()
	}
	if end < at {
		writeText(e, "cursor", changesCursor{d.Before.Timestamp, d.After.Timestamp, end}.String())
	}
}

func writeChange(e *jx.Encoder, c *procmon.Change) {
	e.ObjStart()
	if c.After == nil {
		c.Before.EncodeFields(e)
		e.ObjEnd()
		return
	}
	c.After.EncodeFields(e)
	if c.Before != nil {
		writeNumber(e, "cpu_seconds_used", c.CPUSeconds)
		writeWhole(e, "read_bytes_used", c.ReadBytes)
		writeWhole(e, "write_bytes_used", c.WriteBytes)
		writeGrowth(e, "memory_bytes_change", c.Before.MemoryBytes(), c.After.MemoryBytes())
		writeGrowth(e, "private_bytes_change", c.Before.PrivateBytes, c.After.PrivateBytes)
		writeGrowth(e, "threads_change", widen(c.Before.Threads), widen(c.After.Threads))
		writeGrowth(e, "handles_change", widen(c.Before.Handles), widen(c.After.Handles))
	}
	e.ObjEnd()
}

func writeWhole(e *jx.Encoder, name string, v procmon.Opt[uint64]) {
	if v.Known {
		e.FieldStart(name)
		e.UInt64(v.Value)
	}
}

// writeGrowth writes by how much a gauge is more than before, if both are known.
func writeGrowth(e *jx.Encoder, name string, before, after procmon.Opt[uint64]) {
	if !before.Known || !after.Known {
		return
	}
	e.FieldStart(name)
	if after.Value >= before.Value {
		e.UInt64(after.Value - before.Value)
		return
	}
	e.Raw(strconv.AppendUint([]byte{'-'}, before.Value-after.Value, 10))
}

func widen(v procmon.Opt[uint32]) procmon.Opt[uint64] {
	return procmon.Opt[uint64]{Value: uint64(v.Value), Known: v.Known}
}

// changesCursor is where an answer to what changed goes on.
type changesCursor struct {
	a, b time.Time // of the snapshots
	skip int       // rows on the pages before
}

func (c changesCursor) String() string {
	raw := binary.AppendVarint(nil, c.a.UnixNano())
	raw = binary.AppendVarint(raw, c.b.UnixNano())
	return base64.RawURLEncoding.EncodeToString(binary.AppendUvarint(raw, uint64(c.skip)))
}

func parseChangesCursor(text string) (changesCursor, error) {
	bad := badParameter("cursor", quote(text)+" is not the cursor of an answer")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return changesCursor{}, bad
	}
	a, n := binary.Varint(raw)
	raw = raw[max(n, 0):]
	b, m := binary.Varint(raw)
	raw = raw[max(m, 0):]
	skip, k := binary.Uvarint(raw)
	if n <= 0 || m <= 0 || k != len(raw) || skip == 0 || skip > math.MaxInt32 || b < a || a == math.MinInt64 {
		return changesCursor{}, bad
	}
	c := changesCursor{time.Unix(0, a).UTC(), time.Unix(0, b).UTC(), int(skip)}
	if c.String() != text {
		return changesCursor{}, bad
	}
	return c, nil
}
