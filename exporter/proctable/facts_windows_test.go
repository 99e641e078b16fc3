package proctable_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/windows"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/proctable"
)

// TestOffsets holds the parsers against the structures as golang.org/x/sys declares them.
func TestOffsets(t *testing.T) {
	processes, services := reflect.TypeFor[windows.SYSTEM_PROCESS_INFORMATION](), reflect.TypeFor[windows.ENUM_SERVICE_STATUS_PROCESS]()
	status, _ := services.FieldByName("ServiceStatusProcess")
	want := map[string]uintptr{"process": processes.Size(), "service": services.Size()}
	for name := range proctable.Offsets {
		if f, ok := processes.FieldByName(name); ok {
			want[name] = f.Offset
		} else if f, ok := services.FieldByName(name); ok {
			want[name] = f.Offset
		} else if f, ok := status.Type.FieldByName(name); ok {
			want[name] = status.Offset + f.Offset
		}
	}
	if diff := cmp.Diff(want, proctable.Offsets); diff != "" {
		t.Error(diff)
	}
}

func TestRightsOfChild(t *testing.T) {
	child := startChild(t)
	p := readTable(t, openTable(t))[uint32(child.Process.Pid)]
	if want := procmon.Some(windows.GetCurrentProcessToken().IsElevated()); p.Elevated != want {
		t.Errorf("elevated is %v, want %v", p.Elevated, want)
	}
	switch p.Integrity.Value {
	case procmon.IntegrityLow, procmon.IntegrityMedium, procmon.IntegrityHigh, procmon.IntegritySystem:
	default:
		t.Errorf("integrity is %v", p.Integrity)
	}
	if p.Bits != procmon.Some[uint32](64) {
		t.Errorf("its code has %v bits", p.Bits)
	}
	if p.Company.Known || p.Description.Known {
		t.Errorf("a program without a version resource is of %v, %v", p.Company, p.Description)
	}
	if p.KernelSeconds.Value > p.CPUSeconds.Value || !p.KernelSeconds.Known {
		t.Errorf("%v of %v CPU seconds were in the kernel", p.KernelSeconds, p.CPUSeconds)
	}
}

func TestVersion(t *testing.T) {
	for path, known := range map[string]bool{`C:\windows\explorer.exe`: true, `C:\windows\no such program.exe`: false, `C:\windows\win.ini`: false} {
		v := proctable.ReadVersion(path)
		if v.Company.Known != known || v.Description.Known != known || known && v.Company.Value != "Microsoft Corporation" {
			t.Errorf("%s is of %v, %v", path, v.Company, v.Description)
		}
	}
}

func TestServicesAreNamed(t *testing.T) {
	all := readTable(t, openTable(t))
	hosts := 0
	for _, p := range all {
		if p.Services == nil {
			continue
		}
		hosts++
		if len(p.Services) == 0 || p.Services[0] == "" {
			t.Errorf("%s hosts %q", p.Name, p.Services)
		}
	}
	if hosts == 0 {
		t.Errorf("none of %d processes hosts a service", len(all))
	}
}
