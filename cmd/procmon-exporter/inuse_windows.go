package main

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isAddressInUse reports whether err is Windows' word for an address that is taken
// (https://learn.microsoft.com/en-us/windows/win32/winsock/windows-sockets-error-codes-2).
func isAddressInUse(err error) bool { return errors.Is(err, windows.WSAEADDRINUSE) }
