package winsvc

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
)

// Run is the program as a service: it serves until the service control manager stops it
// (https://learn.microsoft.com/en-us/windows/win32/services/service-servicemain-function).
// It returns ErrNotManager when somebody else has started the program.
func Run(name string, serve Server) error {
	h := &service{name: name, serve: serve}
	err := svc.Run(name, h)
	if errors.Is(err, windows.ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) {
		return ErrNotManager
	}
	return errors.Join(err, h.err)
}

type service struct {
	name  string
	serve Server
	err   error // of serve
}

// Execute implements svc.Handler.
func (h *service) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (specific bool, code uint32) {
	const hint = 20_000 // ms that starting and stopping may take until the manager loses patience
	status <- svc.Status{State: svc.StartPending, WaitHint: hint}
	level := new(slog.LevelVar)
	log, closeLog := openLog(h.name, level)
	defer closeLog()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	running, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- h.serve(ctx, log, level, func() { close(running) }) }()
	for {
		select {
		case <-running:
			running = nil
			status <- svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				status <- r.CurrentStatus
			case svc.Stop, svc.Shutdown:
				status <- svc.Status{State: svc.StopPending, WaitHint: hint}
				cancel()
			}
		case h.err = <-ended:
			if h.err != nil {
				log.Error("procmon-exporter ends", "error", h.err)
				return true, 1
			}
			return false, 0
		}
	}
}

// openLog opens the event log. Without it the service goes on, and tells stderr.
func openLog(name string, level slog.Leveler) (log *slog.Logger, done func()) {
	l, err := eventlog.Open(name)
	if err != nil {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
		log.Warn("the event log cannot be opened", "error", err)
		return log, func() {}
	}
	return slog.New(newEventHandler(l, level)), func() { l.Close() }
}
