// Setup is what the Windows installer runs to put the service in order. It is part of the
// package, so that a new version's own code decides how an older one is upgraded, and does what
// Windows Installer's tables cannot: a service that was stopped stays stopped, and what an
// administrator has changed of it (start type, account, recovery, arguments) stays as it is.
//
// Windows Installer runs it as LocalSystem, in this order:
//
//	setup hold                  remember whether the service runs, and stop it
//	setup configure EXE FLAGS   make the service, or change the flags that are given
//	setup firewall EXE          let the exporter be reached through the firewall
//	setup release               start the service if it ran before, or is new
//	setup commit                forget what was remembered
//
// When a later step fails, "setup restore" undoes configure and "setup resume" undoes hold.
// "setup remove EXE" and "setup purge" belong to the removal.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

const (
	service  = "procmon-exporter"
	exitFail = 1
)

// errUsage is for people who run this by hand.
var errUsage = errors.New("usage: setup hold | configure EXE [--FLAG VALUE]… | firewall EXE | release | commit | resume | restore EXE | remove EXE | purge")

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "setup:", err)
		report(err)
		os.Exit(exitFail)
	}
}

func run(args []string) error {
	command := strings.Join(args[:min(1, len(args))], "")
	switch rest := args[min(1, len(args)):]; {
	case command == "hold" && len(rest) == 0:
		return hold()
	case command == "configure" && len(rest) > 0:
		changes, err := parseChanges(rest[1:])
		if err != nil {
			return err
		}
		return configure(rest[0], changes)
	case command == "firewall" && len(rest) == 1:
		return openFirewall(rest[0])
	case command == "release" && len(rest) == 0:
		return release()
	case command == "commit" && len(rest) == 0:
		return forget()
	case command == "resume" && len(rest) == 0:
		return resume()
	case command == "restore" && len(rest) == 1:
		return restore(rest[0])
	case command == "remove" && len(rest) == 1:
		return remove(rest[0])
	case command == "purge" && len(rest) == 0:
		return purge()
	}
	return errUsage
}
