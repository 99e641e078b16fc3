package events

import (
	"encoding/binary"
	"fmt"
	"time"
)

// A connectorEvent is a message of the proc connector.
type connectorEvent struct {
	what      uint32
	timestamp time.Duration // of CLOCK_MONOTONIC
	pid       uint32        // of the process (tgid); of a fork, the child's
	thread    uint32        // of the thread (pid); the same for the first of a process
	parent    uint32        // of a fork and an exit, the parent's process
	status    uint32        // of an exit as wait(2) tells it; of an answer the errno
	ack       uint32        // of an answer: one more than the question's
}

// The kinds of connectorEvent
// (https://github.com/torvalds/linux/blob/master/include/uapi/linux/cn_proc.h).
const (
	connectorAnswer = 0
	connectorFork   = 0x00000001
	connectorExec   = 0x00000002
	connectorExit   = 0x80000000
)

// The layout of a message, in the byte order of the host: struct nlmsghdr, struct cn_msg,
// struct proc_event (https://www.kernel.org/doc/html/latest/driver-api/connector.html).
const (
	netlinkHeaderSize   = 16
	connectorHeaderSize = 20
	connectorAckAt      = netlinkHeaderSize + 12
	connectorLengthAt   = netlinkHeaderSize + 16
	whatAt              = netlinkHeaderSize + connectorHeaderSize
	timestampAt         = whatAt + 8
	dataAt              = whatAt + 16
	leastData           = 4 // bytes: of an answer

	connectorIndexProc = 1 // CN_IDX_PROC, and the group that listens
	connectorValueProc = 1 // CN_VAL_PROC
)

// parseConnector calls f with each event in a datagram. Messages that are not of the proc
// connector are passed over.
func parseConnector(b []byte, f func(*connectorEvent)) error {
	order := binary.NativeEndian
	for len(b) > 0 {
		if len(b) < netlinkHeaderSize {
			return fmt.Errorf("a netlink message of %d bytes is shorter than its header", len(b))
		}
		length := int(order.Uint32(b))
		if length < netlinkHeaderSize || length > len(b) {
			return fmt.Errorf("a netlink message says that it has %d bytes, and there are %d", length, len(b))
		}
		message := b[:length]
		b = b[min((length+3)&^3, len(b)):]
		if length < whatAt || order.Uint32(message[netlinkHeaderSize:]) != connectorIndexProc || order.Uint32(message[netlinkHeaderSize+4:]) != connectorValueProc {
			continue
		}
		if said := int(order.Uint16(message[connectorLengthAt:])); said > length-whatAt || length < dataAt+leastData {
			return fmt.Errorf("a message of the proc connector has %d bytes of %d", length-whatAt, said)
		}
		var e connectorEvent
		if e.read(message) {
			f(&e)
		}
	}
	return nil
}

// read reads a message that has leastData, and reports whether it is whole and of a kind
// that is known.
func (e *connectorEvent) read(message []byte) bool {
	order := binary.NativeEndian
	data := message[dataAt:]
	word := func(i int) uint32 {
		if 4*i+4 > len(data) {
			return 0
		}
		return order.Uint32(data[4*i:])
	}
	e.what = order.Uint32(message[whatAt:])
	e.timestamp = time.Duration(order.Uint64(message[timestampAt:]))
	var words int // that it needs
	switch e.what {
	case connectorAnswer:
		e.status, e.ack = word(0), order.Uint32(message[connectorAckAt:])
		words = 1
	case connectorFork:
		e.parent, e.thread, e.pid = word(1), word(2), word(3)
		words = 4
	case connectorExec:
		e.thread, e.pid = word(0), word(1)
		words = 2
	case connectorExit:
		e.thread, e.pid, e.status = word(0), word(1), word(2)
		e.parent = word(5) // 0 before Linux 4.18
		words = 4
	default:
		return false
	}
	return len(data) >= 4*words
}

// exitCode returns what wait(2) tells in a status: the exit code, or -N of signal N
// (https://man7.org/linux/man-pages/man2/wait.2.html).
func exitCode(status uint32) int64 {
	if signal := status & 0x7f; signal != 0 {
		return -int64(signal)
	}
	return int64(status >> 8 & 0xff)
}
