// Mkshim writes the one library that Go programs need and Wine before version 9 lacks: a
// bcryptprimitives.dll whose only export, ProcessPrng, is forwarded to
// advapi32.SystemFunction036, Wine's name for RtlGenRandom.
//
//	go run ./mkshim PREFIX/drive_c/windows/system32/bcryptprimitives.dll
//
// The library is a PE32+ image without code
// (https://learn.microsoft.com/en-us/windows/win32/debug/pe-format): headers and one section,
// which is an export directory with its strings.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
)

const (
	sectionAddress = 0x1000 // where the section is mapped, relative to the image
	fileAlignment  = 0x200
	imageSize      = 0x2000
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: mkshim FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], image(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "mkshim:", err)
		os.Exit(1)
	}
}

// image returns the library: headers in the first block of the file, the section in the second.
func image() []byte {
	section := exports("bcryptprimitives.dll", "ProcessPrng", "advapi32.SystemFunction036")
	file := make([]byte, 2*fileAlignment)
	copy(file, headers(uint32(len(section))))
	copy(file[fileAlignment:], section)
	return file
}

// exports returns an export directory for one function of a library that is another
// library's: its address points to a string within the directory, which makes it a forwarder.
func exports(library, function, target string) []byte {
	const (
		addressTable = 40 // after the directory itself
		nameTable    = addressTable + 4
		ordinalTable = nameTable + 4
		strings      = ordinalTable + 2
	)
	b := make([]byte, strings)
	text := func(s string) uint32 {
		at := sectionAddress + uint32(len(b))
		b = append(append(b, s...), 0)
		return at
	}
	libraryAt, functionAt, targetAt := text(library), text(function), text(target)
	put := func(at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }
	put(12, libraryAt)
	put(16, 1) // first ordinal
	put(20, 1) // addresses
	put(24, 1) // names
	put(28, sectionAddress+addressTable)
	put(32, sectionAddress+nameTable)
	put(36, sectionAddress+ordinalTable)
	put(addressTable, targetAt)
	put(nameTable, functionAt)
	return b
}

func headers(sectionSize uint32) []byte {
	var b []byte
	u16 := func(values ...uint16) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint16(b, v)
		}
	}
	u32 := func(values ...uint32) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
	}
	u64 := func(values ...uint64) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
	}
	// MS-DOS header: only its magic and the place of the PE header are looked at.
	b = append(b, "MZ"...)
	b = append(b, make([]byte, 58)...)
	u32(64)
	// COFF header.
	b = append(b, "PE\x00\x00"...)
	u16(0x8664, 1)   // amd64, one section
	u32(0, 0, 0)     // no time, no symbols
	u16(240, 0x2022) // size of the optional header; executable, large addresses, DLL
	// Optional header.
	u16(0x20b, 0)                         // PE32+
	u32(0, fileAlignment, 0, 0, 0x1000)   // code, data, no entry point, base of code
	u64(0x180000000)                      // preferred address
	u32(sectionAddress, fileAlignment)    // alignments
	u16(6, 0, 0, 0, 6, 0)                 // versions: Windows Vista
	u32(0, imageSize, fileAlignment, 0)   // sizes of image and headers
	u16(3, 0x0100)                        // console, may not execute data
	u64(0x100000, 0x1000, 0x100000, 4096) // stack and heap
	u32(0, 16)                            // data directories:
	u32(sectionAddress, sectionSize)      // exports
	u32(make([]uint32, 30)...)            // and nothing else
	// Section header.
	b = append(b, ".edata\x00\x00"...)
	u32(sectionSize, sectionAddress, fileAlignment, fileAlignment, 0, 0)
	u16(0, 0)
	u32(0x40000040) // initialized data that is read
	return b
}
