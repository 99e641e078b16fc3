// Package block turns many consecutive snapshots of one host into one immutable value, and
// reads them back: all of one instant, or one process over time.
//
// A block stores every distinct process once, with what it was at first and what changed
// from snapshot to snapshot, column by column, as differences of whole numbers. What comes
// out is what went in, bit for bit. storage/FORMAT.md describes the bytes.
//
// Everything that is decoded was checked: damage is an error that names the section, never a
// wrong value, and no input makes a reader allocate more than a small multiple of what it
// may hold, which is bounded.
package block

import (
	"errors"
	"math"
)

// Version is the layout that this package writes, and the only one that it reads.
const Version = 1

// Bounds of one block, which its reader holds every input against.
const (
	MaxSteps     = 1 << 14  // snapshots
	MaxRows      = 1 << 19  // distinct processes
	MaxProcesses = 1 << 18  // in one snapshot
	maxSection   = 64 << 20 // bytes of one section before compression
	maxTexts     = 1 << 20
)

var (
	errTooLarge = errors.New("the block is full")
	errCut      = errors.New("it is cut short")
)

// The columns of a process. Those that change often come first, so that most masks of what
// changed take one byte.
const (
	colCPUSeconds = iota
	colWorkingSet
	colPrivate
	colThreads
	colHandles
	colRead
	colWrite
	colCPU
	colKernel
	colReadOps
	colWriteOps
	colMemory
	colKnown // which of the facts are known, a bit for each column
	colRaw   // which of the numbers are stored as the bits of a float64
	colPPID
	colName
	colUser
	colCmdline
	colExe
	colSession
	colServices
	colIntegrity
	colElevated
	colBits
	colCompany
	colDescription
	columns
)

const (
	firstStatic = colKnown // columns from here on stand together
	// Units of whole numbers: 1/scale of what the column is measured in.
	secondsScale = 1e7     // 100 ns, in which Windows counts; Linux counts in 10 ms
	percentScale = 100     // agents round to 0.01 %
	mebiScale    = 1 << 20 // bytes
	gibiScale    = 1 << 30 // bytes
)

// maxScaled bounds the whole numbers that floats become, so that float64 holds each exactly.
const maxScaled = 1 << 53

// scaled returns v in units of 1/scale if that is v, bit for bit.
func scaled(v, scale float64) (n uint64, exact bool) {
	x := v * scale
	if !(x >= 0 && x < maxScaled) {
		return 0, false
	}
	n = uint64(x + 0.5)
	return n, math.Float64bits(float64(n)/scale) == math.Float64bits(v)
}

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// expectedPercent is the CPU use that follows from CPU time, in units of 1/percentScale, to
// which the one that was delivered is usually equal: used is in 100 ns, between in ns.
func expectedPercent(used uint64, between int64) int64 {
	const most = 1e12 // beyond, a day of CPU time at once, nothing is expected
	if used > most || between <= 0 {
		return 0
	}
	return (int64(used)*1e6 + between/2) / between
}
