package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// A backup is backupMagic and then chunks: the length of its content and the CRC-32C of the
// chunk's number (8 bytes, from 0) and the content, 4 bytes each, and the content. Numbers are
// little-endian. A content begins with its kind:
//
//	'h' the first chunk: the format of the history and when the backup was made, 8 bytes each
//	'e' entries: the lengths of key and value as uvarints, then both; keys ascend
//	'z' the last chunk: the number of entries and of the bytes of their keys and values, 8 bytes each
//
// What is cut, corrupted, or put together of several backups is not taken for a whole one.
const backupMagic = "procmon backup 1\n"

const (
	chunkHeader  = 'h'
	chunkEntries = 'e'
	chunkEnd     = 'z'

	chunkSize = 1 << 20 // bytes from which on a chunk is written
	maxChunk  = 4 << 20 // bytes that a reader allows
)

// A Backup says what is in a backup.
type Backup struct {
	Made    time.Time
	Entries int64
	Bytes   int64 // of keys and values
	format  uint64
}

// Backup writes all that is stored at this instant to w, while the store goes on. What is
// removed meanwhile keeps its disk space until Backup returns.
func (s *Store) Backup(ctx context.Context, w io.Writer) (Backup, error) {
	b := backupWriter{to: w, made: Backup{Made: s.now().UTC(), format: formatVersion}}
	err := s.view(func(txn *badger.Txn) error { return b.all(ctx, txn) })
	if err != nil {
		return Backup{}, fmt.Errorf("back up storage %s: %w", s.dir, err)
	}
	return b.made, nil
}

type backupWriter struct {
	to     io.Writer
	number uint64
	chunk  []byte
	made   Backup
}

// all writes everything that txn sees. One iterator, which holds the files that it reads,
// sees it even if it is removed meanwhile.
func (b *backupWriter) all(ctx context.Context, txn *badger.Txn) error {
	it := txn.NewIterator(badger.IteratorOptions{}) // before something is written, which may take its time
	defer it.Close()
	if _, err := io.WriteString(b.to, backupMagic); err != nil {
		return err
	}
	le := binary.LittleEndian
	b.chunk = le.AppendUint64(le.AppendUint64([]byte{chunkHeader}, b.made.format), uint64(b.made.Made.UnixNano()))
	if err := b.flush(); err != nil {
		return err
	}
	for it.Rewind(); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.entry(it.Item()); err != nil {
			return err
		}
	}
	if err := b.flush(); err != nil {
		return err
	}
	b.chunk = le.AppendUint64(le.AppendUint64([]byte{chunkEnd}, uint64(b.made.Entries)), uint64(b.made.Bytes))
	return b.flush()
}

func (b *backupWriter) entry(item *badger.Item) error {
	return item.Value(func(value []byte) error {
		key := item.Key()
		if len(b.chunk) == 0 {
			b.chunk = append(b.chunk, chunkEntries)
		}
		b.chunk = binary.AppendUvarint(b.chunk, uint64(len(key)))
		b.chunk = binary.AppendUvarint(b.chunk, uint64(len(value)))
		b.chunk = append(append(b.chunk, key...), value...)
		b.made.Entries++
		b.made.Bytes += int64(len(key) + len(value))
		if len(b.chunk) < chunkSize {
			return nil
		}
		return b.flush()
	})
}

func (b *backupWriter) flush() error {
	if len(b.chunk) == 0 {
		return nil
	}
	var head [8]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(b.chunk)))
	binary.LittleEndian.PutUint32(head[4:], chunkSum(b.number, b.chunk))
	if _, err := b.to.Write(head[:]); err != nil {
		return err
	}
	if _, err := b.to.Write(b.chunk); err != nil {
		return err
	}
	b.number++
	b.chunk = b.chunk[:0]
	return nil
}

func chunkSum(number uint64, content []byte) uint32 {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], number)
	return crc32.Update(crc32.Checksum(n[:], castagnoli), castagnoli, content)
}

// ErrNoBackup is why something that is not a whole backup is refused.
var ErrNoBackup = errors.New("it is not a whole procmon backup")

// CheckBackup reads a backup to its end. The error is ErrNoBackup if it is not a whole one.
func CheckBackup(r io.Reader) (Backup, error) {
	return readBackup(r, func(key, value []byte) error { return nil })
}

// IsBackup reports whether r begins as a backup does.
func IsBackup(r io.Reader) bool {
	head := make([]byte, len(backupMagic))
	_, err := io.ReadFull(r, head)
	return err == nil && string(head) == backupMagic
}

// readBackup calls fn with every entry of a backup, which are not fn's to keep. Only after it
// has returned nil is it known that the backup is whole.
func readBackup(r io.Reader, fn func(key, value []byte) error) (Backup, error) {
	if !IsBackup(r) {
		return Backup{}, fmt.Errorf("%w: it does not begin as one", ErrNoBackup)
	}
	b := backupReader{from: r, at: int64(len(backupMagic)), fn: fn}
	for !b.ended {
		content, err := b.next()
		if err == nil {
			err = b.take(content)
		}
		if err != nil {
			return Backup{}, err
		}
	}
	if n, err := io.ReadFull(r, make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		return Backup{}, fmt.Errorf("%w: something stands behind its end", ErrNoBackup)
	}
	return b.read, nil
}

type backupReader struct {
	from   io.Reader
	fn     func(key, value []byte) error
	at     int64 // bytes read
	number uint64
	buf    []byte
	last   []byte // key
	read   Backup
	ended  bool
}

func (b *backupReader) damaged(problem string) error {
	return fmt.Errorf("%w: %s, at byte %d", ErrNoBackup, problem, b.at)
}

// next returns the content of the next chunk, until the call after it.
func (b *backupReader) next() ([]byte, error) {
	var head [8]byte
	if err := b.fill(head[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size == 0 || size > maxChunk {
		return nil, b.damaged("it is damaged")
	}
	if cap(b.buf) < int(size) {
		b.buf = make([]byte, max(size, chunkSize+chunkSize/2))
	}
	content := b.buf[:size]
	if err := b.fill(content); err != nil {
		return nil, err
	}
	if chunkSum(b.number, content) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, b.damaged("a checksum is wrong")
	}
	b.at += int64(len(head) + len(content))
	b.number++
	return content, nil
}

func (b *backupReader) fill(p []byte) error {
	_, err := io.ReadFull(b.from, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return b.damaged("it is cut short")
	}
	return err
}

func (b *backupReader) take(content []byte) error {
	kind, rest := content[0], content[1:]
	if (kind == chunkHeader) != (b.number == 1) {
		return b.damaged("a chunk is in the wrong place")
	}
	le := binary.LittleEndian
	switch {
	case kind == chunkHeader && len(rest) == 16:
		b.read.format, b.read.Made = le.Uint64(rest), nanoTime(int64(le.Uint64(rest[8:])))
		if b.read.format > formatVersion {
			return newerFormat(b.read.format)
		}
	case kind == chunkEntries:
		return b.entries(rest)
	case kind == chunkEnd && len(rest) == 16:
		b.ended = true
		if le.Uint64(rest) != uint64(b.read.Entries) || le.Uint64(rest[8:]) != uint64(b.read.Bytes) {
			return b.damaged("some of it is missing")
		}
	default:
		return b.damaged("a chunk is of an unknown kind")
	}
	return nil
}

func (b *backupReader) entries(rest []byte) error {
	for len(rest) > 0 {
		keySize, n := binary.Uvarint(rest)
		valueSize, m := binary.Uvarint(rest[max(0, n):])
		if n <= 0 || m <= 0 {
			return b.damaged("an entry is damaged")
		}
		rest = rest[n+m:]
		if left := uint64(len(rest)); keySize == 0 || keySize > left || valueSize > left-keySize {
			return b.damaged("an entry is damaged")
		}
		key, value := rest[:keySize], rest[keySize:keySize+valueSize]
		rest = rest[keySize+valueSize:]
		if bytes.Compare(key, b.last) <= 0 {
			return b.damaged("its keys do not ascend")
		}
		b.last = append(b.last[:0], key...)
		if err := b.fn(key, value); err != nil {
			return err
		}
		b.read.Entries++
		b.read.Bytes += int64(keySize + valueSize)
	}
	return nil
}
