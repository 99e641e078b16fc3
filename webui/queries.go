package webui

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/procmon/procmon"
)

// History is what a Store answers about the past. What is too much for one answer is
// procmon.ErrTooMuch, and a question that makes no sense is a *procmon.FieldError.
type History interface {
	// Neighbour returns the time of the snapshot that is offset after, or before, the newest
	// one at or before an instant: the last or the first if there are not so many.
	Neighbour(ctx context.Context, host string, at time.Time, offset int) (time.Time, error)
	// Life returns what is known of a process from first to last.
	Life(ctx context.Context, host string, id procmon.ProcessID) (procmon.Life, error)
	// Difference returns what changed on a host between two instants.
	Difference(ctx context.Context, host string, before, after time.Time) (procmon.Difference, error)
	// Series returns metrics over time.
	Series(ctx context.Context, q procmon.SeriesQuery) (procmon.Series, error)
	// Top returns who used most, the most first.
	Top(ctx context.Context, q procmon.TopQuery) ([]procmon.TopRow, error)
	// Search returns one page of the processes that match.
	Search(ctx context.Context, q procmon.SearchQuery) (procmon.Matches, error)
}

// Defaults of Options.
const (
	defaultQueryTimeout = 30 * time.Second
	defaultMaxQueries   = 20 // as Prometheus' query.max-concurrency
)

// gate bounds the questions about the past: how long one may take, the time that it waits for
// others included, and how many are answered at a time.
type gate struct {
	timeout time.Duration
	room    chan struct{}
}

func newGate(timeout time.Duration, most int) *gate {
	return &gate{timeout: timeout, room: make(chan struct{}, most)}
}

// ask calls question when there is room, and says what became of it in words for who asked.
// narrow says how to ask for less.
func (g *gate) ask(ctx context.Context, narrow string, question func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	select {
	case g.room <- struct{}{}:
	case <-ctx.Done():
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return ctx.Err()
		}
		return &problem{status: http.StatusServiceUnavailable, code: "busy", message: fmt.Sprintf(
			"the server answers %d questions about the past already, and none ended within %s; try again later", cap(g.room), g.timeout)}
	}
	defer func() { <-g.room }()
	err := question(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
		return &problem{status: http.StatusServiceUnavailable, code: "timeout", message: fmt.Sprintf("the answer took longer than %s; %s", g.timeout, narrow)}
	case errors.Is(err, procmon.ErrTooMuch):
		return &problem{status: http.StatusUnprocessableEntity, code: "too_much", message: err.Error()}
	}
	if wrong, ok := errors.AsType[*procmon.FieldError](err); ok {
		return badParameter(wrong.Field, wrong.Problem)
	}
	return err
}
