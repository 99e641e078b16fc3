package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
	"golang.org/x/sys/windows/svc/eventlog"
)

// What has to be known across the steps of an installation, which may end with a restart of
// the host, stands in the registry.
const (
	ours    = `SOFTWARE\procmon`
	ourKey  = ours + `\exporter`
	stepKey = ourKey + `\setup`

	begin          = "begin"    // when the installation began
	wasRunning     = "running"  // the service ran before
	wasMade        = "made"     // there was no service before
	hadCommandLine = "command"  // the service's command line before
	ownsRule       = "firewall" // we made the rule: ever, or now
)

// longestUpgrade is how long after its begin an upgrade may remove the older package. A mark
// that a crash has left means nothing afterwards.
const longestUpgrade = 15 * time.Minute

func keep(name, value string) error { return set(stepKey, name, value) }

func set(path, name, value string) error {
	key, _, err := registry.CreateKey(registry.LOCAL_MACHINE, path, registry.SET_VALUE)
	if err != nil {
		return fmt.Errorf(`create HKLM\%s: %w`, path, err)
	}
	defer key.Close()
	if err := key.SetStringValue(name, value); err != nil {
		return fmt.Errorf(`set HKLM\%s %s: %w`, path, name, err)
	}
	return nil
}

func recall(name string) string { return get(stepKey, name) }

func get(path, name string) string {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, path, registry.QUERY_VALUE)
	if err != nil {
		return ""
	}
	defer key.Close()
	value, _, err := key.GetStringValue(name)
	if err != nil {
		return ""
	}
	return value
}

// forget ends an installation.
func forget() error {
	if err := deleteKey(stepKey); err != nil {
		return err
	}
	return deleteEmpty(ourKey, ours)
}

// forgetAll leaves nothing of ours in the registry.
func forgetAll() error {
	for _, path := range []string{stepKey, ourKey} {
		if err := deleteKey(path); err != nil {
			return err
		}
	}
	return deleteEmpty(ours)
}

// deleteEmpty deletes keys, as far as they hold nothing.
func deleteEmpty(paths ...string) error {
	for _, path := range paths {
		key, err := registry.OpenKey(registry.LOCAL_MACHINE, path, registry.QUERY_VALUE|registry.ENUMERATE_SUB_KEYS)
		if err != nil {
			return nil // it is not there
		}
		info, err := key.Stat()
		key.Close()
		if err != nil || info.SubKeyCount > 0 || info.ValueCount > 0 {
			return err
		}
		if err := deleteKey(path); err != nil {
			return err
		}
	}
	return nil
}

func deleteKey(path string) error {
	err := registry.DeleteKey(registry.LOCAL_MACHINE, path)
	if err != nil && !errors.Is(err, registry.ErrNotExist) {
		return fmt.Errorf(`delete HKLM\%s: %w`, path, err)
	}
	return nil
}

const ruleName = "procmon exporter"

// openFirewall lets everybody reach the program, whatever it listens on
// (https://learn.microsoft.com/en-us/troubleshoot/windows-server/networking/netsh-advfirewall-firewall-control-firewall-behavior).
func openFirewall(program string) error {
	if get(ourKey, ownsRule) != "" {
		return nil
	}
	for _, path := range []string{stepKey, ourKey} {
		if err := set(path, ownsRule, "1"); err != nil {
			return err
		}
	}
	return netsh("add rule", program, "dir=in", "action=allow", "protocol=TCP")
}

// closeFirewall takes the rule away that openFirewall made, and no other.
func closeFirewall(program string) error {
	if get(ourKey, ownsRule) == "" {
		return nil
	}
	if err := netsh("delete rule", program); err != nil {
		return err
	}
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, ourKey, registry.SET_VALUE)
	if err != nil {
		return fmt.Errorf(`open HKLM\%s: %w`, ourKey, err)
	}
	defer key.Close()
	return key.DeleteValue(ownsRule)
}

func netsh(verb, program string, settings ...string) error {
	system, err := windows.GetSystemDirectory()
	if err != nil {
		return fmt.Errorf("find the system's folder: %w", err)
	}
	path := filepath.Join(system, "netsh.exe")
	ctx, cancel := context.WithTimeout(context.Background(), longestRun)
	defer cancel()
	cmd := exec.CommandContext(ctx, path)
	// netsh wants the quotes within its arguments, which exec would not write.
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: fmt.Sprintf(`"%s" advfirewall firewall %s name="%s" program="%s" %s`, path, verb, ruleName, program, strings.Join(settings, " "))}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("netsh %s: %w: %s", verb, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// report writes to the event log: Windows Installer's own log has no place for what a program
// says. It does its best, the error is returned as well.
func report(problem error) {
	log, err := eventlog.Open(service)
	if err != nil {
		return
	}
	defer log.Close()
	_ = log.Error(1, "installation: "+problem.Error())
}
