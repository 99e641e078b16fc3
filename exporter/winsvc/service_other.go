//go:build !windows

package winsvc

// Install returns ErrUnsupported.
func Install(Config) error { return ErrUnsupported }

// Uninstall returns ErrUnsupported.
func Uninstall(string) error { return ErrUnsupported }

// Start returns ErrUnsupported.
func Start(string) error { return ErrUnsupported }

// Stop returns ErrUnsupported.
func Stop(string) error { return ErrUnsupported }

// Query returns ErrUnsupported.
func Query(string) (*Status, error) { return nil, ErrUnsupported }

// Run returns ErrUnsupported.
func Run(string, Server) error { return ErrUnsupported }

// Protect returns ErrUnsupported.
func Protect(string) error { return ErrUnsupported }

// RemoveAll returns ErrUnsupported.
func RemoveAll(string) error { return ErrUnsupported }
