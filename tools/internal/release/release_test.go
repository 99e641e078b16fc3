package release_test

import (
	"regexp"
	"testing"

	"github.com/procmon/procmon/tools/internal/release"
)

func TestNumbers(t *testing.T) {
	for version, want := range map[string][4]uint16{
		"v1.2.3":                  {1, 2, 3, 0},
		"1.2.3":                   {1, 2, 3, 0},
		"v10.20.30-4-gab12-dirty": {10, 20, 30, 0},
		"ab5c853":                 {},
		"1234567-dirty":           {},
		"unknown":                 {},
		"":                        {},
		"v1.2.70000":              {},
	} {
		if got := release.Numbers(version); got != want {
			t.Errorf("%q: got %v, want %v", version, got, want)
		}
	}
}

func TestProduct(t *testing.T) {
	if got, err := release.Product("v255.255.65535-rc1"); err != nil || got != "255.255.65535" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := release.Product("v256.0.0"); err == nil {
		t.Errorf("got %q", got)
	}
}

func TestProductCode(t *testing.T) {
	seen := map[string]string{}
	for _, version := range []string{"v1.2.3", "v1.2.4", "v1.2.3-1-gabc"} {
		for _, arch := range []string{"amd64", "arm64"} {
			code := release.ProductCode(version, arch)
			if code != release.ProductCode(version, arch) {
				t.Errorf("%s %s: the code changes", version, arch)
			}
			if !regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`).MatchString(code) {
				t.Errorf("%s %s: %s is not a UUID of version 5", version, arch, code)
			}
			if other := seen[code]; other != "" {
				t.Errorf("%s %s and %s share %s", version, arch, other, code)
			}
			seen[code] = version + " " + arch
		}
	}
}
