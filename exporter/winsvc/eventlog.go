package winsvc

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

// reporter is the event log.
type reporter interface {
	Info(id uint32, message string) error
	Warning(id uint32, message string) error
	Error(id uint32, message string) error
}

// eventHandler writes records as events: the message, then the attributes as logfmt. Windows
// adds the time itself, and shows the level.
type eventHandler struct {
	to   reporter
	text slog.Handler // writes to line
	line *lockedLine  // of all handlers that stem from one
}

type lockedLine struct {
	sync.Mutex
	bytes.Buffer
}

func newEventHandler(to reporter, level slog.Leveler) *eventHandler {
	line := &lockedLine{}
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.LevelKey || a.Key == slog.TimeKey || a.Key == slog.MessageKey) {
			return slog.Attr{}
		}
		return a
	}}
	return &eventHandler{to: to, text: slog.NewTextHandler(&line.Buffer, o), line: line}
}

func (h *eventHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.text.Enabled(ctx, level)
}

func (h *eventHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &eventHandler{to: h.to, text: h.text.WithAttrs(attrs), line: h.line}
}

func (h *eventHandler) WithGroup(name string) slog.Handler {
	return &eventHandler{to: h.to, text: h.text.WithGroup(name), line: h.line}
}

func (h *eventHandler) Handle(ctx context.Context, r slog.Record) error {
	const longest = 30_000 // bytes; an event's string has at most 31,839 characters
	h.line.Lock()
	defer h.line.Unlock()
	h.line.Reset()
	if err := h.text.Handle(ctx, r); err != nil {
		return err
	}
	message := strings.TrimSpace(r.Message + " " + strings.TrimSuffix(h.line.String(), "\n"))
	if len(message) > longest {
		message = strings.ToValidUTF8(message[:longest], "") + "…"
	}
	message = strings.ReplaceAll(message, "\x00", "\uFFFD") // would end it
	// EventCreate.exe, whose text is nothing but the message, knows the ids 1 to 1000.
	switch {
	case r.Level >= slog.LevelError:
		return h.to.Error(3, message)
	case r.Level >= slog.LevelWarn:
		return h.to.Warning(2, message)
	}
	return h.to.Info(1, message)
}
