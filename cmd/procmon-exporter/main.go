// Procmon-exporter is the agent: it serves the processes of the host it runs on to a procmon
// server and to Prometheus, and pushes them to a server that cannot reach it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// version is set by the linker (-ldflags "-X main.version=1.2.3"); empty takes what the go
// command recorded.
var version string

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() { os.Exit(command(os.Args, os.Stdout, os.Stderr)) }

func command(args []string, stdout, stderr io.Writer) int {
	if os.Getenv("GOGC") == "" {
		// An agent shall be small. Its live heap is a few MB, so that collecting garbage
		// twice as often costs next to nothing.
		debug.SetGCPercent(50)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := newApp(stdout, stderr).RunContext(ctx, args)
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "procmon-exporter: %v\n", err)
	if _, ok := errors.AsType[*failure](err); ok {
		return exitFailed
	}
	return exitUsage
}

// A failure is an error that is not of the command line: the same command may work later,
// or elsewhere.
type failure struct{ error }

func (f *failure) Unwrap() error { return f.error }

func failed(err error) error {
	if err == nil {
		return nil
	}
	return &failure{err}
}
