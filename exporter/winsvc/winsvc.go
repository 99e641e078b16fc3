// Package winsvc installs a program as a Windows service, asks the service control manager
// about it, and runs it for that manager.
//
// What is not Windows' own (quoting, what to say, who may read what) is in files that every
// system compiles; on other systems the functions return ErrUnsupported.
package winsvc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Errors that a caller may want to explain in its own words.
var (
	ErrUnsupported      = errors.New("there are Windows services on Windows only")
	ErrInstalled        = errors.New("the service is installed already")
	ErrNotInstalled     = errors.New("the service is not installed")
	ErrNotAdministrator = errors.New("only an administrator may do that; run it as administrator")
	ErrNotManager       = errors.New("this is how Windows' service manager starts the service")
)

// LocalSystem is the account that sees every process.
const LocalSystem = "LocalSystem"

// Config is a service as it is installed.
type Config struct {
	Name        string // in the service control manager
	DisplayName string
	Description string
	Program     string   // absolute path
	Args        []string // what the manager starts it with
	Account     string   // DOMAIN\name; empty is LocalSystem, or what a service that is replaced has
	Password    string   // of Account; built-in and group managed accounts have none
	Replace     bool     // change the service if it is there, and start it again if it runs

	// Directory holds the service's files. Install makes it readable for administrators, SYSTEM
	// and Account only, with all that is in it; Account may write below Spool.
	Directory, Spool string
}

// restarts returns the delays after which a service that ended by itself is started again; the
// last is for all that follow. After so long without an end it begins anew.
func restarts() (delays []time.Duration, resetAfter time.Duration) {
	return []time.Duration{5 * time.Second, 30 * time.Second, time.Minute}, 24 * time.Hour
}

// CheckName says whether a service can be called that
// (https://learn.microsoft.com/en-us/windows/win32/api/winsvc/nf-winsvc-createservicew).
func CheckName(name string) error {
	const longest = 256
	if name == "" || len(name) > longest || strings.ContainsFunc(name, func(r rune) bool { return r < '!' || r > '~' || strings.ContainsRune(`/\"'`, r) }) {
		return fmt.Errorf("%q is not a name of 1 to %d letters, digits and signs other than / \\ \" '", name, longest)
	}
	return nil
}

// Status is what the service control manager says of a service.
type Status struct {
	Name      string
	State     string // running, stopped, start pending …
	PID       uint32 // 0 is none
	StartType string // like automatic (delayed)
	Account   string
	ImagePath string
}

// Running reports whether the service does its work.
func (s *Status) Running() bool { return s.State == stateRunning }

const stateRunning, stateStopped = "running", "stopped"

// stateName returns the manager's number in words
// (https://learn.microsoft.com/en-us/windows/win32/api/winsvc/ns-winsvc-service_status).
func stateName(state uint32) string {
	names := []string{1: stateStopped, 2: "starting", 3: "stopping", 4: stateRunning, 5: "continuing", 6: "pausing", 7: "paused"}
	if int(state) < len(names) && names[state] != "" {
		return names[state]
	}
	return fmt.Sprintf("in state %d", state)
}

// startName returns the start type in words
// (https://learn.microsoft.com/en-us/windows/win32/api/winsvc/ns-winsvc-query_service_configw).
func startName(start uint32, delayed bool) string {
	switch {
	case start == 2 && delayed:
		return "automatic (delayed)"
	case start == 2:
		return "automatic"
	case start == 3:
		return "manual"
	case start == 4:
		return "disabled"
	}
	return fmt.Sprintf("of type %d", start)
}

func (s *Status) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is %s", s.Name, s.State)
	if s.PID != 0 {
		fmt.Fprintf(&b, ", pid %d", s.PID)
	}
	fmt.Fprintf(&b, "\n  command: %s\n  start:   %s\n  account: %s\n", s.ImagePath, s.StartType, s.Account)
	return b.String()
}

// A Server does a service's work until ctx ends. It calls running once, as soon as it does. Its
// log is the event log; level can be changed.
type Server func(ctx context.Context, log *slog.Logger, level *slog.LevelVar, running func()) error
