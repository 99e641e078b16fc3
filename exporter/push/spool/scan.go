package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

var errCut = errors.New("its end is missing (a put that was broken off leaves that too)")

// openDisk locks the directory of d and reads what is in it.
func (d *disk) openDisk() error {
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return fmt.Errorf("create the spool: %w", err)
	}
	var err error
	if d.lock, err = os.OpenFile(filepath.Join(d.path, lockName), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return fmt.Errorf("lock the spool: %w", err)
	}
	held, err := tryLock(d.lock)
	switch {
	case held:
		err = fmt.Errorf("open the spool %s: another process uses it; every procmon-exporter needs a directory of its own", d.path)
	case err != nil:
		err = fmt.Errorf("lock the spool %s: %w", d.path, err)
	default:
		err = d.scan()
	}
	if err != nil {
		d.lock.Close()
	}
	return err
}

// scan reads the headers in all files.
func (d *disk) scan() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("read the spool: %w", err)
	}
	stored, _ := os.ReadFile(filepath.Join(d.path, cursorName)) // without it some are delivered again
	read := parseCursor(stored)
	d.setCursor(read) // makes the file while there is room: writing it over needs none
	d.next = max(1, read.file+1)
	var numbers []uint64
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), suffix)
		number, err := strconv.ParseUint(digits, 10, 63)
		if ok && err == nil && len(digits) == 20 && e.Type().IsRegular() {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	wall := d.clock.wall().UnixMilli()
	for _, number := range numbers {
		d.next = max(d.next, number+1)
		f := &file{number: number, wall: wall, elapsed: d.clock.elapsed()}
		if f.ceiling, err = d.scanFile(f, read); err != nil {
			d.log.Error("a file of the spool is left alone", "file", d.name(number), "problem", err)
			continue
		}
		if f.records > 0 {
			d.files = append(d.files, f)
			d.size += f.size
			d.waiting += f.records
		}
	}
	d.ageFiles(wall)
	if len(d.files) > 0 {
		d.index, d.offset = 0, headerSize
		if d.files[0].number == read.file {
			d.skip(read.index)
		}
	}
	return nil
}

// ageFiles sets the ceilings: files are in the order in which they were put, whatever the
// clock said, so nothing is newer than what stands behind it, nor than now.
func (d *disk) ageFiles(wall int64) {
	ceiling := wall
	for _, f := range slices.Backward(d.files) {
		first := f.ceiling
		f.ceiling = ceiling
		ceiling = min(ceiling, first)
	}
}

// skip passes over so many records of the first file, which were delivered before.
func (d *disk) skip(n int) {
	f := d.files[0]
	for d.index < min(n, f.records) {
		r, err := d.peek()
		if err != nil {
			d.unreadable(err) // what is waited for may be delivered a second time
			return
		}
		d.index++
		d.offset += int64(recordSize + r.length)
		d.waiting--
	}
	d.skipRead()
}

// scanFile counts the records of a file and returns when the first was put. What is done or
// nothing of which is intact is removed; what is damaged is cut off. An error is of a file
// that is not for us.
func (d *disk) scanFile(f *file, read cursor) (first int64, err error) {
	name := d.name(f.number)
	opened, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { // before it is cut or removed: Windows does neither to open files
		opened.Close()
		switch {
		case err == nil && (f.number < read.file || f.records == 0):
			f.records = 0
			d.remove(name)
		case err == nil && f.damaged:
			_ = os.Truncate(name, f.size) // else it is found again at the next start
		}
	}()
	info, err := opened.Stat()
	if err != nil {
		return 0, err
	}
	damage := readHeaders(opened, info.Size(), func(r record, end int64) {
		if f.records == 0 {
			first = r.at
		}
		f.records++
		f.size = end
	})
	switch {
	case damage == nil:
	case errors.Is(damage, errCut), errors.Is(damage, errHeader), errors.Is(damage, errRecord):
		if f.number >= read.file {
			d.damage(f, 0, damage)
		}
	default: // a newer format; what could not be read now, and perhaps can next time
		return 0, damage
	}
	return first, nil
}

// readHeaders calls found with each record whose header is intact and which is there to its end.
func readHeaders(r io.ReaderAt, size int64, found func(r record, end int64)) error {
	var header [max(headerSize, recordSize)]byte
	if size < headerSize {
		return errCut
	}
	if _, err := r.ReadAt(header[:headerSize], 0); err != nil {
		return err
	}
	if err := checkHeader(header[:headerSize]); err != nil {
		return err
	}
	for at := int64(headerSize); at < size; {
		if size-at < recordSize {
			return errCut
		}
		if _, err := r.ReadAt(header[:recordSize], at); err != nil {
			return err
		}
		record, err := parseRecord(header[:recordSize])
		if err != nil {
			return err
		}
		if at += int64(recordSize + record.length); at > size {
			return errCut
		}
		found(record, at)
	}
	return nil
}

// clock tells the time of day, which may be set, and how long the spool is open, which goes
// on evenly.
type clock struct {
	wall    func() time.Time
	elapsed func() time.Duration
}

func systemClock() clock {
	opened := time.Now()
	return clock{wall: time.Now, elapsed: func() time.Duration { return time.Since(opened) }}
}
