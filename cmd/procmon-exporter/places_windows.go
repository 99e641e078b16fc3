package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/procmon/procmon/exporter/winsvc"
)

const (
	usualSpool      = `%ProgramData%\procmon\spool where this program may write there, else in memory`
	asAdministrator = "as administrator"
)

// dataDirectory holds what belongs to the machine and not to a user: settings, tokens, spool.
func dataDirectory() string {
	programData := os.Getenv("ProgramData")
	if programData == "" {
		programData = `C:\ProgramData`
	}
	return filepath.Join(programData, "procmon")
}

func usualConfigFile() string { return filepath.Join(dataDirectory(), "exporter.yaml") }

func spoolDirectory() string { return filepath.Join(dataDirectory(), "spool") }

// openUsualSpool returns the spool's usual place, "" for memory. Everybody may make
// directories in %ProgramData%, and read what is in them: this one is protected, or not used.
func openUsualSpool() (string, error) {
	if _, err := os.Stat(dataDirectory()); errors.Is(err, fs.ErrNotExist) {
		if err := winsvc.Protect(dataDirectory()); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(spoolDirectory(), 0o700); err != nil {
		return "", err
	}
	return spoolDirectory(), nil
}
