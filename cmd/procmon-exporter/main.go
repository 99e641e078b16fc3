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
	"strconv"
	"syscall"
)

// version is set by the linker (-ldflags "-X main.version=1.2.3"); empty takes what the go
// command recorded.
var version string

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	code := command(os.Args, os.Stdout, os.Stderr)
	if ownConsole() {
		waitBeforeClosing(code, os.Stdin, os.Stderr)
	}
	os.Exit(code)
}

func command(args []string, stdout, stderr io.Writer) int {
	beSmall()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := newApp(stdout, stderr).RunContext(ctx, args)
	if err == nil {
		return 0
	}
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	fmt.Fprintf(stderr, "procmon-exporter: %v\n", err)
	if _, ok := errors.AsType[*failure](err); ok {
		return exitFailed
	}
	return exitUsage
}

// beSmall keeps an agent's memory small. Its live heap is a few MB, so that collecting garbage
// four times as often costs next to nothing. With 10,000 processes it is about 24 MB: the limit
// lets garbage take little more. GOGC and GOMEMLIMIT of the environment win
// (https://pkg.go.dev/runtime#hdr-Environment_Variables).
func beSmall() {
	const limit = 28 << 20 // bytes, without the 12 MB of the program itself
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(25)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
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

// exitCode ends the program with that code and without another word.
type exitCode int

func (c exitCode) Error() string { return "exit code " + strconv.Itoa(int(c)) }
