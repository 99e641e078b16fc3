package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage/internal/block"
)

// The value of a step is a byte that says how it is stored, the CRC-32C of its key, that byte and
// the rest, 4 bytes little-endian, and what block.Builder.Replay takes in.
const (
	stepPlain = 0
	stepZstd  = 1 // one frame

	stepHead = 1 + 4

	// Smaller steps are stored as they are: zstd would save a tenth, for as much CPU as the
	// step itself takes.
	minZstd = 2 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendStep has g take in r and appends the value of the step to dst. After an error g is
// as it was.
func (g *segment) appendStep(dst []byte, z *block.Compressor, r procmon.Record) ([]byte, error) {
	from := len(dst)
	g.mu.Lock()
	value, err := g.builder.Add(append(dst, make([]byte, stepHead)...), r)
	g.mu.Unlock()
	if err != nil {
		return dst, err
	}
	value[from] = stepPlain
	if step := value[from+stepHead:]; len(step) >= minZstd {
		if small := z.Compress(nil, step); len(small) < len(step) {
			value = append(value[:from+stepHead], small...)
			value[from] = stepZstd
		}
	}
	at := g.builder.Last()
	binary.LittleEndian.PutUint32(value[from+1:], stepSum(stepKey(g.host, g.first, at), value[from:]))
	return value, nil
}

// stepSum returns the checksum that belongs into the value of a step.
func stepSum(key, value []byte) uint32 {
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value[:1])
	return crc32.Update(sum, castagnoli, value[stepHead:])
}

// replay has g take in the value of the step with that key, which is of nanos.
func (g *segment) replay(key, value []byte, nanos int64, z *block.Compressor) error {
	step, err := openStep(key, value, z)
	if err != nil {
		return err
	}
	if err := g.builder.Replay(step); err != nil {
		return fmt.Errorf("the step does not follow from the one before: %w", err)
	}
	if g.builder.Last() != nanos {
		return errors.New("the step before is missing")
	}
	return nil
}

// openStep checks the value of a step and returns what is in it.
func openStep(key, value []byte, z *block.Compressor) ([]byte, error) {
	if len(value) < stepHead {
		return nil, errors.New("the step is cut short")
	}
	if stepSum(key, value) != binary.LittleEndian.Uint32(value[1:]) {
		return nil, errors.New("the checksum of the step is wrong")
	}
	switch value[0] {
	case stepPlain:
		return value[stepHead:], nil
	case stepZstd:
		return z.Decompress(nil, value[stepHead:])
	}
	return nil, fmt.Errorf("the step is of the unknown kind %d", value[0])
}
