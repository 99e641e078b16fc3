//go:build !linux && !(windows && (amd64 || arm64))

package events

import (
	"fmt"
	"runtime"
)

func openSource(Options, *journal) (source, error) {
	return nil, fmt.Errorf("recording starts and ends of processes is not supported on %s/%s", runtime.GOOS, runtime.GOARCH)
}
