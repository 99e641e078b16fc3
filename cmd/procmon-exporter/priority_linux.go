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
	const nice = 5
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			continue
		}
		// getpriority counts down from 20: one that was made gentler already stays so.
		if now, err := syscall.Getpriority(syscall.PRIO_PROCESS, id); err == nil && 20-now >= nice {
			continue
		}
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, id, nice); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("set the priority: %w", err)
		}
	}
	return nil
}
