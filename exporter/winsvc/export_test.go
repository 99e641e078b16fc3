package winsvc

import "log/slog"

// For tests: what Windows is told, without a Windows to tell it to.
var (
	Restarts    = restarts
	IsEverybody = isEverybody
	StateName   = stateName
	StartName   = startName
)

// Descriptor returns what lets an account in, to read or to write too.
func Descriptor(sid string, write bool) string {
	if write {
		return descriptor(sid, accessWrite)
	}
	return descriptor(sid, accessRead)
}

// NewEventHandler returns a handler that writes to something like an event log.
func NewEventHandler(to interface {
	Info(uint32, string) error
	Warning(uint32, string) error
	Error(uint32, string) error
}, level slog.Leveler) slog.Handler {
	return newEventHandler(to, level)
}
