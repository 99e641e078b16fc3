package hostfacts

// For tests: what is Windows', but not asked of it.
var (
	WindowsName     = windowsName
	CountCores      = countCores
	FiletimeSeconds = filetimeSeconds
)
