package winsvc

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"
)

// create makes a service of nothing but its name; configure does the rest.
func create(m *mgr.Mgr, c Config) (*mgr.Service, error) {
	w := words{}
	name, path := w.pointer(c.Name), w.pointer(ImagePath(c.Program, c.Args))
	if w.err != nil {
		return nil, w.err
	}
	handle, err := windows.CreateService(m.Handle, name, name, windows.SERVICE_ALL_ACCESS, windows.SERVICE_WIN32_OWN_PROCESS,
		windows.SERVICE_AUTO_START, windows.SERVICE_ERROR_NORMAL, path, nil, nil, nil, nil, nil)
	if err != nil {
		return nil, err
	}
	return &mgr.Service{Name: c.Name, Handle: handle}, nil
}

// words makes Windows' texts, and keeps the first error.
type words struct{ err error }

// pointer returns nil for "", which changes nothing.
func (w *words) pointer(text string) *uint16 {
	if text == "" {
		return nil
	}
	p, err := windows.UTF16PtrFromString(text)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("%q cannot be in a service: %w", text, err)
	}
	return p
}

// configure sets everything that a service has but its name. What this Windows does not know
// (Wine does not know all of it) costs only itself.
func configure(s *mgr.Service, c Config) error {
	w := words{}
	path, account, display, description := w.pointer(ImagePath(c.Program, c.Args)), w.pointer(c.Account), w.pointer(c.DisplayName), w.pointer(c.Description)
	password := w.pointer(c.Password)
	if w.err != nil {
		return w.err
	}
	if err := windows.ChangeServiceConfig(s.Handle, windows.SERVICE_WIN32_OWN_PROCESS, windows.SERVICE_AUTO_START, windows.SERVICE_ERROR_NORMAL,
		path, nil, nil, nil, account, password, display); err != nil {
		return fmt.Errorf("configure the service: %w", explained(err))
	}
	// https://learn.microsoft.com/en-us/windows/win32/api/winsvc/nf-winsvc-changeserviceconfig2w
	about := windows.SERVICE_DESCRIPTION{Description: description}
	if err := windows.ChangeServiceConfig2(s.Handle, windows.SERVICE_CONFIG_DESCRIPTION, (*byte)(unsafe.Pointer(&about))); known(err) != nil {
		return fmt.Errorf("describe the service: %w", explained(err))
	}
	delayed := windows.SERVICE_DELAYED_AUTO_START_INFO{IsDelayedAutoStartUp: 1}
	if err := windows.ChangeServiceConfig2(s.Handle, windows.SERVICE_CONFIG_DELAYED_AUTO_START_INFO, (*byte)(unsafe.Pointer(&delayed))); known(err) != nil {
		return fmt.Errorf("delay the start of the service: %w", explained(err))
	}
	var actions []mgr.RecoveryAction
	delays, resetAfter := restarts()
	for _, delay := range delays {
		actions = append(actions, mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: delay})
	}
	if err := s.SetRecoveryActions(actions, uint32(resetAfter.Seconds())); known(err) != nil {
		return fmt.Errorf("set what happens when the service fails: %w", explained(err))
	}
	// Else only a crash counts, and not an end with an error.
	if err := s.SetRecoveryActionsOnNonCrashFailures(true); known(err) != nil {
		return fmt.Errorf("set what happens when the service fails: %w", explained(err))
	}
	// Its error for a source that is there already has no type; without a source, events are
	// only harder to read.
	_ = eventlog.InstallAsEventCreate(c.Name, eventlog.Error|eventlog.Warning|eventlog.Info)
	return nil
}

// known passes over the error that this Windows does not know a part of the configuration.
func known(err error) error {
	if errors.Is(err, windows.ERROR_INVALID_LEVEL) || errors.Is(err, windows.ERROR_CALL_NOT_IMPLEMENTED) {
		return nil
	}
	return err
}

// configOf asks for the configuration of a service
// (https://learn.microsoft.com/en-us/windows/win32/api/winsvc/nf-winsvc-queryserviceconfigw).
func configOf(s *mgr.Service) (*windows.QUERY_SERVICE_CONFIG, error) {
	const most = 8 << 10 // bytes, says the documentation
	words := make([]uint64, most/8)
	c := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&words[0]))
	var needed uint32
	if err := windows.QueryServiceConfig(s.Handle, c, most, &needed); err != nil {
		return nil, err
	}
	return c, nil
}

// isDelayed reports whether a service starts a little after the others.
func isDelayed(s *mgr.Service) bool {
	var info windows.SERVICE_DELAYED_AUTO_START_INFO
	var needed uint32
	size := uint32(unsafe.Sizeof(info))
	err := windows.QueryServiceConfig2(s.Handle, windows.SERVICE_CONFIG_DELAYED_AUTO_START_INFO, (*byte)(unsafe.Pointer(&info)), size, &needed)
	return err == nil && info.IsDelayedAutoStartUp != 0
}
