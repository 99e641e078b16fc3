package procmon

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Record is a snapshot as the server keeps it: under the name of its host and with the
// labels of the target that it came from. The snapshot is not changed after it was appended.
type Record struct {
	Host     string            // the host label; by default the snapshot's hostname
	Labels   map[string]string // of the target, after relabelling; with job and instance
	Snapshot *Snapshot
}

// A View is the answer to what a host was like at an instant.
type View struct {
	Record             // the newest snapshot at or before the instant
	Previous *Snapshot // the one before it; nil if there is none that is near enough to measure from
	Stale    bool      // the host was not seen since: a scrape was missed, or StaleAfter passed
}

// StaleAfter is how long a snapshot stands for its host when nothing else is known, as in
// Prometheus (its lookback delta).
const StaleAfter = 5 * time.Minute

// ErrNotFound is what a store answers for a host, or an instant, that it does not know.
var ErrNotFound = errors.New("not found")

// HostKey returns the form of a host's name under which names are compared: without case.
func HostKey(host string) string { return strings.ToLower(host) }

// SnapshotID names the snapshot of a host at an instant.
func SnapshotID(host string, at time.Time) string {
	return fmt.Sprintf("%s@%s", HostKey(host), at.UTC().Format(time.RFC3339Nano))
}

// A HostSummary is what is known of a host without reading its history.
type HostSummary struct {
	Host      string
	Labels    map[string]string
	FirstSeen time.Time // timestamp of the oldest snapshot kept
	LastSeen  time.Time // timestamp of the newest
	System    System
	Processes int
	CPU       Opt[float64] // percent of the whole host
	Busiest   *Usage       // the process with most CPU; nil if that is not known
}

// Usage is a process and the CPU that it used, in percent of one core.
type Usage struct {
	ID   ProcessID
	Name string
	CPU  float64
}

// Health is the state of a target after its last scrape.
type Health string

// The healths of a target.
const (
	HealthUnknown Health = "unknown" // not scraped yet
	HealthUp      Health = "up"
	HealthDown    Health = "down"
)

// A TargetStatus is what the Targets page says of one target. Its words are Prometheus'.
type TargetStatus struct {
	Job              string
	ScrapeURL        string
	Labels           map[string]string // after relabelling
	DiscoveredLabels map[string]string
	Health           Health
	Host             string // what the last good scrape delivered; empty before
	LastScrape       time.Time
	LastDuration     time.Duration
	LastError        string // of the last scrape, or of a host name that two targets deliver
	LastProcesses    int    // processes in the last good scrape
	Interval         time.Duration
	Timeout          time.Duration
}
