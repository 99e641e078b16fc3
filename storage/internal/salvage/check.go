package salvage

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Check says what was read of a database's files, and what is wrong with them.
type Check struct {
	Written uint64 // as Prepare takes it

	Tables   int
	Bytes    int64 // of tables and logs
	Findings []Finding
}

// Files reads and checks every file in dir, which nobody else uses, and changes nothing. What is in
// damaged files is handed to keep as Restore does.
func (c *Check) Files(dir string, keep func(Entry) (bool, error)) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	m, err := readManifest(dir)
	if err != nil {
		return err
	}
	if m.bad {
		c.Findings = append(c.Findings, Finding{File: manifestName, Problem: "it is missing or damaged"})
	} else if m.torn {
		c.Findings = append(c.Findings, Finding{File: manifestName, Problem: "its end is missing"})
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasSuffix(name, tableSuffix):
			id, ok := fileID(name, tableSuffix)
			if _, named := m.levels[id]; !ok || !named && !m.bad {
				continue // cut short by a crash
			}
			delete(m.levels, id)
			if err := c.Table(dir, id, keep); err != nil {
				return err
			}
		case strings.HasSuffix(name, logSuffix):
			if err := c.log(dir, name, keep); err != nil {
				return err
			}
		case strings.HasSuffix(name, valueLogSuffix), name == registryName, name == discardName:
			ok, err := soundHeader(filepath.Join(dir, name), name)
			if err != nil {
				return err
			}
			if !ok {
				c.Findings = append(c.Findings, Finding{File: name, Problem: "it is damaged; nothing is stored in it"})
			}
		}
	}
	for id := range m.levels {
		c.Findings = append(c.Findings, Finding{File: tableName(id), Problem: "it is missing"})
	}
	slices.SortStableFunc(c.Findings, func(a, b Finding) int { return strings.Compare(a.File, b.File) })
	return nil
}

// Table reads and checks a table, as Files does. One that is not there is no error, since
// compaction removes them.
func (c *Check) Table(dir string, id uint64, keep func(Entry) (bool, error)) error {
	path := filepath.Join(dir, tableName(id))
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	c.Tables++
	c.Bytes += info.Size()
	if _, err := checkTable(path, true); err != nil {
		return c.damaged(dir, tableName(id), err.Error(), readTable, keep)
	}
	return nil
}

func (c *Check) log(dir, name string, keep func(Entry) (bool, error)) error {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	c.Bytes += int64(len(data))
	if isTrace(name, data, c.Written) {
		return nil
	}
	if problem := checkLog(data); problem != "" {
		return c.damaged(dir, name, problem, readLog, keep)
	}
	return nil
}

// damaged notes the file, and whatever in it is damaged.
func (c *Check) damaged(dir, name, problem string, read func([]byte, func(Entry) (bool, error)) ([]Finding, error), keep func(Entry) (bool, error)) error {
	c.Findings = append(c.Findings, Finding{File: name, Problem: problem})
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	found, err := read(data, keep)
	for _, f := range found {
		f.File = name
		c.Findings = append(c.Findings, f)
	}
	return err
}
