package main

import (
	"os"
	"path/filepath"
)

const (
	usualSpool      = `%ProgramData%\procmon\spool`
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
