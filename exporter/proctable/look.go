package proctable

import (
	"time"

	"github.com/procmon/procmon"
)

// Static is what a Looker tells of one process; what the system refuses is unknown. Its
// command line is as the process has it, with its secrets.
type Static struct {
	Exe, Cmdline, Username procmon.Opt[string]
}

// A Looker asks the system for one process at a time, as soon as somebody hears of its start: it
// may have ended before the next reading of a Table. It is for one goroutine at a time.
type Looker struct{ system looker }

type looker interface {
	look(pid uint32, started time.Time) Static
}

// NewLooker returns a Looker, or nil where a Table's readings have to do.
func NewLooker() *Looker {
	if system := newLooker(); system != nil {
		return &Looker{system}
	}
	return nil
}

// Look returns what is static of the process that has this pid and was started then; nothing
// is known of one that has ended.
func (l *Looker) Look(pid uint32, started time.Time) Static { return l.system.look(pid, started) }
