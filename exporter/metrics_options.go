package exporter

import (
	"errors"
	"fmt"
	"regexp"
)

// MetricsOptions says what /metrics shows of the processes. The zero value shows every
// figure of the groups and no process by itself. The switches hold for groups and for
// processes alike.
type MetricsOptions struct {
	WithoutCPU       bool // seconds in user and in kernel mode
	WithoutMemory    bool // working set and private bytes
	WithoutThreads   bool
	WithoutHandles   bool
	WithoutIO        bool // bytes and operations
	WithoutStartTime bool

	// MaxSeries bounds the series of groups and processes together; 0 is 2,000. Groups that
	// have members come first; what is shown stays shown while it lives.
	MaxSeries int
	Processes ProcessSeries
}

// ProcessSeries chooses the processes that have series of their own, with the labels pid,
// name and user. The zero value chooses none.
type ProcessSeries struct {
	Names []string // regular expressions, one of which matches the name of the process
	Top   int      // as many processes more, which lately used most CPU
}

const defaultMaxSeries = 2000

// Check returns the errors in the options; each names its key, as in "processes.names[1]: ...".
func (o MetricsOptions) Check() error {
	var problems []error
	if o.MaxSeries < 0 {
		problems = append(problems, fmt.Errorf("max_series: %d is below 0", o.MaxSeries))
	}
	if o.Processes.Top < 0 {
		problems = append(problems, fmt.Errorf("processes.top: %d is below 0", o.Processes.Top))
	}
	_, err := o.Processes.compile()
	return errors.Join(append(problems, err)...)
}

func (p ProcessSeries) compile() ([]*regexp.Regexp, error) {
	var all []*regexp.Regexp
	var problems []error
	for i, pattern := range p.Names {
		e, err := regexp.Compile(pattern)
		if err != nil {
			problems = append(problems, fmt.Errorf("processes.names[%d]: %w", i, err))
		}
		all = append(all, e)
	}
	return all, errors.Join(problems...)
}
