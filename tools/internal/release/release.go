// Package release knows how a version of procmon is written for Windows.
package release

import (
	"crypto/sha1"
	"fmt"
	"regexp"
	"strconv"
)

var leading = regexp.MustCompile(`^v?(\d+)\.(\d+)\.(\d+)`)

// Numbers returns the version's three numbers, and 0 as the fourth. What git describe says
// where there is no tag has none: 0.0.0.
func Numbers(version string) (n [4]uint16) {
	m := leading.FindStringSubmatch(version)
	if m == nil {
		return n
	}
	for i := range 3 {
		v, err := strconv.ParseUint(m[i+1], 10, 16)
		if err != nil {
			return [4]uint16{}
		}
		n[i] = uint16(v)
	}
	return n
}

// Product returns the version as Windows Installer compares it, of three numbers up to
// 255.255.65535 (https://learn.microsoft.com/en-us/windows/win32/msi/productversion).
func Product(version string) (string, error) {
	n := Numbers(version)
	if n[0] > 255 || n[1] > 255 {
		return "", fmt.Errorf("version %s: Windows Installer takes at most 255.255.65535", version)
	}
	return fmt.Sprintf("%d.%d.%d", n[0], n[1], n[2]), nil
}

// space is the name space of our product codes, a random UUID.
var space = [16]byte{0x5b, 0x0e, 0x8c, 0x41, 0x3c, 0x6d, 0x4a, 0x0e, 0x9f, 0x4b, 0x21, 0x7a, 0xd2, 0x86, 0x55, 0xc3}

// ProductCode returns the identity of one package: the same for the same version and
// architecture, another for any other. It is a UUID of version 5, of RFC 9562.
func ProductCode(version, arch string) string {
	sum := sha1.Sum(append(space[:], version+" "+arch...))
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
