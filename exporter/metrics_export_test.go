package exporter

import (
	"slices"
	"time"

	"github.com/procmon/procmon/exporter/proctable"
)

// Chooser chooses the processes that have series of their own.
type Chooser struct{ chooser chooser }

// NewChooser returns one that chooses as the options say.
func NewChooser(p ProcessSeries) (*Chooser, error) {
	names, err := p.compile()
	return &Chooser{chooser{names: names, top: p.Top}}, err
}

// Choose returns the pids of what it chooses of the rows of that time, by pid, and how many
// it had no room for.
func (c *Chooser) Choose(rows *proctable.Rows, at time.Time, most int) (pids []uint32, left int) {
	c.chooser.see(rows, at)
	for _, i := range c.chooser.choose(most) {
		pids = append(pids, rows.Processes[i].PID)
	}
	slices.Sort(pids)
	return pids, c.chooser.left
}
