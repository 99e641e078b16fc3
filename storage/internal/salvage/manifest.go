package salvage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/y"
	"google.golang.org/protobuf/proto"
)

// fileID returns the number in the name of a file.
func fileID(name, suffix string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseUint(digits, 10, 64)
	return id, err == nil
}

func tableName(id uint64) string { return fmt.Sprintf("%06d%s", id, tableSuffix) }

// manifest is what a MANIFEST says.
type manifest struct {
	levels map[uint64]uint32 // of the tables that it names
	torn   bool              // its end is missing
	bad    bool              // it is missing, or cannot be read at all
}

func readManifest(dir string) (m manifest, err error) {
	m.levels = make(map[uint64]uint32)
	f, err := os.Open(filepath.Join(dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		m.bad = true
		return m, nil
	}
	if err != nil {
		return m, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return m, err
	}
	read, end, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(dir).WithLogger(nil))
	if err != nil {
		m.bad = true
		return m, nil
	}
	m.torn = end < info.Size()
	for id, t := range read.Tables {
		m.levels[id] = uint32(t.Level)
	}
	return m, nil
}

// tables checks the tables against each other and the manifest, and writes a new manifest
// if the old one does not fit what is left.
//
// Tables that the manifest does not name are usually rests of a crash, which Badger would
// delete; but they may be all that there is of what a damaged manifest forgot. Since keys
// are written once, it is safe to take them in.
func (p *preparation) tables() error {
	m, err := readManifest(p.dir)
	if err != nil {
		return err
	}
	if m.bad && len(p.present) == 0 && p.logs == 0 {
		return ErrNothingLeft
	}
	changed := m.bad || m.torn
	switch {
	case m.bad:
		p.found(manifestName, "it is missing or damaged; it was made again from the tables")
	case m.torn && p.incomplete(m):
		p.found(manifestName, "its end is missing; it was made again from the tables")
	}
	kept := make(map[uint64]uint32)
	places := placement{alone: m.bad}
	for _, id := range p.newestFirst() {
		level, named := m.levels[id]
		name := tableName(id)
		keys, err := p.checkTable(id, !named)
		if err != nil {
			changed = true
			if !named && !m.bad && !m.torn {
				if err := os.Remove(filepath.Join(p.dir, name)); err != nil {
					return err
				}
				continue // cut short by a crash
			}
			p.found(name, err.Error())
			if err := p.isolate(name); err != nil {
				return err
			}
			continue
		}
		if !named {
			changed = true
			level = places.level(keys)
		}
		kept[id] = level
	}
	for id := range m.levels {
		if _, ok := p.present[id]; ok {
			continue
		}
		changed = true
		if _, err := os.Stat(filepath.Join(p.quarantine, tableName(id))); err != nil {
			p.found(tableName(id), "it is missing")
		}
	}
	if !changed {
		return nil
	}
	return writeManifest(p.dir, kept)
}

// incomplete reports whether m does not fit the tables that are there.
func (p *preparation) incomplete(m manifest) bool {
	return !maps.EqualFunc(m.levels, p.present, func(uint32, fs.FileInfo) bool { return true })
}

func (p *preparation) newestFirst() []uint64 {
	return slices.SortedFunc(maps.Keys(p.present), func(a, b uint64) int {
		return p.present[b].ModTime().Compare(p.present[a].ModTime())
	})
}

// placement finds levels for tables of which none is known.
type placement struct {
	alone  bool // there are no tables whose level is known
	levels [badgerLevels][]keyRange
}

// badgerLevels is the number of levels that Badger has by default.
const badgerLevels = 7

// level returns the lowest level where keys overlap no other table, or 0, where they may.
func (p *placement) level(keys keyRange) uint32 {
	if !p.alone || keys.first == nil || keys.last == nil {
		return 0
	}
	for level := badgerLevels - 1; level > 0; level-- {
		if !slices.ContainsFunc(p.levels[level], keys.overlaps) {
			p.levels[level] = append(p.levels[level], keys)
			return uint32(level)
		}
	}
	return 0
}

func (k keyRange) overlaps(other keyRange) bool {
	return bytes.Compare(k.first, other.last) <= 0 && bytes.Compare(other.first, k.last) <= 0
}

func (p *preparation) checkTable(id uint64, all bool) (keyRange, error) {
	size := p.present[id].Size()
	if p.budget >= size {
		p.budget -= size
		all = true
	}
	return checkTable(filepath.Join(p.dir, tableName(id)), all)
}

// writeManifest replaces the manifest by one that names the given tables: the text
// "Bdgr", 2 bytes for the application, 2 bytes version, then length and CRC-32C of a
// protobuf, 4 bytes each. Numbers are big-endian.
func writeManifest(dir string, levels map[uint64]uint32) error {
	set := &pb.ManifestChangeSet{}
	for _, id := range slices.Sorted(maps.Keys(levels)) {
		set.Changes = append(set.Changes, &pb.ManifestChange{Id: id, Op: pb.ManifestChange_CREATE, Level: levels[id]})
	}
	changes, err := proto.Marshal(set)
	if err != nil {
		return err
	}
	data := append([]byte("Bdgr"), 0, 0, 0, 8)
	data = binary.BigEndian.AppendUint32(data, uint32(len(changes)))
	data = binary.BigEndian.AppendUint32(data, crc32.Checksum(changes, y.CastagnoliCrcTable))
	data = append(data, changes...)

	tmp := filepath.Join(dir, manifestName+".tmp")
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, manifestName))
}
