// Package scraper is where snapshots come in: it discovers targets, relabels them, scrapes
// each at its own offset within its interval, keeps their health, and receives pushes.
//
// What always holds: a pulled and a pushed snapshot take the same road of one decode, one
// validation and one Append; a scrape counts as good only after Append has returned; of a
// snapshot that is wrong nothing is stored; what one target does has no effect on others.
package scraper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/procmon/procmon"
)

// Appender is the store that snapshots go to.
type Appender interface {
	// Append returns after the record is durable. A record that is there already is no error.
	Append(ctx context.Context, r procmon.Record) error
	// MarkStale says that the host has been out of reach since at.
	MarkStale(ctx context.Context, host string, at time.Time) error
}

// Options are what a Manager works with. Appender is required; the zero value of every
// other field is usable.
type Options struct {
	Appender   Appender
	Logger     *slog.Logger          // nil discards
	Registerer prometheus.Registerer // nil registers nowhere
	Retention  time.Duration         // older snapshots are refused; 0 refuses none for its age
	UserAgent  string                // "procmon" by default
	Now        func() time.Time      // what timestamps are held against; time.Now by default

	// DialContext opens the connections to targets; nil dials the network.
	DialContext promconfig.DialContextFunc
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Registerer == nil {
		o.Registerer = prometheus.NewRegistry()
	}
	if o.UserAgent == "" {
		o.UserAgent = "procmon"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// A Job is one entry of scrape_configs. All fields but Params, HTTPClient, Discovery and
// Relabel are required. It is not changed after it was given to Apply.
type Job struct {
	Name          string
	Interval      time.Duration
	Timeout       time.Duration // of a whole scrape; at most Interval
	BodySizeLimit int64         // bytes, of the body as it comes and as it is after decompression
	Path          string
	Scheme        string // http or https
	Params        url.Values
	HTTPClient    promconfig.HTTPClientConfig
	Discovery     discovery.Configs // static, file, http and dns
	Relabel       []*relabel.Config
}

// Format keeps the secrets of the HTTP client out of whatever prints a job.
func (j Job) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "job %q", j.Name) }

func (j *Job) validate() error {
	switch {
	case j.Name == "":
		return errors.New("a job without a name")
	case j.Interval <= 0:
		return fmt.Errorf("job %q: the scrape interval is %v and must be more than 0", j.Name, j.Interval)
	case j.Timeout <= 0 || j.Timeout > j.Interval:
		return fmt.Errorf("job %q: the scrape timeout is %v and must be more than 0 and at most the interval of %v", j.Name, j.Timeout, j.Interval)
	case j.BodySizeLimit <= 0:
		return fmt.Errorf("job %q: the body size limit is %d and must be more than 0", j.Name, j.BodySizeLimit)
	case j.Scheme != "http" && j.Scheme != "https":
		return fmt.Errorf("job %q: the scheme is %q and must be http or https", j.Name, j.Scheme)
	case !strings.HasPrefix(j.Path, "/"):
		return fmt.Errorf("job %q: the path is %q and must begin with /", j.Name, j.Path)
	}
	for i, c := range j.Relabel {
		if c.NameValidationScheme == model.UnsetValidation {
			return fmt.Errorf("job %q: relabel rule %d was not validated", j.Name, i)
		}
	}
	return nil
}
