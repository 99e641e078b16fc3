package webui

import (
	"net/url"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/procmon/procmon"
)

// selection is a choice among hosts; nil is all of them.
type selection func(*procmon.HostSummary) bool

// hostLabel is the label that is a host's name, also where its target has none of its own.
const hostLabel = "host"

// selectionOf reads the match parameter: labels of hosts as in Prometheus. There host is a label
// too.
func selectionOf(query url.Values) (selection, error) {
	if !query.Has("match") {
		return nil, nil
	}
	text := query.Get("match")
	if len(text) > maxSelector {
		return nil, badParameter("match", "longer than a selector may be")
	}
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(text)
	if err != nil {
		return nil, badParameter("match", quote(text)+` is not labels of hosts, like {site="berlin",job=~"win.*"}: `+quote(err.Error()))
	}
	if slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return m.Name == labels.MetricName }) {
		return nil, badParameter("match", quote(text)+` names a metric; it takes labels of hosts alone, like {site="berlin",job=~"win.*"}`)
	}
	return func(h *procmon.HostSummary) bool {
		return !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool {
			value, there := h.Labels[m.Name]
			if !there && m.Name == hostLabel {
				value = h.Host
			}
			return !m.Matches(value)
		})
	}, nil
}

// maxSelector is in bytes.
const maxSelector = 4 << 10
