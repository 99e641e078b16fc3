package proctable

import (
	"log/slog"

	"github.com/procmon/procmon"
)

// What the tests of parsing look at: these files are the same on every system.
var (
	Clean          = clean
	DecodeUTF16    = decodeUTF16
	EachService    = eachService
	IntegrityLevel = integrityLevel
	MachineBits    = machineBits
	ImagePath      = imagePath
	Languages      = languages
	VersionText    = versionText
)

const (
	MaxText            = maxText
	LongestServiceName = longestServiceName
	ProgramsReadFor    = programsReadFor
)

// NTFacts and Version are what a Windows answers.
type (
	NTFacts = ntFacts
	Version = programVersion
)

// NTSystem is a Windows made by a test. What is nil answers that it does not know.
type NTSystem struct {
	Processes func() (table []byte, base uint64, err error)
	Facts     func(pid uint32, created int64) (NTFacts, bool)
	Version   func(path string) Version
	Services  func(f func(list []byte, base uint64, n uint32) error) error
}

func (s *NTSystem) processes() ([]byte, uint64, error) { return s.Processes() }

func (s *NTSystem) facts(pid uint32, created int64) (ntFacts, bool) {
	if s.Facts == nil {
		return ntFacts{}, false
	}
	return s.Facts(pid, created)
}

func (s *NTSystem) version(path string) programVersion {
	if s.Version == nil {
		return programVersion{}
	}
	return s.Version(path)
}

func (s *NTSystem) services(f func(list []byte, base uint64, n uint32) error) error {
	if s.Services == nil {
		return nil
	}
	return s.Services(f)
}

// OpenNT opens the table of a Windows made by a test.
func OpenNT(system *NTSystem, redact func(string) string) *Table {
	if redact == nil {
		redact = func(cmdline string) string { return cmdline }
	}
	return &Table{system: newNTTable(system, Options{Redact: redact, Logger: slog.New(slog.DiscardHandler)})}
}

// Remembered returns how many identities the table of a Windows keeps.
func Remembered(t *Table) int { return len(t.system.(*ntTable).known) }

// SeenIn returns rows of processes that were first seen in the readings since.
func SeenIn(processes []procmon.Process, since []uint64) *Rows {
	r := &Rows{Processes: processes}
	for _, reading := range since {
		r.Details = append(r.Details, Detail{since: reading})
	}
	return r
}

func CheckParents(rows *Rows) { new(parents).check(rows) }
