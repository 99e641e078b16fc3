//go:build amd64 || arm64

package proctable

import "time"

func newLooker() looker { return newNTHost() }

func (h *ntHost) look(pid uint32, started time.Time) Static {
	facts, _ := h.facts(pid, toFiletime(started))
	return Static{Exe: facts.Exe, Cmdline: facts.Cmdline, Username: facts.Username}
}
