// Package salvage makes a damaged Badger directory fit to be opened, and saves what is
// intact in the files that are not.
//
// Badger by itself is made for crashes, not for damage: it deletes tables that its manifest
// does not name, ends a log at the first bad entry, passes over blocks with a wrong
// checksum, and panics on some. So before it opens the directory, Prepare moves every
// damaged file into a quarantine and writes a manifest of the rest; afterwards Restore
// reads the quarantine for what is to be put back. Both can be repeated after a crash.
//
// It relies on what the storage package holds: keys are written once, values are neither
// compressed nor encrypted by Badger, and none of them is in the value log. File formats
// are those of https://github.com/dgraph-io/badger at v4.9: manifest.go, memtable.go (log),
// table/builder.go.
package salvage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Finding is something that is damaged or missing.
type Finding struct {
	File    string
	Key     []byte // of the entry that is damaged, if it is known
	Problem string
}

// An Entry is a key with its value, read from a damaged file.
type Entry struct {
	Key, Value []byte
	// Checked says that a checksum covers both. Otherwise they only look right, and the
	// caller has to find out.
	Checked bool
}

const (
	tableSuffix    = ".sst"
	logSuffix      = ".mem"
	valueLogSuffix = ".vlog"
	manifestName   = "MANIFEST"
	registryName   = "KEYREGISTRY"
	discardName    = "DISCARD"
)

// ErrNothingLeft says that neither the manifest nor any file with data is there.
var ErrNothingLeft = errors.New("there is no table, log or manifest left")

// Prepare checks the files in dir, which nobody else uses, and moves those that are
// damaged into quarantine. Tables are checked block by block up to verify bytes, the newest
// first; of the others only the index. written is the log that is known to be written to, or
// 0: any other may be empty since a crash. An error means that dir could not be read or
// changed, or ErrNothingLeft; damage is no error.
func Prepare(dir, quarantine string, verify int64, written uint64) ([]Finding, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := preparation{dir: dir, quarantine: quarantine, budget: verify, written: written, present: make(map[uint64]fs.FileInfo)}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if err := p.file(info); err != nil {
			return nil, err
		}
	}
	if err := p.tables(); err != nil {
		return nil, err
	}
	return p.findings, nil
}

type preparation struct {
	dir, quarantine string
	budget          int64
	written         uint64
	findings        []Finding
	present         map[uint64]fs.FileInfo // tables
	logs            int
}

func (p *preparation) found(file, problem string) {
	p.findings = append(p.findings, Finding{File: file, Problem: problem})
}

// file checks everything that is not a table.
func (p *preparation) file(info fs.FileInfo) error {
	name := info.Name()
	path := filepath.Join(p.dir, name)
	switch {
	case strings.HasSuffix(name, tableSuffix):
		if id, ok := fileID(name, tableSuffix); ok {
			p.present[id] = info
		}
	case strings.HasSuffix(name, logSuffix):
		p.logs++
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if isTrace(name, data, p.written) {
			return os.Remove(path) // Badger refuses it
		}
		if problem := checkLog(data); problem != "" {
			p.found(name, problem)
			return p.isolate(name)
		}
	case strings.HasSuffix(name, valueLogSuffix), name == registryName, name == discardName:
		// None of these holds data; Badger makes new ones.
		if ok, err := soundHeader(path, name); ok || err != nil {
			return err
		}
		return p.isolate(name)
	}
	return nil
}

// isolate moves a file of dir into the quarantine, beside what is there already.
func (p *preparation) isolate(name string) error {
	if err := os.MkdirAll(p.quarantine, 0o700); err != nil {
		return err
	}
	to := filepath.Join(p.quarantine, name)
	for n := 2; ; n++ {
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			return os.Rename(filepath.Join(p.dir, name), to)
		}
		to = filepath.Join(p.quarantine, fmt.Sprintf("%d-%s", n, name))
	}
}

// Restore reads the files in quarantine and hands every entry that is left to keep, which
// returns false for one that it finds damaged. Entries come in no particular order, and
// may be in the database already.
func Restore(quarantine string, keep func(Entry) (bool, error)) ([]Finding, error) {
	entries, err := os.ReadDir(quarantine)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var findings []Finding
	for _, e := range entries {
		var read func([]byte, func(Entry) (bool, error)) ([]Finding, error)
		switch {
		case strings.HasSuffix(e.Name(), tableSuffix):
			read = readTable
		case strings.HasSuffix(e.Name(), logSuffix):
			read = readLog
		default:
			continue
		}
		data, err := os.ReadFile(filepath.Join(quarantine, e.Name()))
		if err != nil {
			return nil, err
		}
		found, err := read(data, keep)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		for i := range found {
			found[i].File = e.Name()
		}
		findings = append(findings, found...)
	}
	return findings, nil
}

// soundHeader checks the files whose content does not matter, only that Badger opens them.
func soundHeader(path, name string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	head := make([]byte, min(info.Size(), 64))
	if _, err := f.ReadAt(head, 0); err != nil && len(head) > 0 {
		return false, err
	}
	switch name {
	case discardName: // 1 MiB of entries of 16 bytes
		return info.Size() >= 1<<20 && info.Size()%16 == 0, nil
	case registryName: // 16 random bytes, then this
		return len(head) == 28 && string(head[16:]) == "Hello Badger", nil
	}
	return len(head) >= logHeader && allZero(head[:8]), nil
}

func allZero(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 })
}
