package scraper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"

	"github.com/procmon/procmon"
)

// A Manager discovers and scrapes the targets of all jobs. Its methods may be called at the
// same time.
type Manager struct {
	opts    Options
	intake  *intake
	bodies  *bodies
	claims  *claims
	metrics *metrics
	sd      *discovery.SDMetrics

	work      sync.Mutex      // held by whoever changes jobs or targets
	ctx       context.Context // of Run; nil before
	ended     bool
	discovery *discovery.Manager

	mu    sync.RWMutex
	pools map[string]*pool // by job
}

// New returns a manager without jobs. It fails if o.Registerer has another's metrics.
func New(o Options) (*Manager, error) {
	o = o.withDefaults()
	m := &Manager{
		opts:    o,
		intake:  &intake{appender: o.Appender, retention: o.Retention, now: o.Now},
		bodies:  new(bodies),
		claims:  newClaims(),
		metrics: newMetrics(),
		pools:   map[string]*pool{},
	}
	if err := o.Registerer.Register(collector{m}); err != nil {
		return nil, fmt.Errorf("register metrics of the scraper: %w", err)
	}
	var err error
	if m.sd, err = discovery.CreateAndRegisterSDMetrics(o.Registerer); err != nil {
		return nil, fmt.Errorf("register metrics of the scraper: %w", err)
	}
	return m, nil
}

// Check says what Apply would refuse, and changes nothing.
func (m *Manager) Check(jobs []Job) error {
	m.work.Lock()
	defer m.work.Unlock()
	_, err := m.plans(jobs)
	return err
}

// Apply makes the jobs those that are given, all or nothing: after an error everything is
// as it was. What is scraped as before keeps its loop, its health and its place in time.
// Before Run, the jobs wait for it.
func (m *Manager) Apply(jobs []Job) error {
	m.work.Lock()
	defer m.work.Unlock()
	plans, err := m.plans(jobs)
	if err != nil {
		return err
	}
	if m.ended {
		return errors.New("apply jobs: the manager has ended")
	}
	pools := map[string]*pool{}
	for _, n := range plans {
		p := m.pools[n.job.Name]
		if p == nil {
			p = &pool{m: m}
		}
		p.adopt(n)
		pools[n.job.Name] = p
	}
	gone := m.publish(pools)
	if m.ctx == nil {
		return nil
	}
	for _, p := range gone {
		p.stop(m.ctx, true)
	}
	return m.begin()
}

// begin brings targets and discovery in line with the jobs.
func (m *Manager) begin() error {
	configs := map[string]discovery.Configs{}
	for name, p := range m.pools {
		p.sync(m.ctx)
		if len(p.dynamic) > 0 {
			configs[name] = p.dynamic
		}
	}
	return m.discovery.ApplyConfig(configs)
}

func (m *Manager) publish(pools map[string]*pool) (gone []*pool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, p := range m.pools {
		if pools[name] == nil {
			gone = append(gone, p)
		}
	}
	m.pools = pools
	return gone
}

// plans does everything for the jobs that can fail.
func (m *Manager) plans(jobs []Job) ([]plan, error) {
	// A discoverer is made here only to see whether it can be, and counts nowhere.
	trial, err := discovery.CreateAndRegisterSDMetrics(prometheus.NewRegistry())
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	plans := make([]plan, 0, len(jobs))
	names := map[string]bool{}
	for _, job := range jobs {
		if names[job.Name] {
			return nil, fmt.Errorf("job %q: the name is there twice", job.Name)
		}
		names[job.Name] = true
		n, err := m.newPlan(job, m.pools[job.Name])
		if err != nil {
			return nil, err
		}
		for _, c := range n.dynamic {
			_, err := c.NewDiscoverer(discovery.DiscovererOptions{
				Logger: m.opts.Logger, Metrics: trial.MechanismMetrics[c.Name()], SetName: job.Name,
				HTTPClientOptions: m.discoveryClient(),
			})
			if err != nil {
				return nil, fmt.Errorf("job %q: discovery by %s: %w", job.Name, c.Name(), err)
			}
		}
		plans = append(plans, n)
	}
	return plans, nil
}

func (m *Manager) discoveryClient() []promconfig.HTTPClientOption {
	return []promconfig.HTTPClientOption{promconfig.WithUserAgent(m.opts.UserAgent)}
}

// Run scrapes until ctx ends, and returns after everything that it started has ended. It
// can be called once.
func (m *Manager) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	updates, err := m.open(ctx)
	if err != nil {
		return err
	}
	var discovering sync.WaitGroup
	discovering.Go(func() { _ = m.discovery.Run() }) // its error is that of ctx
	m.follow(ctx, updates)

	m.work.Lock()
	defer m.work.Unlock()
	m.ended = true
	for _, p := range m.pools {
		p.stop(ctx, false)
	}
	discovering.Wait()
	for range updates { // until its sender has ended
	}
	return nil
}

func (m *Manager) open(ctx context.Context) (<-chan map[string][]*targetgroup.Group, error) {
	m.work.Lock()
	defer m.work.Unlock()
	if m.ctx != nil {
		return nil, errors.New("run scraper: it ran already")
	}
	m.discovery = discovery.NewManager(ctx, m.opts.Logger, m.opts.Registerer, m.sd,
		discovery.Name("scrape"), discovery.Updatert(time.Second), discovery.HTTPClientOptions(m.discoveryClient()...))
	if m.discovery == nil {
		return nil, errors.New("run scraper: the metrics of discovery are registered already")
	}
	m.ctx = ctx
	if err := m.begin(); err != nil {
		return nil, fmt.Errorf("run scraper: %w", err)
	}
	return m.discovery.SyncCh(), nil
}

// follow takes in what discovery finds.
func (m *Manager) follow(ctx context.Context, updates <-chan map[string][]*targetgroup.Group) {
	settled := time.NewTicker(settle / 2)
	defer settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case found, ok := <-updates:
			if !ok {
				return
			}
			m.discovered(ctx, found)
		case <-settled.C:
			m.settled(ctx)
		}
	}
}

func (m *Manager) discovered(ctx context.Context, found map[string][]*targetgroup.Group) {
	m.work.Lock()
	defer m.work.Unlock()
	for name, groups := range found {
		p := m.pools[name]
		if p == nil || len(p.dynamic) == 0 {
			continue // an answer for a job that has changed since
		}
		slices.SortFunc(groups, func(a, b *targetgroup.Group) int { return strings.Compare(a.Source, b.Source) })
		p.found = groups
		p.sync(ctx)
	}
}

// settled ends the targets that a reload kept for a while and nothing has found again.
func (m *Manager) settled(ctx context.Context) {
	m.work.Lock()
	defer m.work.Unlock()
	for _, p := range m.pools {
		if !p.keep.IsZero() && time.Now().After(p.keep) {
			p.keep = time.Time{}
			p.sync(ctx)
		}
	}
}

// Targets returns the targets that are scraped, by job and URL.
func (m *Manager) Targets() []procmon.TargetStatus {
	var all []procmon.TargetStatus
	for _, p := range m.sorted() {
		all = append(all, p.statuses()...)
	}
	return all
}

// Dropped returns targets that were discovered and are not scraped, up to a hundred of each
// job, and how many there are in all.
func (m *Manager) Dropped() (some []DroppedTarget, count int) {
	for _, p := range m.sorted() {
		p.mu.RLock()
		some = append(some, p.dropped...)
		count += p.droppedCount
		p.mu.RUnlock()
	}
	return some, count
}

func (m *Manager) sorted() []*pool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	names := make([]string, 0, len(m.pools))
	for name := range m.pools {
		names = append(names, name)
	}
	slices.Sort(names)
	pools := make([]*pool, len(names))
	for i, name := range names {
		pools[i] = m.pools[name]
	}
	return pools
}
