package proctable_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/exporter/proctable"
)

// eachService returns what is in a list of services.
func eachService(list []byte, base uint64, n uint32) (all []ntService, err error) {
	err = proctable.EachService(list, base, n, func(pid uint32, name string) { all = append(all, ntService{pid, name}) })
	return all, err
}

func TestEachService(t *testing.T) {
	want := []ntService{{600, "Schedule"}, {0, "größer 𝄞"}, {1<<32 - 1, strings.Repeat("x", proctable.LongestServiceName)}, {4, ""}}
	for arch, base := range ntBases {
		t.Run(arch, func(t *testing.T) {
			list := ntServices(base, want[:3]...)
			got, err := eachService(list, base, 3)
			if diff := cmp.Diff(want[:3], got, cmp.AllowUnexported(ntService{})); diff != "" || err != nil {
				t.Errorf("error %v\n%s", err, diff)
			}
			if got, err := eachService(list, base, 0); got != nil || err != nil {
				t.Errorf("none gave %v and error %v", got, err)
			}
			// The buffer is larger than what stands in it.
			if got, err := eachService(append(list, make([]byte, 1000)...), base, 3); len(got) != 3 || err != nil {
				t.Errorf("in a large buffer: %v and error %v", got, err)
			}
		})
	}
}

func TestEachServiceRefuses(t *testing.T) {
	le := binary.LittleEndian
	services := func(change func([]byte)) []byte {
		list := ntServices(ntBase, ntService{1, "one"}, ntService{2, "two"})
		change(list)
		return list
	}
	whole := services(func([]byte) {})
	for _, test := range []struct {
		name string
		list []byte
		n    uint32
		want string
	}{
		{"more than fit", whole, 4, "4 services need 224 bytes"},
		{"far more than fit", whole, 1<<32 - 1, "services need 240518168520 bytes"},
		{"no name", services(func(b []byte) { le.PutUint64(b, 0) }), 2, "name of service 0: byte"},
		{"name before the list", services(func(b []byte) { le.PutUint64(b[56:], ntBase-1) }), 2, "name of service 1: byte -1 is not within"},
		{"name behind the list", services(func(b []byte) { le.PutUint64(b[56:], 1<<64-1) }), 2, "name of service 1: byte"},
		{"name at the end", services(func(b []byte) { le.PutUint64(b[56:], uint64(ntBase+len(b))) }), 2, "name of service 1: has no end"},
		{"name too long", ntServices(ntBase, ntService{1, strings.Repeat("x", proctable.LongestServiceName+1)}), 1, "longer than 256 UTF-16 units"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := eachService(test.list, ntBase, test.n)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v and error %v, want %q", got, err, test.want)
			}
		})
	}
}

// TestEachServiceTruncated cuts a list everywhere: what comes of it is right, or an error.
func TestEachServiceTruncated(t *testing.T) {
	want := []ntService{{1, "one"}, {2, "two"}}
	whole := ntServices(ntBase, want...)
	passed := 0
	for n := range len(whole) {
		got, err := eachService(whole[:n:n], ntBase, 2)
		if err != nil {
			continue
		}
		passed++
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(ntService{})); diff != "" {
			t.Errorf("%d of %d bytes:\n%s", n, len(whole), diff)
		}
	}
	if last := 2 * len("Displayed two\x00"); passed != last {
		t.Errorf("%d lists passed, want those %d without the end of the last displayed name", passed, last)
	}
}

func FuzzEachService(f *testing.F) {
	f.Add(ntServices(ntBase, ntService{1, "one"}, ntService{2, "two"}), uint32(2))
	f.Add([]byte{}, uint32(1))
	f.Fuzz(func(t *testing.T, list []byte, n uint32) {
		services, err := eachService(list, ntBase, n)
		if len(services) > len(list)/56 || err == nil && len(services) != int(n) {
			t.Errorf("%d services in %d bytes that shall have %d; error %v", len(services), len(list), n, err)
		}
		for _, s := range services {
			if strings.ToValidUTF8(s.name, "") != s.name || len(s.name) > 3*proctable.LongestServiceName {
				t.Errorf("name %q", s.name)
			}
		}
	})
}
