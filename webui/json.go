package webui

import (
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/go-faster/jx"

	"github.com/procmon/procmon"
)

// writeJSON answers with what write encodes. It holds 32 KiB of it at a time.
func writeJSON(w http.ResponseWriter, status int, write func(*jx.Encoder)) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := jx.NewStreamingEncoder(w, 32<<10)
	write(e)
	if e.Close() == nil { // else the client is gone
		_, _ = io.WriteString(w, "\n")
	}
}

// writeParts answers with what write encodes, which can be much. It holds what came since write called
// part last. To encode into memory takes two thirds of the time of an encoder that sends by itself.
func writeParts(w http.ResponseWriter, write func(e *jx.Encoder, part func())) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	var e jx.Encoder
	part := func() {
		_, _ = w.Write(e.Bytes()) // what fails means that the client is gone, which write sees
		e.SetBytes(e.Bytes()[:0])
	}
	write(&e, part)
	e.SetBytes(append(e.Bytes(), '\n'))
	part()
}

func writeText(e *jx.Encoder, name, value string) {
	e.FieldStart(name)
	e.Str(value)
}

func writeInt(e *jx.Encoder, name string, value int) {
	e.FieldStart(name)
	e.Int(value)
}

func writeInstant(e *jx.Encoder, name string, at time.Time) {
	e.FieldStart(name)
	var b [len(time.RFC3339Nano) + 2]byte
	e.ByteStr(at.UTC().AppendFormat(b[:0], time.RFC3339Nano))
}

func writeSeconds(e *jx.Encoder, name string, d time.Duration) {
	e.FieldStart(name)
	e.Float64(d.Seconds())
}

// writeNumber leaves out what is unknown, and what JSON has no number for: hostile figures
// can add up to infinity.
func writeNumber(e *jx.Encoder, name string, value procmon.Opt[float64]) {
	if value = finite(value); value.Known {
		e.FieldStart(name)
		e.Float64(value.Value)
	}
}

func finite(value procmon.Opt[float64]) procmon.Opt[float64] {
	if math.IsInf(value.Value, 0) || math.IsNaN(value.Value) {
		return procmon.Opt[float64]{}
	}
	return value
}

func writeLabels(e *jx.Encoder, name string, labels map[string]string) {
	e.FieldStart(name)
	e.ObjStart()
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		writeText(e, label, labels[label])
	}
	e.ObjEnd()
}
