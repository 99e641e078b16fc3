package proctable_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/proctable"
)

func TestParents(t *testing.T) {
	at := func(seconds int64) procmon.Opt[time.Time] { return procmon.Some(time.Unix(seconds, 0)) }
	some := procmon.Some[uint32]
	unknown := procmon.Opt[uint32]{}
	for _, test := range []struct {
		name      string
		processes []procmon.Process // ascending
		since     []uint64
		want      []procmon.Opt[uint32]
	}{
		{"nobody", nil, nil, nil},
		{"before, together, after",
			[]procmon.Process{{PID: 4, StartTime: at(10)}, {PID: 8, PPID: some(4), StartTime: at(11)}, {PID: 12, PPID: some(4), StartTime: at(10)}, {PID: 16, PPID: some(4), StartTime: at(9)}},
			[]uint64{0, 0, 0, 0}, []procmon.Opt[uint32]{unknown, some(4), some(4), unknown}},
		{"one nanosecond after",
			[]procmon.Process{{PID: 4, StartTime: procmon.Some(time.Unix(10, 1))}, {PID: 8, PPID: some(4), StartTime: at(10)}},
			[]uint64{0, 0}, []procmon.Opt[uint32]{unknown, unknown}},
		{"not there", []procmon.Process{{PID: 8, PPID: some(4), StartTime: at(10)}}, []uint64{1}, []procmon.Opt[uint32]{some(4)}},
		{"start unknown",
			[]procmon.Process{{PID: 4}, {PID: 8, PPID: some(4), StartTime: at(10)}, {PID: 12, PPID: some(8)}},
			[]uint64{1, 1, 1}, []procmon.Opt[uint32]{unknown, some(4), some(8)}},
		{"its own", []procmon.Process{{PID: 4, PPID: some(4), StartTime: at(10)}}, []uint64{0}, []procmon.Opt[uint32]{unknown}},
		{"higher pid", []procmon.Process{{PID: 4, PPID: some(8), StartTime: at(10)}, {PID: 8, PPID: some(12), StartTime: at(9)}, {PID: 12, StartTime: at(11)}},
			[]uint64{0, 0, 0}, []procmon.Opt[uint32]{some(8), unknown, unknown}},
		{"seen earlier, dated later", []procmon.Process{{PID: 4, StartTime: at(20)}, {PID: 8, PPID: some(4), StartTime: at(10)}},
			[]uint64{1, 2}, []procmon.Opt[uint32]{unknown, some(4)}},
		{"seen later, dated earlier", []procmon.Process{{PID: 4, StartTime: at(10)}, {PID: 8, PPID: some(4), StartTime: at(20)}},
			[]uint64{2, 1}, []procmon.Opt[uint32]{unknown, unknown}},
		{"seen together", []procmon.Process{{PID: 4, StartTime: at(20)}, {PID: 8, PPID: some(4), StartTime: at(10)}},
			[]uint64{2, 2}, []procmon.Opt[uint32]{unknown, unknown}},
		{"alternating", []procmon.Process{{PID: 1, PPID: some(0)}, {PID: 2, PPID: some(1)}, {PID: 3, PPID: some(9)}, {PID: 4, PPID: some(1)}, {PID: 5, PPID: some(9)}},
			[]uint64{0, 0, 0, 0, 0}, []procmon.Opt[uint32]{some(0), some(1), some(9), some(1), some(9)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			rows := proctable.SeenIn(test.processes, test.since)
			proctable.CheckParents(rows)
			var got []procmon.Opt[uint32]
			for i := range rows.Processes {
				got = append(got, rows.Processes[i].PPID)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
