package main

import (
	"time"

	"github.com/procmon/procmon/config"
	"github.com/procmon/procmon/scraper"
)

// jobs turns scrape_configs into what the scraper works with.
func jobs(cfg *config.Config) []scraper.Job {
	jobs := make([]scraper.Job, 0, len(cfg.ScrapeConfigs))
	for i := range cfg.ScrapeConfigs {
		c := &cfg.ScrapeConfigs[i]
		jobs = append(jobs, scraper.Job{
			Name:          c.JobName,
			Interval:      time.Duration(c.ScrapeInterval),
			Timeout:       time.Duration(c.ScrapeTimeout),
			BodySizeLimit: int64(c.BodySizeLimit),
			Path:          c.MetricsPath,
			Scheme:        c.Scheme,
			Params:        c.Params,
			HTTPClient:    c.HTTPClient,
			Discovery:     c.Discovery(),
			Relabel:       c.RelabelConfigs,
		})
	}
	return jobs
}

func pushTokens(cfg *config.Config) []string {
	tokens := make([]string, len(cfg.Push.Tokens))
	for i, t := range cfg.Push.Tokens {
		tokens[i] = string(t)
	}
	return tokens
}
