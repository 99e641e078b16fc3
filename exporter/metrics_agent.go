package exporter

import (
	"runtime"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/events"
	"github.com/procmon/procmon/exporter/push"
)

// agentState is what the exporter tells of its own work.
type agentState struct {
	stats collectorStats
	push  push.Stats

	recording   bool // starts and ends, as the kernel tells them
	events      events.Stats
	overwritten uint64 // events

	groups, groupsLimit             int
	ungrouped                       int // processes
	series, seriesLimit, seriesLeft int // of groups and processes
}

func agentDescriptions() []metric[agentState] {
	type value = procmon.Opt[float64]
	return []metric[agentState]{
		gaugeOf("procmon_exporter_build_info", "Version of the exporter; always 1.", []string{"version", "goversion", "goos", "goarch"},
			func(*agentState) value { return number(1) }),
		counterOf("procmon_exporter_collections_total", "Collections that succeeded.", nil,
			func(s *agentState) value { return number(s.stats.collections) }),
		counterOf("procmon_exporter_collection_failures_total", "Collections that failed.", nil,
			func(s *agentState) value { return number(s.stats.failures) }),
		gaugeOf("procmon_exporter_collection_duration_seconds", "Time that the last collection took.", nil,
			func(s *agentState) value { return number(s.stats.took.Seconds()) }),
		gaugeOf("procmon_exporter_groups", "Number of groups that are shown.", nil,
			func(s *agentState) value { return number(s.groups) }),
		gaugeOf("procmon_exporter_groups_limit", "Number of groups that can be shown.", nil,
			func(s *agentState) value { return number(s.groupsLimit) }),
		gaugeOf("procmon_exporter_ungrouped_processes", "Processes that are in no group because the limit was reached; above 0, group metrics are incomplete.", nil,
			func(s *agentState) value { return number(s.ungrouped) }),
		gaugeOf("procmon_exporter_series", "Number of series of groups and processes that are shown.", nil,
			func(s *agentState) value { return number(s.series) }),
		gaugeOf("procmon_exporter_series_limit", "Number of series of groups and processes that can be shown.", nil,
			func(s *agentState) value { return number(s.seriesLimit) }),
		gaugeOf("procmon_exporter_series_left_out", "Number of series of groups and processes that the limit leaves out, at most; above 0, these metrics are incomplete.", nil,
			func(s *agentState) value { return number(s.seriesLeft) }),
		counterOf("procmon_exporter_events_recorded_total", "Starts and ends of processes that were recorded; absent where they are not.", nil,
			func(s *agentState) value { return s.ofEvents(s.events.Starts + s.events.Ends) }),
		counterOf("procmon_exporter_events_lost_total", "Starts and ends of processes that the kernel had to drop.", nil,
			func(s *agentState) value { return s.ofEvents(s.events.Lost) }),
		counterOf("procmon_exporter_events_overwritten_total", "Starts and ends of processes that made room for later ones before a reader had them.", nil,
			func(s *agentState) value { return s.ofEvents(s.overwritten) }),
		counterOf("procmon_exporter_event_errors_total", "Starts and ends of processes that the kernel told and that could not be understood.", nil,
			func(s *agentState) value { return s.ofEvents(s.events.Errors) }),
		counterOf("procmon_exporter_pushes_delivered_total", "Snapshots that were pushed and accepted.", nil,
			func(s *agentState) value { return number(s.push.Delivered) }),
		counterOf("procmon_exporter_pushes_dropped_total", "Snapshots that the server refused for good, that the spool had no room for, or that were too old.", nil,
			func(s *agentState) value { return number(s.push.Dropped) }),
		counterOf("procmon_exporter_push_failures_total", "Attempts to push that failed and are made again.", nil,
			func(s *agentState) value { return number(s.push.Failures) }),
		gaugeOf("procmon_exporter_pushes_waiting", "Snapshots that wait for their delivery.", nil,
			func(s *agentState) value { return number(s.push.Waiting) }),
		gaugeOf("procmon_exporter_pushes_waiting_bytes", "Size of the snapshots that wait for their delivery, compressed as they are in the spool.", nil,
			func(s *agentState) value { return number(float64(s.push.WaitingBytes)) }),
		gaugeOf("procmon_exporter_pushes_oldest_waiting_time_seconds", "Time of the oldest snapshot that waits for its delivery, in seconds since 1970; absent when none waits.", nil,
			func(s *agentState) value {
				return unixTime(procmon.Opt[time.Time]{Value: s.push.OldestWaiting, Known: !s.push.OldestWaiting.IsZero()})
			}),
		counterOf("procmon_exporter_push_spool_damaged_files_total", "Files of the spool that were found damaged and lost what they held.", nil,
			func(s *agentState) value { return number(s.push.Damaged) }),
	}
}

// ofEvents returns a count that is known while events are recorded.
func (s *agentState) ofEvents(n uint64) procmon.Opt[float64] {
	return procmon.Opt[float64]{Value: float64(n), Known: s.recording}
}

func (m *metrics) addAgent(s *agentState) {
	addSamples(m.agent[:1], s, m.exporter.version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	addSamples(m.agent[1:], s)
}
