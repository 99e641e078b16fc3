package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// oldest appends the next snapshot to dst. ok is false when none is left. What is damaged
// is passed over.
func (d *disk) oldest(dst []byte) (json []byte, pos cursor, ok bool) {
	for d.waiting > 0 {
		f := d.files[0]
		r, err := d.peek()
		var base []byte
		if err == nil {
			base, err = d.baseOf(f)
		}
		if err != nil {
			if d.unreadable(err) {
				continue
			}
			break
		}
		if d.index > 0 {
			json, err = d.decode(dst, base, r, d.offset)
		} else {
			json = append(dst, base...)
		}
		switch {
		case err == nil:
			f.failed = false
			return json, cursor{f.number, d.index}, true
		case !isOfSystem(err):
			d.damage(f, 1, err)
			d.pass(r)
		case !d.unreadable(err):
			return dst, cursor{}, false
		}
	}
	return dst, cursor{}, false
}

// isOfSystem reports whether the system refused to read, and so nothing is known of what is there.
func isOfSystem(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && !errors.Is(err, fs.ErrNotExist)
}

// oldestAge returns the age of the next snapshot.
func (d *disk) oldestAge() (age time.Duration, ok bool) {
	for d.waiting > 0 {
		r, err := d.peek()
		if err != nil {
			if d.unreadable(err) {
				continue
			}
			break
		}
		return d.files[0].age(r.at, d.clock.elapsed()), true
	}
	return 0, false
}

// peek reads the header of the next record.
func (d *disk) peek() (record, error) { return d.readHeader(d.files[0], d.offset) }

func (d *disk) readHeader(f *file, offset int64) (record, error) {
	var b [recordSize]byte
	if err := d.readAt(f, b[:], offset); err != nil {
		return record{}, err
	}
	return parseRecord(b[:])
}

func (d *disk) readAt(f *file, b []byte, offset int64) error {
	opened, err := os.Open(d.name(f.number))
	if err != nil {
		return err
	}
	defer opened.Close()
	_, err = opened.ReadAt(b, offset)
	if errors.Is(err, io.EOF) {
		return errCut
	}
	return err
}

var errSum = errors.New("the checksum of a snapshot in it is wrong")

// decode appends the snapshot of a record to dst.
func (d *disk) decode(dst, base []byte, r record, offset int64) ([]byte, error) {
	if cap(d.buffer) < r.length {
		d.buffer = make([]byte, r.length)
	}
	payload := d.buffer[:r.length]
	if err := d.readAt(d.files[0], payload, offset+recordSize); err != nil {
		return nil, err
	}
	if sum(payload) != r.sum {
		return nil, errSum
	}
	return d.coder.decode(dst, base, payload, r.size)
}

// baseOf returns the first snapshot of the first file.
func (d *disk) baseOf(f *file) ([]byte, error) {
	if d.open && len(d.files) == 1 {
		return d.base, nil
	}
	if d.first == nil {
		r, err := d.readHeader(f, headerSize)
		if err != nil {
			return nil, err
		}
		if d.first, err = d.decode(nil, nil, r, headerSize); err != nil {
			return nil, err
		}
	}
	return d.first, nil
}

// done passes over the next record, if it is the one at pos.
func (d *disk) done(pos cursor) bool {
	if d.waiting == 0 || d.files[0].number != pos.file || d.index != pos.index {
		return false
	}
	r, err := d.peek()
	if err != nil {
		return d.unreadable(err)
	}
	d.pass(r)
	return true
}

// pass leaves a record behind for good.
func (d *disk) pass(r record) {
	d.index++
	d.offset += int64(recordSize + r.length)
	d.waiting--
	d.setCursor(cursor{d.files[0].number, d.index})
	d.skipRead()
}

// skipRead removes the first file when nothing in it is left to read and nothing comes to it.
func (d *disk) skipRead() {
	if len(d.files) > 0 && d.index >= d.files[0].records && (!d.open || len(d.files) > 1) {
		d.dropFile()
	}
}

// bytesWaiting returns the size of what is not read.
func (d *disk) bytesWaiting() int64 {
	if d.waiting == 0 {
		return 0
	}
	return d.size - d.offset
}
