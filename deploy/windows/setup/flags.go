package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// none is the value of a property that takes a setting back.
const none = "none"

// A change is a flag of the service with its new value. Without a value the flag goes.
type change struct{ flag, value string }

// parseChanges reads pairs of a flag and its value. A property that was not given to the
// installer is an empty value and changes nothing.
func parseChanges(args []string) ([]change, error) {
	if len(args)%2 != 0 {
		return nil, fmt.Errorf("%s: a value is missing", args[len(args)-1])
	}
	var changes []change
	for pair := range slices.Chunk(args, 2) {
		flag, value := pair[0], pair[1]
		if !strings.HasPrefix(flag, "--") {
			return nil, fmt.Errorf("%q is not a flag", flag)
		}
		switch {
		case value == "":
		case strings.EqualFold(value, none):
			changes = append(changes, change{flag: flag})
		default:
			changes = append(changes, change{flag, value})
		}
	}
	return changes, nil
}

// apply returns the arguments with the changes made to them. Flags stand as "--flag value" or
// "--flag=value", with one dash or two. New ones come last.
func apply(args []string, changes []change) []string {
	args = slices.Clone(args)
	for _, c := range changes {
		args = without(args, c.flag)
		if c.value != "" {
			args = append(args, c.flag+"="+c.value)
		}
	}
	return args
}

// checkArguments returns what asks the program whether it would start with a service's
// arguments. Without a configuration file it reads an empty one.
func checkArguments(args []string, isFile bool) []string {
	command := append(slices.Clone(args), "check-config")
	if i := slices.Index(command, "run"); i > 0 && command[i-1] == "service" {
		command = slices.Delete(command, i-1, i+1)
	}
	if !isFile && len(without(args, "--config.file")) == len(args) {
		command = append(command, os.DevNull)
	}
	return command
}

func without(args []string, flag string) []string {
	name := strings.TrimLeft(flag, "-")
	var kept []string
	for i := 0; i < len(args); i++ {
		arg, _, joined := strings.Cut(args[i], "=")
		if strings.HasPrefix(arg, "-") && strings.TrimLeft(arg, "-") == name {
			if !joined {
				i++ // its value
			}
			continue
		}
		kept = append(kept, args[i])
	}
	return kept
}
