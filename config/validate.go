package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/prometheus/common/model"
)

// Validate says what is wrong with c, after the key where it is. Load and Parse have done so.
func (c *Config) Validate() error {
	at, err := c.validate()
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

func (c *Config) validate() (key, error) {
	for _, check := range []func() (key, error){c.validateGlobal, c.validateJobs, c.validateStorage, c.validateWeb, c.validatePush} {
		if at, err := check(); err != nil {
			return at, err
		}
	}
	return nil, nil
}

var errNotPositive = errors.New("must be more than 0")

func (c *Config) validateGlobal() (key, error) {
	at := key{"global"}
	switch g := c.Global; {
	case g.ScrapeInterval <= 0:
		return at.With("scrape_interval"), errNotPositive
	case g.ScrapeTimeout <= 0:
		return at.With("scrape_timeout"), errNotPositive
	case g.ScrapeTimeout > g.ScrapeInterval:
		return at.With("scrape_timeout"), fmt.Errorf("%v is more than the scrape_interval of %v", g.ScrapeTimeout, g.ScrapeInterval)
	case g.BodySizeLimit <= 0:
		return at.With("body_size_limit"), errNotPositive
	}
	return validateLabels(at.With("external_labels"), c.Global.ExternalLabels)
}

func validateLabels(at key, labels model.LabelSet) (key, error) {
	for name, value := range labels {
		if !model.UTF8Validation.IsValidLabelName(string(name)) || !value.IsValid() {
			return at.With(string(name)), errors.New("is not a valid label")
		}
	}
	return nil, nil
}

func (c *Config) validateJobs() (key, error) {
	names := map[string]int{}
	for i := range c.ScrapeConfigs {
		job, at := &c.ScrapeConfigs[i], key{"scrape_configs", i}
		if job.JobName == "" {
			return at.With("job_name"), errors.New("missing")
		}
		if first, ok := names[job.JobName]; ok {
			return at.With("job_name"), fmt.Errorf("%q is the name of scrape_configs[%d] already", job.JobName, first)
		}
		names[job.JobName] = i
		if at, err := job.validate(at); err != nil {
			return at, err
		}
	}
	return nil, nil
}

func (c *ScrapeConfig) validate(at key) (key, error) {
	switch {
	case c.ScrapeTimeout > c.ScrapeInterval:
		return at.With("scrape_timeout"), fmt.Errorf("%v is more than the scrape_interval of %v", c.ScrapeTimeout, c.ScrapeInterval)
	case c.Scheme != "http" && c.Scheme != "https":
		return at.With("scheme"), fmt.Errorf("%q is not http or https", c.Scheme)
	case !strings.HasPrefix(c.MetricsPath, "/"):
		return at.With("metrics_path"), fmt.Errorf("%q does not begin with /", c.MetricsPath)
	}
	if err := c.HTTPClient.Validate(); err != nil {
		return at, err
	}
	if err := c.HTTPClient.TLSConfig.Validate(); err != nil {
		return at.With("tls_config"), err
	}
	if o := c.HTTPClient.OAuth2; o != nil {
		if err := validateWithoutPassword(o.TokenURL); err != nil {
			return at.With("oauth2").With("token_url"), err
		}
	}
	for i, group := range c.StaticConfigs {
		at := at.With("static_configs").With(i)
		for j, t := range group.Targets {
			if err := validateAddress(string(t[model.AddressLabel])); err != nil {
				return at.With("targets").With(j), err
			}
		}
		if at, err := validateLabels(at.With("labels"), group.Labels); err != nil {
			return at, err
		}
	}
	for i, sd := range c.HTTPSDConfigs {
		if sd.RefreshInterval <= 0 {
			return at.With("http_sd_configs").With(i).With("refresh_interval"), errNotPositive
		}
		if err := sd.HTTPClientConfig.TLSConfig.Validate(); err != nil {
			return at.With("http_sd_configs").With(i).With("tls_config"), err
		}
		if err := validateWithoutPassword(sd.URL); err != nil {
			return at.With("http_sd_configs").With(i).With("url"), err
		}
	}
	for i, sd := range c.FileSDConfigs {
		if sd.RefreshInterval <= 0 {
			return at.With("file_sd_configs").With(i).With("refresh_interval"), errNotPositive
		}
	}
	for i, sd := range c.DNSSDConfigs {
		if sd.RefreshInterval <= 0 {
			return at.With("dns_sd_configs").With(i).With("refresh_interval"), errNotPositive
		}
	}
	for i, rule := range c.RelabelConfigs {
		if err := rule.Validate(model.UTF8Validation); err != nil {
			return at.With("relabel_configs").With(i), err
		}
	}
	return nil, nil
}

// validateWithoutPassword refuses a password in a URL that is kept as plain text, where it
// would print.
func validateWithoutPassword(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return errors.New("is not a URL")
	}
	if u.User != nil {
		return errors.New("has a user or a password in it; basic_auth is the place for them")
	}
	return nil
}

func validateAddress(address string) error {
	switch {
	case address == "":
		return errors.New("is empty; host:port is wanted")
	case strings.Contains(address, "://"):
		return fmt.Errorf("%q is a URL; host:port is wanted here, and scheme and metrics_path of the job say the rest", address)
	case strings.ContainsAny(address, "/@?#\\") || strings.ContainsFunc(address, unicode.IsSpace):
		return fmt.Errorf("%q is not host:port", address)
	}
	return nil
}

const (
	minMemory ByteSize = 32 << 20
	// minRetentionSize leaves room for history beside the logs of the database, which take some
	// tens of megabytes whatever is in them.
	minRetentionSize ByteSize = 256 << 20
)

func (c *Config) validateStorage() (key, error) {
	at, r := key{"storage"}, c.Storage.Retention
	switch {
	case c.Storage.Path == "":
		return at.With("path"), errors.New("is empty")
	case c.Storage.Memory < minMemory:
		return at.With("memory"), fmt.Errorf("%v is too little; at least %v is needed", c.Storage.Memory, minMemory)
	case r.Time <= 0:
		return at.With("retention").With("time"), errNotPositive
	case r.Size != 0 && r.Size < minRetentionSize:
		return at.With("retention").With("size"), fmt.Errorf("%v is too little; at least %v is needed, and 0 is no bound", r.Size, minRetentionSize)
	}
	for _, job := range slices.Sorted(maps.Keys(r.Jobs)) {
		at := at.With("retention").With("jobs").With(job)
		switch {
		case job == "":
			return at, errors.New("the name of a job is empty")
		case r.Jobs[job] <= 0:
			return at, errNotPositive
		}
	}
	return nil, nil
}

func (c *Config) validateWeb() (key, error) {
	_, port, err := net.SplitHostPort(c.Web.ListenAddress)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return key{"web", "listen_address"}, fmt.Errorf("%q is not host:port, like 127.0.0.1:8000 or :8000", c.Web.ListenAddress)
	}
	return nil, nil
}

func (c *Config) validatePush() (key, error) {
	at := key{"push"}
	if c.Push.MaxBodySize <= 0 {
		return at.With("max_body_size"), errNotPositive
	}
	if !(c.Push.RateLimit > 0) {
		return at.With("rate_limit"), errNotPositive
	}
	for i, token := range c.Push.Tokens {
		if token == "" {
			return at.With("tokens").With(i), errors.New("is empty")
		}
		if strings.ContainsFunc(string(token), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
			return at.With("tokens").With(i), errors.New("has white space or control characters in it")
		}
	}
	return nil, nil
}
