package scraper

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/procmon/procmon"
)

// hostLabel names the host of a target; without it, the snapshot's hostname does.
const hostLabel = "host"

// spec is what discovery and relabelling say of one target.
type spec struct {
	job        string
	url        *url.URL
	labels     labels.Labels // public ones
	discovered labels.Labels
	dynamic    bool // found by a mechanism that may fail to answer
	interval   time.Duration
	timeout    time.Duration
}

// endpoint identifies what is scraped, whatever its labels are.
func (s *spec) endpoint() string { return s.job + "\x00" + s.url.String() }

// key is equal for specs that are scraped alike.
func (s *spec) key() string {
	return fmt.Sprintf("%s\x00%s\x00%d\x00%d", s.endpoint(), s.labels, s.interval, s.timeout)
}

// discoveredLabels returns the labels of a target before relabelling.
func discoveredLabels(job *Job, target, group model.LabelSet) *labels.Builder {
	b := labels.NewBuilder(labels.EmptyLabels())
	for name, value := range group {
		b.Set(string(name), string(value))
	}
	for name, value := range target {
		b.Set(string(name), string(value))
	}
	defaults := []labels.Label{
		{Name: model.JobLabel, Value: job.Name},
		{Name: model.SchemeLabel, Value: job.Scheme},
		{Name: model.MetricsPathLabel, Value: job.Path},
		{Name: model.ScrapeIntervalLabel, Value: model.Duration(job.Interval).String()},
		{Name: model.ScrapeTimeoutLabel, Value: model.Duration(job.Timeout).String()},
	}
	for name, values := range job.Params {
		if len(values) > 0 {
			defaults = append(defaults, labels.Label{Name: model.ParamLabelPrefix + name, Value: values[0]})
		}
	}
	for _, l := range defaults {
		if b.Get(l.Name) == "" {
			b.Set(l.Name, l.Value)
		}
	}
	return b
}

var errDropped = errors.New("dropped by relabelling")

// newSpec relabels one discovered target. It returns errDropped where a rule drops it.
func newSpec(job *Job, target, group model.LabelSet) (*spec, error) {
	b := discoveredLabels(job, target, group)
	s := &spec{discovered: b.Labels()}
	if !relabel.ProcessBuilder(b, job.Relabel...) {
		return s, errDropped
	}
	address := b.Get(model.AddressLabel)
	if err := checkAddress(address); err != nil {
		return s, err
	}
	scheme := b.Get(model.SchemeLabel)
	if scheme != "http" && scheme != "https" {
		return s, fmt.Errorf("the scheme is %q and must be http or https", scheme)
	}
	var err error
	if s.interval, err = duration(b, model.ScrapeIntervalLabel); err != nil {
		return s, err
	}
	if s.timeout, err = duration(b, model.ScrapeTimeoutLabel); err != nil {
		return s, err
	}
	if s.timeout > s.interval {
		return s, fmt.Errorf("the scrape timeout of %v is more than the interval of %v", s.timeout, s.interval)
	}
	s.url = &url.URL{Scheme: scheme, Host: address, Path: b.Get(model.MetricsPathLabel), RawQuery: params(job, b).Encode()}
	if _, err := url.Parse(s.url.String()); err != nil {
		return s, fmt.Errorf("the address %q makes no URL", address)
	}
	if b.Get(model.InstanceLabel) == "" {
		b.Set(model.InstanceLabel, address)
	}
	b.Range(func(l labels.Label) {
		if strings.HasPrefix(l.Name, model.ReservedLabelPrefix) {
			b.Del(l.Name)
		}
	})
	s.labels = b.Labels()
	s.job = job.Name
	return s, checkLabels(s.labels)
}

func checkAddress(address string) error {
	if address == "" {
		return errors.New("no address")
	}
	if strings.ContainsAny(address, "/@?#\\") {
		return fmt.Errorf("the address %q is not host:port", address)
	}
	return nil
}

func checkLabels(ls labels.Labels) error {
	err := ls.Validate(func(l labels.Label) error {
		if !model.UTF8Validation.IsValidLabelName(l.Name) || !model.LabelValue(l.Value).IsValid() {
			return fmt.Errorf("the label %q with value %q is not valid UTF-8", l.Name, l.Value)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if host := ls.Get(hostLabel); host != "" {
		if err := procmon.CheckHost(host); err != nil {
			return fmt.Errorf("the label %s: %w", hostLabel, err)
		}
	}
	return nil
}

func duration(b *labels.Builder, label string) (time.Duration, error) {
	d, err := model.ParseDuration(b.Get(label))
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("the label %s is %q and must be a duration of more than 0, like 15s", label, b.Get(label))
	}
	return time.Duration(d), nil
}

// params returns the job's parameters, where labels __param_NAME give the first values.
func params(job *Job, b *labels.Builder) url.Values {
	values := url.Values{}
	for name, vs := range job.Params {
		values[name] = append([]string(nil), vs...)
	}
	b.Range(func(l labels.Label) {
		name, ok := strings.CutPrefix(l.Name, model.ParamLabelPrefix)
		if !ok {
			return
		}
		if len(values[name]) > 0 {
			values[name][0] = l.Value
		} else {
			values[name] = []string{l.Value}
		}
	})
	return values
}

// specs relabels all targets that are listed and found. Of targets that are scraped alike
// the first stays.
func specs(job *Job, listed, found []*targetgroup.Group) (kept []*spec, dropped []DroppedTarget) {
	seen := map[string]bool{}
	add := func(target, group model.LabelSet, dynamic bool) {
		s, err := newSpec(job, target, group)
		if err != nil {
			dropped = append(dropped, DroppedTarget{Job: job.Name, DiscoveredLabels: s.discovered.Map(), Reason: printable(err.Error())})
			return
		}
		s.dynamic = dynamic
		if key := s.key(); !seen[key] {
			seen[key] = true
			kept = append(kept, s)
		}
	}
	for _, g := range listed {
		for _, t := range g.Targets {
			add(t, g.Labels, false)
		}
	}
	for _, g := range found {
		for _, t := range g.Targets {
			add(t, g.Labels, true)
		}
	}
	return kept, dropped
}

// A DroppedTarget is one that discovery found and that is not scraped.
type DroppedTarget struct {
	Job              string
	DiscoveredLabels map[string]string
	Reason           string
}

func compareSpecs(a, b *spec) int {
	return cmp.Or(strings.Compare(a.url.String(), b.url.String()), labels.Compare(a.labels, b.labels))
}
