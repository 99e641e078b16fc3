//go:build !windows

package main

import (
	"os"
	"path/filepath"
	"strings"
)

const (
	usualSpool      = "spool in systemd's StateDirectory, or /var/lib/procmon-exporter/spool for root, or in memory"
	asAdministrator = "as root"
)

// dataDirectory is for Windows' service.
func dataDirectory() string { return "" }

func usualConfigFile() string { return "/etc/procmon/exporter.yaml" }

// spoolDirectory returns "" where nothing is kept beyond this process
// (https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#RuntimeDirectory=).
func spoolDirectory() string {
	if state, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); filepath.IsAbs(state) {
		return filepath.Join(state, "spool")
	}
	if os.Geteuid() == 0 {
		return "/var/lib/procmon-exporter/spool"
	}
	return ""
}

// openUsualSpool returns the spool's usual place, "" for memory.
func openUsualSpool() (string, error) {
	path := spoolDirectory()
	if path == "" {
		return "", nil
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", err
	}
	return path, nil
}
