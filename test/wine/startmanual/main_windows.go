// Startmanual does what an administrator does in services.msc: it sets a service's start type.
// Wine's sc.exe cannot.
package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc/mgr"
)

func main() {
	if err := change(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func change(name string) error {
	m, err := mgr.Connect()
	if err != nil {
		return err
	}
	defer m.Disconnect()
	s, err := m.OpenService(name)
	if err != nil {
		return err
	}
	defer s.Close()
	const no = windows.SERVICE_NO_CHANGE
	return windows.ChangeServiceConfig(s.Handle, no, windows.SERVICE_DEMAND_START, no, nil, nil, nil, nil, nil, nil, nil)
}
