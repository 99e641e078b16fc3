package proctable

import (
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf16"

	"github.com/procmon/procmon"
)

const unicodeStringSize = 16 // bytes on 64-bit Windows

// unicodeString returns the text, as UTF-16LE, of the UNICODE_STRING at the start of header
// (https://learn.microsoft.com/en-us/windows/win32/api/subauth/ns-subauth-unicode_string).
// The text must stand in buffer, which began at the address base.
func unicodeString(header, buffer []byte, base uint64) ([]byte, error) {
	if len(header) < unicodeStringSize {
		return nil, fmt.Errorf("a UNICODE_STRING needs %d bytes; %d are left", unicodeStringSize, len(header))
	}
	length := uint64(binary.LittleEndian.Uint16(header)) // in bytes
	if length == 0 {
		return nil, nil
	}
	text, ok := within(buffer, base, binary.LittleEndian.Uint64(header[8:]), length)
	if !ok {
		return nil, fmt.Errorf("%d bytes of text at byte %d are not within the %d bytes that were read",
			length, int64(binary.LittleEndian.Uint64(header[8:])-base), len(buffer))
	}
	return text, nil
}

// within returns the bytes at an address, if all of them are in buffer, which began at the
// address base.
func within(buffer []byte, base, address, length uint64) ([]byte, bool) {
	if address < base || address-base > uint64(len(buffer)) || length > uint64(len(buffer))-(address-base) {
		return nil, false
	}
	return buffer[address-base:][:length:length], true
}

// decodeUTF16 returns UTF-16LE text as UTF-8, with U+FFFD for lone surrogates, without what
// follows a NUL. An odd byte at the end is ignored.
func decodeUTF16(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		u := binary.LittleEndian.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return clean(string(utf16.Decode(units)))
}

const (
	hundredNanoseconds = 100 * time.Nanosecond
	perSecond          = int64(time.Second / hundredNanoseconds)
	// secondsFrom1601 lie between the epochs of FILETIME and Unix
	// (https://learn.microsoft.com/en-us/windows/win32/sysinfo/converting-a-time-t-value-to-a-file-time).
	secondsFrom1601 = 11644473600
)

// filetime returns an instant of Windows; 0 is unknown, and so is what is out of range.
func filetime(t int64) procmon.Opt[time.Time] {
	if t <= 0 {
		return procmon.Opt[time.Time]{}
	}
	at := time.Unix(t/perSecond-secondsFrom1601, t%perSecond*int64(hundredNanoseconds)).UTC()
	if at.Year() < 1970 || at.Year() >= 2200 {
		return procmon.Opt[time.Time]{}
	}
	return procmon.Some(at)
}

// toFiletime is the inverse of filetime.
func toFiletime(at time.Time) int64 {
	return (at.Unix()+secondsFrom1601)*perSecond + int64(at.Nanosecond())/int64(hundredNanoseconds)
}
