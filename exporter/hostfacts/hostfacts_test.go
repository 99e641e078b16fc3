package hostfacts_test

import (
	"context"
	"math"
	"os"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/mem"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/hostfacts"
)

func TestRead(t *testing.T) {
	boot := procmon.Some(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	r := hostfacts.New(hostfacts.Options{AgentVersion: "1.2.3", BootTime: boot})
	var s procmon.System
	for deadline := time.Now().Add(10 * time.Second); s.CPU.Value == 0 && time.Now().Before(deadline); {
		s = r.Read(context.Background()) // which keeps the host busy
	}
	if s.AgentVersion != procmon.Some("1.2.3") || s.BootTime != boot {
		t.Errorf("got version %v and boot time %v", s.AgentVersion, s.BootTime)
	}
	if !s.CPU.Known || s.CPU.Value <= 0 || s.CPU.Value > 100 {
		t.Errorf("cpu is %v while this test is busy, want more than 0 and at most 100 percent", s.CPU)
	}
	m, err := mem.VirtualMemory()
	if err != nil {
		t.Fatal(err)
	}
	if want := float64(m.Total) / (1 << 30); s.RAMGB.Value != want {
		t.Errorf("ram_gb is %v, want %v", s.RAMGB.Value, want)
	}
	if sum := s.UsedRAMGB.Value + s.FreeRAMGB.Value; math.Abs(sum-s.RAMGB.Value) > 1e-9 {
		t.Errorf("used and free RAM add up to %v of %v", sum, s.RAMGB.Value)
	}
	if !s.OS.Known || s.Threads.Value == 0 {
		t.Errorf("got os %v and threads %v", s.OS, s.Threads)
	}
	if s.StorageTotalGB.Known && s.StorageTotalGB.Value < s.StorageFreeGB.Value {
		t.Errorf("of %v GiB storage %v are free", s.StorageTotalGB.Value, s.StorageFreeGB.Value)
	}
}

func TestBootTimeIsAsked(t *testing.T) {
	boot := hostfacts.New(hostfacts.Options{}).Read(context.Background()).BootTime
	if !boot.Known || boot.Value.After(time.Now()) || time.Since(boot.Value) > 20*365*24*time.Hour {
		t.Errorf("got %v", boot)
	}
}

func TestHostname(t *testing.T) {
	want, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := hostfacts.Hostname(); err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}
