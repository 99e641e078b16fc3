package main

import (
	"net"
	"time"

	"github.com/procmon/procmon"
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

// staleAfter returns how long a snapshot stands for its host: longer than Prometheus' five
// minutes where hosts are asked less often.
func staleAfter(cfg *config.Config) time.Duration {
	after := procmon.StaleAfter
	for i := range cfg.ScrapeConfigs {
		after = max(after, 3*time.Duration(cfg.ScrapeConfigs[i].ScrapeInterval))
	}
	return after
}

// allowedHosts returns the names by which browsers may call a server that only this machine can
// reach, so that no page elsewhere can give it a name of its own (DNS rebinding); nil is any.
func allowedHosts(cfg *config.Config, l net.Listener) []string {
	if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		return nil
	}
	hosts := []string{}
	if cfg.Web.ExternalURL.URL != nil {
		hosts = append(hosts, cfg.Web.ExternalURL.Hostname())
	}
	return hosts
}
