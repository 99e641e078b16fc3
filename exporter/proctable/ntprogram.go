package proctable

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/procmon/procmon"
)

// programVersion is what a program says of itself in its version resource. Nobody checks it.
type programVersion struct{ Company, Description procmon.Opt[string] }

// program is a file that processes run.
type program struct {
	path    string
	version programVersion // unknown until it is read
}

// programs remembers programs by their path, so that each file is read once, however many
// processes run it. Reading waits for disks: what takes too long in one reading of the
// table is left to the next.
type programs struct {
	byPath map[string]*program
	unread []*program
}

const (
	programsKept    = 4096
	programsReadFor = 100 * time.Millisecond // in one reading of the table
)

// of returns the program with that path.
func (p *programs) of(path string) *program {
	if known, ok := p.byPath[path]; ok {
		return known
	}
	if len(p.byPath) >= programsKept {
		clear(p.byPath) // the processes keep theirs
	}
	one := &program{path: path}
	p.byPath[path] = one
	if onDrive(path) && len(p.unread) < programsKept {
		p.unread = append(p.unread, one)
	}
	return one
}

// read reads programs that have not been, for as long as one reading may take.
func (p *programs) read(system ntSystem) {
	if len(p.unread) == 0 {
		return
	}
	began := time.Now()
	n := 0
	for n < len(p.unread) && time.Since(began) < programsReadFor {
		p.unread[n].version = system.version(p.unread[n].path)
		n++
	}
	p.unread = append(p.unread[:0], p.unread[n:]...)
	clear(p.unread[len(p.unread):cap(p.unread)])
}

// onDrive reports whether path begins with the letter of a drive. Others are of the network
// (\\server\share), which would hold us up, or of no file.
func onDrive(path string) bool {
	return len(path) > 3 && path[1] == ':' && path[2] == '\\' && (path[0]|0x20)-'a' < 26
}

// imagePath returns a path of a program as Windows gave it. A process of the kernel alone has
// a name there that is no path.
func imagePath(path string) procmon.Opt[string] {
	return procmon.Opt[string]{Value: path, Known: strings.Contains(path, `\`)}
}

// languages returns the names of the blocks of text in a version resource, as its
// \VarFileInfo\Translation lists them, most wanted first, and then those that programs use
// that list none (https://learn.microsoft.com/en-us/windows/win32/api/winver/nf-winver-verqueryvaluew).
func languages(translation []byte) []string {
	const most = 8
	var names []string
	for ; len(translation) >= 4 && len(names) < most; translation = translation[4:] {
		names = append(names, fmt.Sprintf("%04x%04x", binary.LittleEndian.Uint16(translation), binary.LittleEndian.Uint16(translation[2:])))
	}
	return append(names, "040904b0", "040904e4", "04090000") // English: Unicode, Windows 1252, none
}

// versionText returns a text of a version resource; one without content is unknown.
func versionText(text []byte) procmon.Opt[string] {
	const longest = 2 * 256 // bytes
	s := strings.TrimSpace(decodeUTF16(text[:min(len(text), longest)]))
	return procmon.Opt[string]{Value: s, Known: s != ""}
}

// integrityLevel names the level that is the last part of a SID, or the next below that
// Windows names: there are such between
// (https://learn.microsoft.com/en-us/windows/win32/secauthz/well-known-sids).
func integrityLevel(rid uint32) procmon.Integrity {
	switch {
	case rid >= 0x5000:
		return procmon.IntegrityProtected
	case rid >= 0x4000:
		return procmon.IntegritySystem
	case rid >= 0x3000:
		return procmon.IntegrityHigh
	case rid >= 0x2100:
		return procmon.IntegrityMediumPlus
	case rid >= 0x2000:
		return procmon.IntegrityMedium
	case rid >= 0x1000:
		return procmon.IntegrityLow
	}
	return procmon.IntegrityUntrusted
}

// Machines of programs
// (https://learn.microsoft.com/en-us/windows/win32/sysinfo/image-file-machine-constants).
const (
	machineNative = 0 // as IsWow64Process2 says: not one of another kind than the system's
	machineI386   = 0x014c
	machineARM    = 0x01c0
	machineThumb2 = 0x01c4
)

// machineBits returns the width of a process's machine code from what IsWow64Process2, on a
// 64-bit system, says of it.
func machineBits(machine uint16) uint32 {
	switch machine {
	case machineI386, machineARM, machineThumb2:
		return 32
	}
	return 64
}
