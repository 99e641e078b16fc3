package scraper

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/dns"
	"github.com/prometheus/prometheus/discovery/file"
	sdhttp "github.com/prometheus/prometheus/discovery/http"
	"github.com/prometheus/prometheus/discovery/targetgroup"

	"github.com/procmon/procmon"
)

// settle is for how long after a reload targets stay that a changed discovery mechanism
// has not found again: its first answer takes time, and no answer yet is not an empty one.
const settle = 10 * time.Second

// maxDropped bounds the dropped targets of a job that are kept to be looked at.
const maxDropped = 100

// plan is a Job with everything made for it that could fail.
type plan struct {
	job     Job
	client  *http.Client // nil when the pool's own stays in use
	static  []*targetgroup.Group
	dynamic discovery.Configs
}

// pool is a job and its targets. Manager.work guards what only syncing touches; mu guards
// what others read.
type pool struct {
	m       *Manager
	static  []*targetgroup.Group
	dynamic discovery.Configs
	found   []*targetgroup.Group // by dynamic discovery
	keep    time.Time            // until then what is not found any more stays; zero for never

	mu           sync.RWMutex
	job          Job
	client       *http.Client
	targets      []*target
	dropped      []DroppedTarget
	droppedCount int
}

// newPlan makes a job ready. running is the pool that the job has, or nil.
func (m *Manager) newPlan(job Job, running *pool) (plan, error) {
	p := plan{job: job}
	if err := job.validate(); err != nil {
		return p, err
	}
	if running == nil || !reflect.DeepEqual(running.job.HTTPClient, job.HTTPClient) {
		options := []promconfig.HTTPClientOption{}
		if m.opts.DialContext != nil {
			options = append(options, promconfig.WithDialContextFunc(m.opts.DialContext))
		}
		var err error
		if p.client, err = promconfig.NewClientFromConfig(job.HTTPClient, job.Name, options...); err != nil {
			return p, fmt.Errorf("job %q: %w", job.Name, err)
		}
	}
	for _, c := range job.Discovery {
		switch c := c.(type) {
		case discovery.StaticConfig:
			p.static = append(p.static, c...)
		case *file.SDConfig, *sdhttp.SDConfig, *dns.SDConfig:
			p.dynamic = append(p.dynamic, c)
		default:
			return p, fmt.Errorf("job %q: discovery by %s is not supported; static, file, http and dns are", job.Name, c.Name())
		}
	}
	return p, nil
}

// adopt makes a plan the pool's own.
func (p *pool) adopt(n plan) {
	if !reflect.DeepEqual(p.dynamic, n.dynamic) {
		p.keep = time.Time{}
		if len(n.dynamic) == 0 {
			p.found = nil
		} else if len(p.dynamic) > 0 {
			p.keep = time.Now().Add(settle)
		}
	}
	p.static, p.dynamic = n.static, n.dynamic
	p.mu.Lock()
	defer p.mu.Unlock()
	p.job = n.job
	if n.client != nil {
		if p.client != nil {
			p.client.CloseIdleConnections()
		}
		p.client = n.client
	}
}

// transport returns what the next scrape works with.
func (p *pool) transport() (*http.Client, int64) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.client, p.job.BodySizeLimit
}

// sync makes the running targets those that discovery and relabelling give now. Targets
// that are scraped as before go on undisturbed.
func (p *pool) sync(ctx context.Context) {
	wanted, dropped := specs(&p.job, p.static, p.found)
	running := map[string]*target{}
	for _, t := range p.targets {
		running[t.spec.key()] = t
	}
	var targets, fresh []*target
	for _, s := range wanted {
		if t := running[s.key()]; t != nil {
			targets = append(targets, t)
			delete(running, s.key())
		} else if t, err := newTarget(p, s); err == nil {
			fresh = append(fresh, t)
		} else {
			dropped = append(dropped, DroppedTarget{Job: s.job, DiscoveredLabels: s.discovered.Map(), Reason: printable(err.Error())})
		}
	}
	stayed := p.succeed(ctx, running, fresh)
	targets = append(append(targets, stayed...), fresh...)
	slices.SortFunc(targets, func(a, b *target) int { return compareSpecs(a.spec, b.spec) })
	p.publish(targets, dropped)
}

// succeed ends the targets that are not wanted any more, except those that stay for a while,
// and starts the fresh ones in their place.
func (p *pool) succeed(ctx context.Context, unwanted map[string]*target, fresh []*target) (stayed []*target) {
	followers := map[string]*target{}
	for _, t := range fresh {
		followers[t.spec.endpoint()] = t
	}
	var gone []*target
	for _, t := range unwanted {
		if followers[t.spec.endpoint()] == nil && t.spec.dynamic && time.Now().Before(p.keep) {
			stayed = append(stayed, t)
			continue
		}
		gone = append(gone, t)
		t.cancel()
	}
	followed := map[*target]bool{}
	for _, t := range gone {
		<-t.done
		if heir := followers[t.spec.endpoint()]; heir != nil && !followed[heir] {
			heir.follow(t)
			followed[heir] = true
		} else {
			t.retire(ctx)
		}
	}
	for _, t := range fresh {
		if followed[t] {
			t.start(ctx, time.Until(t.next(time.Now())))
		} else {
			t.start(ctx, t.firstDelay(len(fresh)))
		}
	}
	return stayed
}

// firstDelay spreads the first scrapes of n new targets: one is scraped at once, a fleet
// over at most an interval.
func (t *target) firstDelay(n int) time.Duration {
	const each = 5 * time.Millisecond
	share := float64(t.offset()) / float64(t.spec.interval)
	return time.Duration(share * float64(min(t.spec.interval, time.Duration(n)*each)))
}

func (p *pool) publish(targets []*target, dropped []DroppedTarget) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets, p.droppedCount = targets, len(dropped)
	p.dropped = slices.Clip(dropped[:min(len(dropped), maxDropped)])
}

// stop ends all targets; retire says whether for good, or because the server ends.
func (p *pool) stop(ctx context.Context, retire bool) {
	for _, t := range p.targets {
		t.cancel()
	}
	for _, t := range p.targets {
		<-t.done
		if retire {
			t.retire(ctx)
		}
	}
	p.publish(nil, nil)
	p.client.CloseIdleConnections()
}

func (p *pool) statuses() []procmon.TargetStatus {
	p.mu.RLock()
	targets := p.targets
	p.mu.RUnlock()
	all := make([]procmon.TargetStatus, len(targets))
	for i, t := range targets {
		all[i] = t.status()
	}
	return all
}
