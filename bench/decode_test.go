// Package bench_test measures procmon beside its peers. It is a module of its own, so that
// the product does not depend on them.
package bench_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/go-faster/jx"
	experiment "github.com/go-json-experiment/json"
	goccy "github.com/goccy/go-json"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/test/workload"
)

// plainSnapshot is a snapshot for JSON packages that go by struct tags.
type plainSnapshot struct {
	Hostname  string    `json:"hostname"`
	Timestamp time.Time `json:"timestamp"`
	OS        *string   `json:"os"`
	Processor *string   `json:"processor"`
	Cores     *uint32   `json:"cores"`
	Threads   *uint32   `json:"threads"`
	RAM       *float64  `json:"ram_gb"`
	UsedRAM   *float64  `json:"used_ram_gb"`
	FreeRAM   *float64  `json:"free_ram_gb"`
	Boot      time.Time `json:"boot_time"`
	CPU       *float64  `json:"cpu"`
	Processes []struct {
		PID        uint32    `json:"pid"`
		PPID       *uint32   `json:"ppid"`
		Name       string    `json:"name"`
		CPU        *float64  `json:"cpu"`
		Memory     *float64  `json:"memory"`
		Cmdline    *string   `json:"cmdline"`
		Username   *string   `json:"username"`
		Start      time.Time `json:"start_time"`
		Exe        *string   `json:"exe"`
		CPUSeconds *float64  `json:"cpu_seconds"`
		WorkingSet *uint64   `json:"working_set_bytes"`
		Private    *uint64   `json:"private_bytes"`
		Threads    *uint32   `json:"threads"`
		Handles    *uint32   `json:"handles"`
		Read       *uint64   `json:"read_bytes"`
		Written    *uint64   `json:"write_bytes"`
		Session    *uint32   `json:"session_id"`
	} `json:"processes"`
}

// One op decodes one snapshot of 250 processes. procmon alone also validates, and says which
// field is wrong. procmon-again knows the source: it reads a host's snapshots one after the other.
func BenchmarkDecode(b *testing.B) {
	host := workload.New(1, 0)
	var payloads [][]byte
	for range 100 {
		var e jx.Encoder
		host.Snapshot().Encode(&e)
		payloads = append(payloads, e.Bytes())
	}
	into := func(unmarshal func([]byte, any) error) func([]byte) (int, error) {
		return func(data []byte) (int, error) {
			var s plainSnapshot
			err := unmarshal(data, &s)
			return len(s.Processes), err
		}
	}
	ours := func(decode func([]byte) (*procmon.Snapshot, error)) func([]byte) (int, error) {
		return func(data []byte) (int, error) {
			s, err := decode(data)
			if err != nil {
				return 0, err
			}
			return len(s.Processes), nil
		}
	}
	for _, d := range []struct {
		name   string
		decode func([]byte) (int, error)
	}{
		{"procmon", ours(procmon.Decode)},
		{"procmon-again", ours(new(procmon.Decoder).Decode)},
		{"encoding-json", into(json.Unmarshal)},
		{"go-json-experiment", into(func(data []byte, v any) error { return experiment.Unmarshal(data, v) })},
		{"goccy-go-json", into(goccy.Unmarshal)},
	} {
		b.Run(d.name, func(b *testing.B) {
			b.SetBytes(int64(len(payloads[0])))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if n, err := d.decode(payloads[i%len(payloads)]); err != nil || n != workload.Slots {
					b.Fatal(n, err)
				}
			}
		})
	}
}
