package main

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/windows"
)

// patience is how long a service may take to stop or to start. Windows' own default is 30 s.
const (
	patience = 45 * time.Second
	pause    = 50 * time.Millisecond // between two looks at it
)

// open opens our service, or returns nil where there is none
// (https://learn.microsoft.com/en-us/windows/win32/api/winsvc/nf-winsvc-openservicew).
func open(access uint32) (handle windows.Handle, done func(), err error) {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return 0, nil, fmt.Errorf("open the service manager: %w", err)
	}
	handle, err = windows.OpenService(manager, windows.StringToUTF16Ptr(service), access|windows.SERVICE_QUERY_STATUS)
	windows.CloseServiceHandle(manager)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return 0, func() {}, nil
	}
	if err != nil {
		return 0, nil, fmt.Errorf("open service %s: %w", service, err)
	}
	return handle, func() { windows.CloseServiceHandle(handle) }, nil
}

// hold remembers whether the service runs and stops it, so that its file can be replaced.
func hold() error {
	if err := forget(); err != nil { // what an installation that was cut off left
		return err
	}
	if err := keep(begin, time.Now().UTC().Format(time.RFC3339)); err != nil {
		return err
	}
	handle, done, err := open(windows.SERVICE_STOP)
	if err != nil || handle == 0 {
		return err
	}
	defer done()
	var status windows.SERVICE_STATUS_PROCESS
	if err := query(handle, &status); err != nil {
		return err
	}
	if status.CurrentState == windows.SERVICE_STOPPED {
		return nil
	}
	if status.CurrentState != windows.SERVICE_STOP_PENDING {
		if err := keep(wasRunning, "1"); err != nil {
			return err
		}
	}
	return stop(handle, &status)
}

// stop returns when the service's process is gone: a service says that it has stopped while
// its file is still in use.
func stop(handle windows.Handle, status *windows.SERVICE_STATUS_PROCESS) error {
	process, err := windows.OpenProcess(windows.SYNCHRONIZE, false, status.ProcessId)
	if err == nil {
		defer windows.CloseHandle(process)
	}
	var ignored windows.SERVICE_STATUS
	for end := time.Now().Add(patience); ; time.Sleep(pause) {
		err = windows.ControlService(handle, windows.SERVICE_CONTROL_STOP, &ignored)
		if !errors.Is(err, windows.ERROR_SERVICE_CANNOT_ACCEPT_CTRL) || time.Now().After(end) {
			break // else it is starting, or stopping already
		}
		if err := query(handle, status); err != nil || status.CurrentState == windows.SERVICE_STOPPED {
			return err
		}
	}
	if err != nil && !errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) && status.CurrentState != windows.SERVICE_STOP_PENDING {
		return fmt.Errorf("stop service %s: %w", service, err)
	}
	if err := await(handle, windows.SERVICE_STOPPED); err != nil {
		return fmt.Errorf("stop service %s: %w", service, err)
	}
	if process != 0 {
		if event, err := windows.WaitForSingleObject(process, uint32(patience.Milliseconds())); err != nil || event != windows.WAIT_OBJECT_0 {
			return fmt.Errorf("stop service %s: its process %d does not end", service, status.ProcessId)
		}
	}
	return nil
}

// release starts the service if it ran before, or if this installation made it.
func release() error {
	if recall(wasRunning) == "" && recall(wasMade) == "" {
		return nil
	}
	return start()
}

// resume starts the service again after an installation that failed.
func resume() error {
	ran := recall(wasRunning) != ""
	if err := forget(); err != nil || !ran {
		return err
	}
	return start()
}

// start returns when the service runs, and with its error when it ended instead.
func start() error {
	handle, done, err := open(windows.SERVICE_START)
	if err != nil {
		return err
	}
	if handle == 0 {
		return fmt.Errorf("start service %s: there is none", service)
	}
	defer done()
	err = windows.StartService(handle, 0, nil)
	if err != nil && !errors.Is(err, windows.ERROR_SERVICE_ALREADY_RUNNING) {
		return fmt.Errorf("start service %s: %w", service, err)
	}
	if err := await(handle, windows.SERVICE_RUNNING); err != nil {
		return fmt.Errorf("start service %s: %w; the event log says why", service, err)
	}
	return nil
}

// await polls: what tells of a change needs the rights to the whole service manager on some
// versions of Windows.
func await(handle windows.Handle, want uint32) error {
	var status windows.SERVICE_STATUS_PROCESS
	for end := time.Now().Add(patience); ; {
		if err := query(handle, &status); err != nil {
			return err
		}
		switch {
		case status.CurrentState == want:
			return nil
		case status.CurrentState == windows.SERVICE_STOPPED && status.Win32ExitCode == uint32(windows.ERROR_SERVICE_SPECIFIC_ERROR):
			return fmt.Errorf("it ended with code %d", status.ServiceSpecificExitCode)
		case status.CurrentState == windows.SERVICE_STOPPED:
			return fmt.Errorf("it ended: %w", windows.Errno(status.Win32ExitCode))
		case time.Now().After(end):
			return fmt.Errorf("it is in state %d after %v", status.CurrentState, patience)
		}
		time.Sleep(pause)
	}
}

// query reads the state and the process
// (https://learn.microsoft.com/en-us/windows/win32/api/winsvc/nf-winsvc-queryservicestatusex).
func query(handle windows.Handle, status *windows.SERVICE_STATUS_PROCESS) error {
	if err := queryStatus(handle, status); err != nil {
		return fmt.Errorf("query service %s: %w", service, err)
	}
	return nil
}
