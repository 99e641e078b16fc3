package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// lowerPriority lets other programs go first. On Linux each thread has a priority of its own,
// which those that it starts later inherit (https://man7.org/linux/man-pages/man2/setpriority.2.html).
func lowerPriority() error {
	for {
		changed, err := lowerThreads()
		if err != nil || !changed { // a thread that was not listed yet may have started another
			return err
		}
	}
}

// lowerThreads reports whether a thread stood higher.
func lowerThreads() (changed bool, err error) {
	const nice = 5
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return false, err
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			continue
		}
		// getpriority counts down from 20. One that was made gentler already stays so; one that
		// has ended is no error.
		if now, err := syscall.Getpriority(syscall.PRIO_PROCESS, id); err != nil || 20-now >= nice {
			continue
		}
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, id, nice); err != nil && !errors.Is(err, syscall.ESRCH) {
			return changed, fmt.Errorf("set the priority: %w", err)
		}
		changed = true
	}
	return changed, nil
}
