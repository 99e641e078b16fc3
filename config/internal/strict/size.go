package strict

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A ByteSize is a number of bytes, written as in Prometheus, where 1KB and 1KiB are 1024.
type ByteSize int64

var byteUnits = []struct {
	name string
	size float64
}{
	{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"GIB", 1 << 30}, {"TIB", 1 << 40},
	{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", 1 << 40}, {"B", 1}, {"", 1},
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *ByteSize) UnmarshalYAML(n *yaml.Node) error {
	text := strings.ToUpper(strings.TrimSpace(n.Value))
	for _, u := range byteUnits {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || v < 0 || v*u.size >= math.MaxInt64 || v*u.size != math.Trunc(v*u.size) {
			break
		}
		*s = ByteSize(v * u.size)
		return nil
	}
	return fmt.Errorf("%q is not a size like 512KB, 64MB or 1GB", n.Value)
}

func (s ByteSize) String() string {
	for _, u := range []string{"TB", "GB", "MB", "KB"} {
		for _, unit := range byteUnits {
			if n := int64(unit.size); unit.name == u && s > 0 && int64(s)%n == 0 {
				return strconv.FormatInt(int64(s)/n, 10) + u
			}
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// MarshalYAML implements yaml.Marshaler.
func (s ByteSize) MarshalYAML() (any, error) { return s.String(), nil }
