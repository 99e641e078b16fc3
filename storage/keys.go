package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// No key is written twice with another value, so that whatever is saved of a damaged database
// can be put back in any order.
//
//	'f'                                    the version of the format
//	'h' host partition                     the host has something in this partition
//	't' partition host first time [number] a step of the open segment with that first snapshot, or a part of one
//	'b' partition host time made [number]  a block of snapshots from that time on, or a part of one
//	'm' partition host time                a stale marker
//	'q' partition host                     the blocks of the host in this partition shall become one
//	'x' partition [host]                   what was of all hosts, or of one, in this partition is being removed
//	's' partition slot host time kind [number]
//	                                       of formats 1 and 2: a snapshot, a part of one, or a stale marker
//
// Snapshots are written as steps, and become blocks when their partition is over; what
// belongs to one partition of time stands together, so that expiry drops whole files. A host
// is its procmon.HostKey, in which a 0 byte is written as 00 FF, with 00 01 at the end: that
// keeps the order, and no host is the beginning of another. Times are Unix nanoseconds,
// big-endian, shifted so that those before 1970 come first.
const (
	prefixFormat   = 'f'
	prefixHost     = 'h'
	prefixStep     = 't'
	prefixBlock    = 'b'
	prefixMarker   = 'm'
	prefixMerge    = 'q'
	prefixRemoval  = 'x'
	prefixSnapshot = 's'
)

// prefixesOfTime begin the keys that have a partition next, and expire with it.
var prefixesOfTime = [...]byte{prefixBlock, prefixMarker, prefixMerge, prefixSnapshot, prefixStep}

const (
	kindSnapshot = 0
	kindStale    = 1
	kindPart     = 2 // of a snapshot too large for one value; its number follows, 4 bytes
)

const (
	// partitionWidth is the time that expires at once, in nanoseconds.
	partitionWidth = int64(2 * time.Hour)
	// slots is how many parts of equal width a partition has.
	slots     = 24
	slotWidth = partitionWidth / slots
)

// partition is the number of a partition since 1970.
type partition int32

func partitionOf(nanos int64) partition {
	p := nanos / partitionWidth
	if nanos%partitionWidth < 0 {
		p--
	}
	return partition(p)
}

// sameSlot reports whether two times stand in the same slot of the same partition.
func sameSlot(a, b int64) bool { return partitionOf(a) == partitionOf(b) && slotOf(a) == slotOf(b) }

// slotOf returns the slot of the partition that nanos is in.
func slotOf(nanos int64) byte {
	return byte((nanos - int64(partitionOf(nanos))*partitionWidth) / slotWidth)
}

func (p partition) start() int64 { return int64(p) * partitionWidth }

// end returns the first instant after p.
func (p partition) end() int64 { return (int64(p) + 1) * partitionWidth }

func appendPartition(key []byte, p partition) []byte {
	return binary.BigEndian.AppendUint32(key, uint32(p)^1<<31)
}

func parsePartition(key []byte) partition {
	return partition(binary.BigEndian.Uint32(key) ^ 1<<31)
}

func appendTime(key []byte, nanos int64) []byte {
	return binary.BigEndian.AppendUint64(key, uint64(nanos)^1<<63)
}

func appendHost(key []byte, host string) []byte {
	for _, b := range []byte(host) {
		key = append(key, b)
		if b == 0 {
			key = append(key, 0xFF)
		}
	}
	return append(key, 0, 1)
}

// cutHost is the inverse of appendHost; it returns what follows too.
func cutHost(key []byte) (host string, rest []byte, ok bool) {
	var name []byte
	for {
		i := bytes.IndexByte(key, 0)
		if i < 0 || i+1 >= len(key) {
			return "", nil, false
		}
		name = append(name, key[:i]...)
		if key[i+1] == 1 {
			return string(name), key[i+2:], true
		}
		if key[i+1] != 0xFF {
			return "", nil, false
		}
		name = append(name, 0)
		key = key[i+2:]
	}
}

func formatKey() []byte { return []byte{prefixFormat} }

func hostPrefix(host string) []byte { return appendHost([]byte{prefixHost}, host) }

func hostKey(host string, p partition) []byte { return appendPartition(hostPrefix(host), p) }

// timePrefix begins the keys of a partition with one of prefixesOfTime.
func timePrefix(prefix byte, p partition) []byte { return appendPartition([]byte{prefix}, p) }

func partitionPrefix(p partition) []byte { return timePrefix(prefixSnapshot, p) }

// markerPrefix begins the stale markers of a host in a partition.
func markerPrefix(host string, p partition) []byte {
	return appendHost(timePrefix(prefixMarker, p), host)
}

func markerKey(host string, nanos int64) []byte {
	return appendTime(markerPrefix(host, partitionOf(nanos)), nanos)
}

// blockPrefix begins the blocks of a host in a partition.
func blockPrefix(host string, p partition) []byte {
	return appendHost(timePrefix(prefixBlock, p), host)
}

// blockKey is that of a block whose first snapshot is of nanos; made tells it from an earlier
// one with the same first snapshot.
func blockKey(host string, nanos, made int64) []byte {
	return appendTime(appendTime(blockPrefix(host, partitionOf(nanos)), nanos), made)
}

// stepsPrefix begins the steps of a host in a partition.
func stepsPrefix(host string, p partition) []byte { return appendHost(timePrefix(prefixStep, p), host) }

// stepKey is that of the step that a snapshot of nanos is in the segment with that first one.
func stepKey(host string, first, nanos int64) []byte {
	return appendTime(appendTime(stepsPrefix(host, partitionOf(first)), first), nanos)
}

// parseStepKey takes apart a key of prefixStep. part says that it is of a part.
func parseStepKey(key []byte) (host string, first, nanos int64, part bool, err error) {
	host, first, rest, err := parseTimeKey(key)
	if err != nil || key[0] != prefixStep {
		return "", 0, 0, false, errors.New("not the key of a step")
	}
	return host, first, int64(binary.BigEndian.Uint64(rest) ^ 1<<63), len(rest) == 12, nil
}

func mergeKey(host string, p partition) []byte { return appendHost(timePrefix(prefixMerge, p), host) }

// parseMergeKey is the inverse of mergeKey.
func parseMergeKey(key []byte) (host string, p partition, ok bool) {
	if len(key) < 5 || key[0] != prefixMerge {
		return "", 0, false
	}
	host, rest, ok := cutHost(key[5:])
	return host, parsePartition(key[1:5]), ok && len(rest) == 0
}

// removalKey is that of the note that a place is being removed, or without a host the partition.
func removalKey(pl place) []byte {
	key := timePrefix(prefixRemoval, pl.p)
	if pl.host == "" {
		return key
	}
	return appendHost(key, pl.host)
}

// parseRemovalKey is the inverse of removalKey.
func parseRemovalKey(key []byte) (pl place, ok bool) {
	if len(key) < 5 || key[0] != prefixRemoval {
		return place{}, false
	}
	pl.p = parsePartition(key[1:5])
	if len(key) == 5 {
		return pl, true
	}
	host, rest, ok := cutHost(key[5:])
	pl.host = host
	return pl, ok && host != "" && len(rest) == 0
}

// parseTimeKey takes apart a key of prefixMarker, prefixBlock or prefixStep, which must be in
// its place. nanos is the first time in it, rest what follows after that.
func parseTimeKey(key []byte) (host string, nanos int64, rest []byte, err error) {
	bad := errors.New("not the key of a marker or a block")
	if len(key) < 5 {
		return "", 0, nil, bad
	}
	host, rest, ok := cutHost(key[5:])
	if !ok || len(rest) < 8 {
		return "", 0, nil, bad
	}
	nanos = int64(binary.BigEndian.Uint64(rest) ^ 1<<63)
	rest = rest[8:]
	if parsePartition(key[1:5]) != partitionOf(nanos) || (key[0] == prefixMarker) != (len(rest) == 0) ||
		key[0] != prefixMarker && len(rest) != 8 && len(rest) != 12 {
		return "", 0, nil, bad
	}
	return host, nanos, rest, nil
}

// seriesPrefix begins the keys of a host in a slot.
func seriesPrefix(host string, p partition, slot byte) []byte {
	return appendHost(append(partitionPrefix(p), slot), host)
}

func snapshotKey(host string, nanos int64, kind byte) []byte {
	return append(appendTime(seriesPrefix(host, partitionOf(nanos), slotOf(nanos)), nanos), kind)
}

func partKey(host string, nanos int64, number uint32) []byte {
	return appendNumber(snapshotKey(host, nanos, kindPart), number)
}

// appendNumber returns the key of a part; it leaves key as it is.
func appendNumber(key []byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(key), number)
}

// parseHostKey is the inverse of hostKey.
func parseHostKey(key []byte) (host string, p partition, ok bool) {
	if len(key) == 0 || key[0] != prefixHost {
		return "", 0, false
	}
	host, rest, ok := cutHost(key[1:])
	if !ok || len(rest) != 4 {
		return "", 0, false
	}
	return host, parsePartition(rest), true
}

// seriesAt is where the host begins in a key of prefixSnapshot.
const seriesAt = 1 + 4 + 1

// parseSnapshotKey takes apart a key of prefixSnapshot, which must be in its place.
func parseSnapshotKey(key []byte) (host string, nanos int64, kind byte, err error) {
	bad := errors.New("not the key of a snapshot")
	if len(key) < seriesAt || key[0] != prefixSnapshot {
		return "", 0, 0, bad
	}
	host, rest, ok := cutHost(key[seriesAt:])
	if !ok || len(rest) < 9 {
		return "", 0, 0, bad
	}
	nanos = int64(binary.BigEndian.Uint64(rest) ^ 1<<63)
	if parsePartition(key[1:5]) != partitionOf(nanos) || key[5] != slotOf(nanos) {
		return "", 0, 0, bad
	}
	return host, nanos, rest[8], nil
}

// maxNanos is later than every snapshot.
const maxNanos = math.MaxInt64
