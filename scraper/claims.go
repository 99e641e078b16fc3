package scraper

import (
	"fmt"
	"sync"
	"time"
)

// claims says which target delivers which host. Only one does at a time: a second one that
// delivers the same name contests it, until the owner is gone or has been down for a while.
type claims struct {
	mu       sync.Mutex
	owners   map[string]*claim // by procmon.HostKey
	owned    map[*target]string
	contests map[*target]string
}

type claim struct {
	owner    *target
	lastGood time.Time
	rivals   []*target
}

func newClaims() *claims {
	return &claims{owners: map[string]*claim{}, owned: map[*target]string{}, contests: map[*target]string{}}
}

// outlived reports whether the owner has been silent for so long that another may follow it.
func (c *claim) outlived(now time.Time) bool {
	return now.Sub(c.lastGood) > max(3*c.owner.spec.interval, time.Minute)
}

// take gives the host to t and returns nil, or returns the target that has it.
func (c *claims) take(t *target, host string, now time.Time) (owner *target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.withdrawLocked(t)
	if had, ok := c.owned[t]; ok && had != host {
		c.releaseLocked(t)
	}
	got := c.owners[host]
	switch {
	case got == nil:
		c.owners[host] = &claim{owner: t, lastGood: now}
	case got.owner == t:
		got.lastGood = now
		return nil
	case got.outlived(now):
		delete(c.owned, got.owner)
		got.owner, got.lastGood = t, now
	default:
		got.rivals = append(got.rivals, t)
		c.contests[t] = host
		return got.owner
	}
	c.owned[t] = host
	return nil
}

// taken reports whether a target other than t has the host.
func (c *claims) taken(host string, t *target) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.owners[host]
	return got != nil && got.owner != t
}

// withdraw ends that t contests a host.
func (c *claims) withdraw(t *target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.withdrawLocked(t)
}

func (c *claims) withdrawLocked(t *target) {
	host, ok := c.contests[t]
	if !ok {
		return
	}
	delete(c.contests, t)
	if got := c.owners[host]; got != nil {
		for i, rival := range got.rivals {
			if rival == t {
				got.rivals = append(got.rivals[:i], got.rivals[i+1:]...)
				break
			}
		}
	}
}

// drop ends everything that t has or contests.
func (c *claims) drop(t *target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.withdrawLocked(t)
	c.releaseLocked(t)
}

func (c *claims) releaseLocked(t *target) {
	host, ok := c.owned[t]
	if !ok {
		return
	}
	delete(c.owned, t)
	for _, rival := range c.owners[host].rivals {
		delete(c.contests, rival)
	}
	delete(c.owners, host)
}

// move gives what from has to the target that follows it.
func (c *claims) move(from, to *target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.withdrawLocked(from)
	host, ok := c.owned[from]
	if !ok {
		return
	}
	delete(c.owned, from)
	c.owned[to] = host
	c.owners[host].owner = to
}

// conflict says that another target delivers the host of t; it is empty if none does.
func (c *claims) conflict(t *target, hostname string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.owners[c.owned[t]]
	if got == nil || len(got.rivals) == 0 {
		return ""
	}
	return conflictText(hostname, t, got.rivals[0])
}

func conflictText(host string, owner, rival *target) string {
	return printable(fmt.Sprintf("two targets deliver the host %q: %s (job %q), which is stored, and %s (job %q), which is not; set the label host of one of them by relabelling",
		host, owner.spec.url.Redacted(), owner.spec.job, rival.spec.url.Redacted(), rival.spec.job))
}
