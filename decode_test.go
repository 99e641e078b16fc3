package procmon_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/test/workload"
)

// TestDecoderReadsAsDecodeDoes holds a Decoder, which passes over what it has read before,
// against reading everything anew.
func TestDecoderReadsAsDecodeDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	host := workload.New(1, 0)
	var d procmon.Decoder
	for step := range 200 {
		s := host.Snapshot()
		switch random.IntN(6) {
		case 0:
			random.Shuffle(len(s.Processes), func(i, j int) { s.Processes[i], s.Processes[j] = s.Processes[j], s.Processes[i] })
		case 1:
			s.Processes = s.Processes[:random.IntN(len(s.Processes)+1)]
		case 2:
			i := random.IntN(len(s.Processes))
			s.Processes = slices.Delete(s.Processes, i, min(i+random.IntN(9), len(s.Processes)))
		}
		data := encode(s)
		if random.IntN(4) == 0 {
			var indented bytes.Buffer
			if err := json.Indent(&indented, data, "", " "); err != nil {
				t.Fatal(err)
			}
			data = indented.Bytes()
		}
		if random.IntN(8) == 0 {
			if _, err := d.Decode(data[:random.IntN(len(data))]); err == nil {
				t.Fatal("a payload that is cut short was accepted")
			}
		}
		got, err := d.Decode(data)
		clear(data) // nothing of it is kept
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, got); diff != "" {
			t.Fatalf("step %d (-want +got):\n%s", step, diff)
		}
	}
}

func TestDecoderStillSeesWhatIsWrong(t *testing.T) {
	const good = `{"hostname":"h","timestamp":"2026-11-22T20:15:00Z","processes":[{"pid":1,"name":"a"},{"pid":2,"name":"b"}]}`
	for _, test := range []struct{ name, in, want string }{
		{"pid twice", strings.Replace(good, `{"pid":2,"name":"b"}`, `{"pid":1,"name":"a"}`, 1), `processes[1].pid: 1 is the pid of processes[0] already; each pid is allowed once`},
		{"cut short after what is known", good[:len(good)-2], `invalid JSON: unexpected end of JSON input (byte 105)`},
		{"no comma after what is known", strings.Replace(good, `},{`, `} {`, 1), `invalid JSON: invalid character '{' after array element (byte 86)`},
		{"comma at the end", strings.Replace(good, `}]`, `},]`, 1), `invalid JSON: invalid character ']' looking for beginning of value (byte 107)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var d procmon.Decoder
			if _, err := d.Decode([]byte(good)); err != nil {
				t.Fatal(err)
			}
			_, err := d.Decode([]byte(test.in))
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// BenchmarkDecoder reads the snapshots of one host as they come, 250 processes of which 40
// have changed. One op is one snapshot.
func BenchmarkDecoder(b *testing.B) {
	host := workload.New(1, 0)
	var payloads [][]byte
	for range 100 {
		payloads = append(payloads, encode(host.Snapshot()))
	}
	var d procmon.Decoder
	b.ReportAllocs()
	b.SetBytes(int64(len(payloads[0])))
	for i := 0; b.Loop(); i++ {
		if _, err := d.Decode(payloads[i%len(payloads)]); err != nil {
			b.Fatal(err)
		}
	}
}
