package spool

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"
)

const (
	lockName   = "lock"
	cursorName = "delivered"
	suffix     = ".spool"
)

// file is what is known of a file of snapshots without looking.
type file struct {
	number  uint64
	size    int64 // bytes
	records int
	damaged bool // which is counted and logged

	failed   bool          // it could not be read, though nothing says that it is damaged
	failedAt time.Duration // when it first could not, by the spool's clock

	// What the wall clock (Unix ms) and the spool's said when the age of its records was known,
	// and a wall clock time that none of them is later than: those that stand behind are older.
	wall    int64
	elapsed time.Duration
	ceiling int64
}

// age of a record that was put at a time, when the spool's clock says now.
func (f *file) age(at int64, now time.Duration) time.Duration {
	return now - f.elapsed + time.Duration(f.wall-min(at, f.ceiling))*time.Millisecond
}

// disk is a directory of files with snapshots.
type disk struct {
	path    string
	maxSize int64
	log     *slog.Logger
	clock   clock
	coder   *coder
	lock    *os.File

	files   []*file // oldest first; the first has records to read, or is the open one
	size    int64   // of all of them, bytes
	waiting int     // records to read
	damaged uint64  // files
	next    uint64  // number of the next file
	stuck   []string
	buffer  []byte

	open bool   // the last file takes more
	base []byte // its first snapshot

	index  int    // of the record to read next, in files[0]
	offset int64  // where it stands
	first  []byte // the first snapshot of files[0], unless that is open; nil if not yet read
}

func (d *disk) name(number uint64) string {
	return filepath.Join(d.path, fmt.Sprintf("%020d%s", number, suffix))
}

var errTooLarge = errors.New("the snapshot is larger than the spool")

// put makes a snapshot durable: it is synced when put returns nil, and not there otherwise.
// The oldest files give way; dropped says how many snapshots were in them.
func (d *disk) put(json []byte, at time.Duration) (pos cursor, dropped int, err error) {
	for {
		extends := d.open
		if !extends {
			d.base = nil
		}
		payload, err := d.coder.encode(nil, d.base, json)
		if err != nil {
			return cursor{}, dropped, err
		}
		need := int64(recordSize + len(payload))
		if last := len(d.files) - 1; extends && (d.files[last].records >= mostInFile || d.files[last].size+need > d.maxSize/filesPerSize) {
			d.seal()
			continue
		}
		if !extends {
			need += headerSize
		}
		if need > d.maxSize {
			return cursor{}, dropped, errTooLarge
		}
		for d.size+need > d.maxSize && len(d.files) > 0 {
			dropped += d.dropFile()
		}
		if extends && !d.open {
			continue // what it was compressed with has just given way
		}
		if extends {
			err = d.extend(json, payload, at)
		} else {
			err = d.begin(json, payload, at)
		}
		if err != nil {
			return cursor{}, dropped, err
		}
		d.size += need
		d.waiting++
		last := d.files[len(d.files)-1]
		return cursor{last.number, last.records - 1}, dropped, nil
	}
}

// begin writes a new file with one record.
func (d *disk) begin(json, payload []byte, at time.Duration) error {
	// Somebody may have removed the directory.
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return err
	}
	now, elapsed := d.clock.wall().UnixMilli(), d.clock.elapsed()
	f := &file{number: d.next, records: 1, wall: now, elapsed: elapsed, ceiling: math.MaxInt64}
	r := record{size: len(json), at: now - (elapsed - at).Milliseconds()}
	d.buffer = r.appendTo(appendHeader(d.buffer[:0]), payload)
	f.size = int64(len(d.buffer))
	d.next++
	name := d.name(f.number)
	if err := write(name, os.O_CREATE|os.O_EXCL, d.buffer, 0); err != nil {
		d.remove(name)
		return err
	}
	if err := syncDir(d.path); err != nil {
		d.remove(name)
		return err
	}
	d.files = append(d.files, f)
	d.open, d.base = true, append([]byte(nil), json...)
	if len(d.files) == 1 {
		d.index, d.offset, d.first = 0, headerSize, nil
	}
	return nil
}

// extend appends a record to the open file.
func (d *disk) extend(json, payload []byte, at time.Duration) error {
	f := d.files[len(d.files)-1]
	d.buffer = record{size: len(json), at: f.wall + (at - f.elapsed).Milliseconds()}.appendTo(d.buffer[:0], payload)
	if err := write(d.name(f.number), 0, d.buffer, f.size); err != nil {
		// What was written of it goes again; if that fails too, nothing is put behind it.
		if os.Truncate(d.name(f.number), f.size) != nil {
			d.seal()
		}
		return err
	}
	f.records++
	f.size += int64(len(d.buffer))
	return nil
}

// write writes and syncs b at an offset of a file.
func write(name string, flags int, b []byte, offset int64) error {
	f, err := os.OpenFile(name, os.O_WRONLY|flags, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, offset)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// seal ends the open file. The next snapshot begins a new one.
func (d *disk) seal() {
	if len(d.files) == 1 {
		d.first = d.base
	}
	d.open, d.base = false, nil
	d.skipRead()
}

// dropFile removes the first file and returns how many records were left in it.
func (d *disk) dropFile() (left int) {
	f := d.files[0]
	left = f.records - d.index
	d.waiting -= left
	d.size -= f.size
	if d.files = d.files[1:]; len(d.files) == 0 {
		d.open, d.base = false, nil
	}
	d.index, d.offset, d.first = 0, headerSize, nil
	// In this order: after a crash between the two the file is known to be done.
	d.setCursor(cursor{file: f.number + 1})
	d.remove(d.name(f.number))
	return left
}

// remove removes a file, now or later: on Windows somebody who reads it, such as a virus
// scanner, keeps it there.
func (d *disk) remove(name string) {
	stuck := d.stuck[:0]
	for _, name := range append(d.stuck, name) {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			stuck = append(stuck, name)
		}
	}
	d.stuck = stuck
}

// setCursor is not synced, and its failure costs nothing but a second delivery of what was
// delivered.
func (d *disk) setCursor(c cursor) {
	f, err := os.OpenFile(filepath.Join(d.path, cursorName), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	_, _ = f.WriteAt(c.encode(), 0)
	_ = f.Close()
}

// patience is how long a file is waited for that cannot be read: a virus scanner or a backup has it
// open, or this process has too many files open. A disk that fails for longer costs the file.
const patience = 5 * time.Minute

// unreadable gives the rest of the first file up if err says that it is damaged or gone, or has
// said for long that it cannot be read. It reports false if the file is to be waited for.
func (d *disk) unreadable(err error) (lost bool) {
	f, now := d.files[0], d.clock.elapsed()
	if isOfSystem(err) {
		if !f.failed {
			f.failed, f.failedAt = true, now
			d.log.Warn("a file of the spool cannot be read; it is tried again", "file", d.name(f.number), "problem", err)
		}
		if now-f.failedAt < patience {
			return false
		}
	}
	d.loseFile(err)
	return true
}

// loseFile gives the rest of the first file up.
func (d *disk) loseFile(why error) {
	f := d.files[0]
	d.damage(f, f.records-d.index, why)
	d.dropFile()
}

// damage counts and logs a file, once. lost says how many snapshots it costs; 0 is unknown.
func (d *disk) damage(f *file, lost int, why error) {
	if f.damaged {
		return
	}
	f.damaged = true
	d.damaged++
	log := d.log.With("file", d.name(f.number), "problem", why)
	if lost > 0 {
		log = log.With("lost", lost)
	}
	log.Error("a file of the spool is damaged; what is intact in it is delivered")
}

func (d *disk) close() error {
	if len(d.files) == 1 && d.waiting == 0 {
		d.dropFile()
	}
	return d.lock.Close()
}
