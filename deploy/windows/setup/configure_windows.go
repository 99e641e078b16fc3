package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc/eventlog"
)

func queryStatus(handle windows.Handle, status *windows.SERVICE_STATUS_PROCESS) error {
	var needed uint32
	return windows.QueryServiceStatusEx(handle, windows.SC_STATUS_PROCESS_INFO, (*byte)(unsafe.Pointer(status)), uint32(unsafe.Sizeof(*status)), &needed)
}

// configure makes the service with the flags, or changes these flags of the one there is and
// nothing else of it.
func configure(program string, changes []change) error {
	handle, done, err := open(windows.SERVICE_QUERY_CONFIG | windows.SERVICE_CHANGE_CONFIG)
	if err != nil {
		return err
	}
	defer done()
	if handle == 0 {
		if err := keep(wasMade, "1"); err != nil {
			return err
		}
		return exporter(program, append([]string{"service", "install"}, apply(nil, changes)...)...)
	}
	before, err := commandLine(handle)
	if err != nil {
		return err
	}
	args, err := windows.DecomposeCommandLine(before)
	if err != nil || len(args) == 0 {
		return fmt.Errorf("service %s: its command line %q cannot be read: %w", service, before, err)
	}
	if len(changes) == 0 && strings.EqualFold(args[0], program) {
		return nil
	}
	after := apply(args[1:], changes)
	if len(changes) > 0 {
		if err := check(program, after); err != nil {
			return err
		}
	}
	if err := keep(hadCommandLine, before); err != nil {
		return err
	}
	return setCommandLine(handle, windows.ComposeCommandLine(append([]string{program}, after...)))
}

// check asks the program whether it would start with these arguments. A service that is
// stopped would tell only when it is started.
func check(program string, args []string) error {
	data, err := dataFolder()
	if err != nil {
		return err
	}
	_, err = os.Stat(filepath.Join(data, "exporter.yaml"))
	return exporter(program, checkArguments(args, err == nil)...)
}

// restore undoes configure and openFirewall.
func restore(program string) error {
	if recall(ownsRule) != "" {
		if err := closeFirewall(program); err != nil {
			report(err)
		}
	}
	if recall(wasMade) != "" {
		return removeAll(program)
	}
	handle, done, err := open(windows.SERVICE_STOP | windows.SERVICE_CHANGE_CONFIG)
	if err != nil || handle == 0 {
		return err
	}
	defer done()
	// It may run already: the older program comes back into its place after this.
	var status windows.SERVICE_STATUS_PROCESS
	if err := query(handle, &status); err != nil {
		return err
	}
	if status.CurrentState != windows.SERVICE_STOPPED {
		if err := stop(handle, &status); err != nil {
			return err
		}
	}
	if before := recall(hadCommandLine); before != "" {
		return setCommandLine(handle, before)
	}
	return nil
}

// longestRun is how long a program may run that we wait for.
const longestRun = 2 * time.Minute

// exporter runs the installed program to its end. What it says on stderr is the error.
func exporter(program string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), longestRun)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err == nil {
		return nil
	}
	if text := strings.TrimSpace(string(out)); text != "" {
		return errors.New(text)
	}
	return fmt.Errorf("%s %s: %w", program, strings.Join(args, " "), err)
}

// remove takes the service away, unless an upgrade removes the older package now. Windows
// Installer tells a package about that (UPGRADINGPRODUCTCODE), Wine does not.
func remove(program string) error {
	if begun, err := time.Parse(time.RFC3339, recall(begin)); err == nil && time.Since(begun).Abs() < longestUpgrade {
		return nil
	}
	return removeAll(program)
}

// removeAll takes the service, its firewall rule and what we remember of it away. It does not
// need the program to work: what cannot run must be removable.
func removeAll(program string) error {
	if err := hold(); err != nil {
		return err
	}
	if handle, done, err := open(windows.DELETE); err != nil {
		return err
	} else if handle != 0 {
		done()
		if err := exporter(program, "service", "uninstall"); err != nil {
			report(err)
		}
	}
	if err := remains(); err != nil {
		return err
	}
	if err := closeFirewall(program); err != nil {
		report(err)
	}
	return forgetAll()
}

// remains deletes the service itself where the program did not.
func remains() error {
	handle, done, err := open(windows.DELETE)
	if err != nil || handle == 0 {
		return err
	}
	defer done()
	if err := windows.DeleteService(handle); err != nil && !errors.Is(err, windows.ERROR_SERVICE_MARKED_FOR_DELETE) {
		return fmt.Errorf("delete service %s: %w", service, err)
	}
	_ = eventlog.Remove(service) // it may be gone
	return nil
}

// purge deletes the data. Links in it are removed, not followed.
func purge() error {
	data, err := dataFolder()
	if err != nil {
		return err
	}
	return deleteTree(data)
}

func dataFolder() (string, error) {
	data, err := windows.KnownFolderPath(windows.FOLDERID_ProgramData, 0)
	if err != nil {
		return "", fmt.Errorf("find the folder of programs' data: %w", err)
	}
	return filepath.Join(data, "procmon"), nil
}

// deleteTree deletes bottom-up, with calls that every file system knows.
func deleteTree(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if err := deleteTree(filepath.Join(path, entry.Name())); err != nil {
				return err
			}
		}
	}
	return os.Remove(path)
}

// commandLine reads the service's, with its program
// (https://learn.microsoft.com/en-us/windows/win32/api/winsvc/nf-winsvc-queryserviceconfigw).
func commandLine(handle windows.Handle) (string, error) {
	size := uint32(8 << 10) // bytes, the most that a configuration has
	buffer := make([]byte, size)
	config := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(unsafe.SliceData(buffer)))
	if err := windows.QueryServiceConfig(handle, config, size, &size); err != nil {
		return "", fmt.Errorf("read the configuration of service %s: %w", service, err)
	}
	return windows.UTF16PtrToString(config.BinaryPathName), nil
}

// setCommandLine changes nothing else: not the start type, the account or its password
// (https://learn.microsoft.com/en-us/windows/win32/api/winsvc/nf-winsvc-changeserviceconfigw).
func setCommandLine(handle windows.Handle, line string) error {
	text, err := windows.UTF16PtrFromString(line)
	if err != nil {
		return err
	}
	if err := windows.ChangeServiceConfig(handle, windows.SERVICE_NO_CHANGE, windows.SERVICE_NO_CHANGE, windows.SERVICE_NO_CHANGE, text, nil, nil, nil, nil, nil, nil); err != nil {
		return fmt.Errorf("change the arguments of service %s: %w", service, err)
	}
	return nil
}
