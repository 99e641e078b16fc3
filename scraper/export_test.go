package scraper

import "context"

// ScrapeNow returns a function that scrapes every static target of m once, one after the
// other, as their loops do. It is for benchmarks, in place of Run.
func (m *Manager) ScrapeNow() func(ctx context.Context) {
	var targets []*target
	for _, p := range m.sorted() {
		wanted, _ := specs(&p.job, p.static, nil)
		for _, s := range wanted {
			t, err := newTarget(p, s)
			if err != nil {
				panic(err)
			}
			targets = append(targets, t)
		}
		p.publish(targets, nil)
	}
	return func(ctx context.Context) {
		for _, t := range targets {
			t.scrape(ctx)
		}
	}
}
