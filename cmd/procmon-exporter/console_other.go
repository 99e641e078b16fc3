//go:build !windows

package main

// ownConsole is about Windows' consoles.
func ownConsole() bool { return false }
