//go:build unix

package storage_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/test/workload"
)

// BenchmarkRead asks a store that has six hours of four hosts, the last of them in memory. One
// op is one question. "past" is at instants all over the six hours, "again" at neighbouring
// ones, as someone does who goes through the past.
func BenchmarkRead(b *testing.B) {
	s := simulate(b, 1, 4, workload.Shape{})
	s.run(sixHours, nil)
	ask := func(name string, question func(i int) error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpuTime(b)
			i := 0
			for ; b.Loop(); i++ {
				must(b, question(i))
			}
			b.ReportMetric(millis(cpuTime(b)-before)/float64(i), "cpu-ms/op")
		})
	}
	ctx, host, base := b.Context(), s.hosts[0].Name, time.Unix(workload.Base, 0)
	view := func(at time.Time) error {
		v, err := s.store.At(ctx, host, at)
		if err == nil && len(v.Snapshot.Processes) != workload.Slots {
			err = fmt.Errorf("%d processes", len(v.Snapshot.Processes))
		}
		return err
	}
	ask("latest", func(int) error { return view(time.Time{}) })
	ask("past", func(i int) error {
		return view(base.Add(time.Minute + time.Duration(i*997%sixHours)*workload.Step*time.Second))
	})
	ask("past-again", func(i int) error {
		return view(base.Add(time.Minute + time.Duration(i%400)*workload.Step*time.Second))
	})
	v, err := s.store.At(ctx, host, time.Time{})
	must(b, err)
	busy := v.Snapshot.Processes[9].ID()
	ask("process-cpu-6h", func(int) error {
		series, err := s.store.Series(ctx, procmon.SeriesQuery{
			Host: host, Process: &busy, From: base, To: base.Add(6 * time.Hour), Metrics: []procmon.Metric{procmon.MetricCPU},
		})
		if err == nil && len(series.Times) < sixHours/2 {
			err = fmt.Errorf("%d points", len(series.Times))
		}
		return err
	})
	ask("life", func(int) error {
		_, err := s.store.Life(ctx, host, busy)
		return err
	})
	s.close()
}

// BenchmarkTop asks for the ten that used most of one host in 24 hours. One op is one question.
func BenchmarkTop(b *testing.B) {
	s := simulate(b, 1, 1, workload.Shape{})
	s.run(4*sixHours, nil)
	base := time.Unix(workload.Base, 0)
	for _, by := range []string{procmon.TopCPU, procmon.TopMemory, procmon.TopIO} {
		for _, per := range []string{procmon.PerProcess, procmon.PerName} {
			b.Run(by+"-"+per, func(b *testing.B) {
				before, n := cpuTime(b), 0
				for ; b.Loop(); n++ {
					rows, err := s.store.Top(b.Context(), procmon.TopQuery{From: base, To: base.Add(24 * time.Hour), By: by, Per: per, Limit: 10})
					must(b, err)
					if len(rows) != 10 {
						b.Fatal(len(rows))
					}
				}
				b.ReportMetric(millis(cpuTime(b)-before)/float64(n), "cpu-ms/op")
			})
		}
	}
	s.close()
}

// BenchmarkSearch looks for names on a thousand hosts, of which each has the history of one of
// twenty, now and over 24 hours. One op is one page of at most a hundred matches.
func BenchmarkSearch(b *testing.B) {
	const hosts, kinds = 1000, 20
	fleet := simulate(b, 1, hosts, workload.Shape{}, func(o *storage.Options) { o.Memory = 1 << 30 })
	now := time.Unix(workload.Base, 0)
	histories := make([]*workload.Host, kinds)
	for i := range histories {
		histories[i] = workload.New(1, i)
		histories[i].JitterMillis = 40
	}
	storage.Fill(b, fleet.store, hosts, histories, 4*sixHours)
	// What is open is of the two hours after that.
	for range 8 {
		now = now.Add(workload.Step * time.Second)
		at := now.Add(24 * time.Hour)
		fleet.clock.set(at)
		records := make([]procmon.Record, hosts)
		for i := range records {
			records[i] = fleet.hosts[i].Record()
			records[i].Snapshot.Timestamp = at
		}
		fleet.append(records)
	}
	for _, name := range []string{"nothing-like-it", "GameBarPresenceWriter.exe", "svchost.exe"} {
		match, err := procmon.ParseSearch("name:" + name)
		must(b, err)
		for _, ranged := range []bool{false, true} {
			q := procmon.SearchQuery{Match: match, Limit: 100}
			when := "now"
			if ranged {
				q.From, q.To, when = time.Unix(workload.Base, 0), time.Unix(workload.Base, 0).Add(24*time.Hour), "24h"
			}
			b.Run(strings.TrimSuffix(name, ".exe")+"-"+when, func(b *testing.B) {
				before, n := cpuTime(b), 0
				var page procmon.Matches
				for ; b.Loop(); n++ {
					page, err = fleet.store.Search(b.Context(), q)
					must(b, err)
				}
				b.ReportMetric(millis(cpuTime(b)-before)/float64(n), "cpu-ms/op")
				b.ReportMetric(float64(len(page.Matches)), "matches")
				b.ReportMetric(float64(page.Hosts), "hosts")
			})
		}
	}
	fleet.close()
}
