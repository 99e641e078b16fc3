package proctable_test

import (
	"fmt"
	"testing"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/proctable"
)

// parsing is a Windows that always answers with the same table of n processes, and their rows.
func parsing(b testing.TB, n int) (read func()) {
	h := newNTHost(b)
	for i := range n {
		pid := uint32(4 * (1 + i*7919%n)) // pids do not ascend in the table of Windows
		h.start(pid, 4*uint32(1+i%10), fmt.Sprintf("program-%d.exe", i%50), h.longAgo())
		h.processes[i].threads = 10
		h.facts[pid] = proctable.NTFacts{
			Exe: procmon.Some(fmt.Sprintf(`C:\Program Files\program-%d.exe`, i%50)), Cmdline: procmon.Some(fmt.Sprintf(`"C:\x.exe" --number %d`, i)),
			Username: procmon.Some(`HOST\user`), Integrity: procmon.Some(procmon.IntegrityMedium), Bits: procmon.Some[uint32](64),
		}
	}
	buffer := ntTable(ntBase, h.processes...)
	table := proctable.OpenNT(&proctable.NTSystem{
		Processes: func() ([]byte, uint64, error) { return buffer, ntBase, nil },
		Facts:     func(pid uint32, _ int64) (proctable.NTFacts, bool) { return h.facts[pid], true },
	}, nil)
	var rows proctable.Rows
	read = func() {
		if err := table.Read(&rows); err != nil || len(rows.Processes) != n {
			b.Fatal(err, len(rows.Processes))
		}
	}
	read()
	return read
}

// BenchmarkParse1000 makes rows of the table of Windows with 1,000 processes of ten threads
// each, which are known already. One op is one reading of the table.
func BenchmarkParse1000(b *testing.B) {
	const processes = 1000
	read := parsing(b, processes)
	b.ReportAllocs()
	allocations := testing.AllocsPerRun(100, read)
	for b.Loop() {
		read()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "us/op")
	b.ReportMetric(allocations/processes, "allocs/process")
}

// TestNTReadingAgain allocates nothing for what is known.
func TestNTReadingAgain(t *testing.T) {
	if n := testing.AllocsPerRun(100, parsing(t, 1000)); n > 0 {
		t.Errorf("%v allocations to read 1,000 processes again", n)
	}
}
