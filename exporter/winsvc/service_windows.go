package winsvc

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"
)

const patience = 30 * time.Second // with a service that starts or stops

// Install makes a service that starts with the machine, a little after the others
// (https://learn.microsoft.com/en-us/windows/win32/api/winsvc/nf-winsvc-createservicew), and
// protects its directory. It does not start it.
func Install(c Config) error {
	m, err := mgr.Connect()
	if err != nil {
		return explained(err)
	}
	defer func() { _ = m.Disconnect() }() // there is nothing to be done about it
	s, err := m.OpenService(c.Name)
	switch {
	case err == nil && !c.Replace:
		s.Close()
		return ErrInstalled
	case err == nil:
		defer s.Close()
		return replace(s, c)
	case !errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST):
		return explained(err)
	}
	if c.Account == "" {
		c.Account = LocalSystem
	}
	// Before there is a service, so that a name that Windows does not know leaves nothing.
	if err := c.protect(c.Account); err != nil {
		return err
	}
	s, err = create(m, c)
	if err != nil {
		return fmt.Errorf("create the service: %w", explained(err))
	}
	defer s.Close()
	if err := configure(s, c); err != nil {
		return errors.Join(err, s.Delete())
	}
	return nil
}

// replace changes a service and leaves it in the state that it is in.
func replace(s *mgr.Service, c Config) error {
	before, err := s.Query()
	if err != nil {
		return explained(err)
	}
	account := c.Account
	if account == "" {
		old, err := configOf(s)
		if err != nil {
			return explained(err)
		}
		account = windows.UTF16PtrToString(old.ServiceStartName)
	}
	if before.State != svc.Stopped {
		if err := stop(s); err != nil {
			return err
		}
	}
	if err := c.protect(account); err != nil {
		return err
	}
	if err := configure(s, c); err != nil {
		return err
	}
	if before.State == svc.Stopped {
		return nil
	}
	return start(s)
}

// Uninstall stops and removes a service.
func Uninstall(name string) error {
	s, done, err := open(name, windows.SERVICE_STOP|windows.SERVICE_QUERY_STATUS|windows.DELETE)
	if err != nil {
		return err
	}
	defer done()
	if err := stop(s); err != nil {
		return err
	}
	if err := s.Delete(); err != nil {
		return fmt.Errorf("remove the service: %w", explained(err))
	}
	_ = eventlog.Remove(name) // there is none when it could not be made
	return nil
}

// Start starts a service and waits until it runs. One that runs already is none of its business.
func Start(name string) error {
	s, done, err := open(name, windows.SERVICE_START|windows.SERVICE_QUERY_STATUS)
	if err != nil {
		return err
	}
	defer done()
	return start(s)
}

func start(s *mgr.Service) error {
	if err := s.Start(); err != nil && !errors.Is(err, windows.ERROR_SERVICE_ALREADY_RUNNING) {
		return fmt.Errorf("start the service: %w", explained(err))
	}
	status, err := await(s, svc.StartPending)
	if err != nil {
		return err
	}
	if status.State == svc.Running {
		return nil
	}
	code := status.Win32ExitCode
	if windows.Errno(code) == windows.ERROR_SERVICE_SPECIFIC_ERROR {
		code = status.ServiceSpecificExitCode
	}
	return fmt.Errorf("the service is %s again, with the exit code %d; the Application log of the Event Viewer says why, under the source %s",
		stateName(uint32(status.State)), code, s.Name)
}

// Stop stops a service and waits until it has ended.
func Stop(name string) error {
	s, done, err := open(name, windows.SERVICE_STOP|windows.SERVICE_QUERY_STATUS)
	if err != nil {
		return err
	}
	defer done()
	return stop(s)
}

func stop(s *mgr.Service) error {
	if _, err := s.Control(svc.Stop); err != nil && !errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) {
		return fmt.Errorf("stop the service: %w", explained(err))
	}
	status, err := await(s, svc.StopPending, svc.Running)
	if err == nil && status.State != svc.Stopped {
		err = fmt.Errorf("the service is %s", stateName(uint32(status.State)))
	}
	return err
}

// await waits while the service is in one of the states.
func await(s *mgr.Service, states ...svc.State) (svc.Status, error) {
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		status, err := s.Query()
		if err != nil {
			return status, explained(err)
		}
		pending := false
		for _, state := range states {
			pending = pending || status.State == state
		}
		if !pending {
			return status, nil
		}
		if time.Now().After(deadline) {
			return status, fmt.Errorf("the service is still %s after %v", stateName(uint32(status.State)), patience)
		}
	}
}

// Query asks for what everybody may know of a service.
func Query(name string) (*Status, error) {
	s, done, err := open(name, windows.SERVICE_QUERY_STATUS|windows.SERVICE_QUERY_CONFIG)
	if err != nil {
		return nil, err
	}
	defer done()
	state, err := s.Query()
	if err != nil {
		return nil, explained(err)
	}
	c, err := configOf(s)
	if err != nil {
		return nil, explained(err)
	}
	return &Status{
		Name: name, State: stateName(uint32(state.State)), PID: state.ProcessId,
		StartType: startName(c.StartType, isDelayed(s)), Account: windows.UTF16PtrToString(c.ServiceStartName), ImagePath: windows.UTF16PtrToString(c.BinaryPathName),
	}, nil
}

// open opens a service for what is needed: package mgr asks for all rights, which users lack.
func open(name string, rights uint32) (s *mgr.Service, done func(), err error) {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return nil, nil, explained(err)
	}
	text, err := windows.UTF16PtrFromString(name)
	if err != nil {
		_ = windows.CloseServiceHandle(manager)
		return nil, nil, err
	}
	handle, err := windows.OpenService(manager, text, rights)
	if err != nil {
		_ = windows.CloseServiceHandle(manager)
		return nil, nil, explained(err)
	}
	s = &mgr.Service{Name: name, Handle: handle}
	return s, func() { s.Close(); _ = windows.CloseServiceHandle(manager) }, nil
}

// explained puts the errors that have a remedy into words.
func explained(err error) error {
	switch {
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return ErrNotAdministrator
	case errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST):
		return ErrNotInstalled
	case errors.Is(err, windows.ERROR_SERVICE_MARKED_FOR_DELETE):
		return fmt.Errorf("%w; close what shows services (services.msc, Task Manager) and try again", err)
	case errors.Is(err, windows.ERROR_SERVICE_LOGON_FAILED), errors.Is(err, windows.ERROR_INVALID_SERVICE_ACCOUNT):
		return fmt.Errorf("%w; check the account and its password, and that it has the right to log on as a service", err)
	}
	return err
}
