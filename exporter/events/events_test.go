package events_test

import (
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lockAndLeave makes the calling goroutine's thread end with it.
func lockAndLeave() { runtime.LockOSThread() }
