package main

import (
	"io"
	"log/slog"
)

// level returns what log.level says; it has been checked.
func (r *resolved) level() slog.Level {
	var level slog.Level
	if level.UnmarshalText([]byte(r.Log.Level)) != nil {
		return slog.LevelInfo
	}
	return level
}

// logger logs to w: stdout is for answers.
func (r *resolved) logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: r.level()}
	if r.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
