package exporter

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/procmon/procmon/exporter/events"
)

// An answer to /snapshot says in cursorHeader up to where its events go. A client that
// repeats this in afterHeader gets what came later; the exporter remembers nothing of it, so
// that an answer that was lost is given again. A client without it gets the events since the
// previous answer to any such client.
const (
	cursorHeader = "Procmon-Events-Cursor"
	afterHeader  = "Procmon-Events-After"
)

// cursors says from where on readers get events. Its methods can be called from several
// goroutines.
type cursors struct {
	run string // names this run of the exporter: a cursor of another one means nothing

	mu      sync.Mutex
	unnamed events.Cursor // of the clients that name none, together
	offered events.Cursor // of the last snapshot that was made for pushing
	pushed  events.Cursor // of the last one that the spool took
}

const runSize = 8 // bytes

func newCursors() *cursors {
	run := make([]byte, runSize)
	_, _ = rand.Read(run) // never fails
	return &cursors{run: hex.EncodeToString(run)}
}

// text returns a cursor as clients see it: the run, a dot and a number.
func (c *cursors) text(cursor events.Cursor) string {
	return c.run + "." + strconv.FormatUint(uint64(cursor), 10)
}

// parse returns the cursor that text says; of another run, the one before all events.
func (c *cursors) parse(text string) (events.Cursor, error) {
	run, digits, _ := strings.Cut(text, ".")
	if _, err := hex.DecodeString(run); err != nil || len(run) != 2*runSize {
		return 0, errors.New("it is not of the form RUN.NUMBER")
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, errors.New("it does not end in a number of at most 64 bits")
	}
	if run != c.run {
		return 0, nil
	}
	return events.Cursor(n), nil
}

// asked returns the cursor that a request is to be answered from, and whether the client
// named it.
func (c *cursors) asked(r *http.Request) (after events.Cursor, named bool, err error) {
	values := r.Header.Values(afterHeader)
	if len(values) == 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.unnamed, false, nil
	}
	if len(values) > 1 {
		return 0, true, fmt.Errorf("header %s: it is there %d times; once is allowed", afterHeader, len(values))
	}
	if after, err = c.parse(values[0]); err != nil {
		return 0, true, fmt.Errorf("header %s: %w; send what %s of an earlier answer said, or leave it out", afterHeader, err, cursorHeader)
	}
	return after, true, nil
}

// answered moves the clients that name no cursor on.
func (c *cursors) answered(upTo events.Cursor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unnamed = max(c.unnamed, upTo)
}

func (c *cursors) toPush() events.Cursor {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pushed
}

// offer notes up to where a snapshot that is to be pushed goes.
func (c *cursors) offer(upTo events.Cursor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offered = upTo
}

// taken says that what was offered last will be delivered.
func (c *cursors) taken() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pushed = max(c.pushed, c.offered)
}
