package winsvc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"
)

// protect makes the service's directories and lets only those in who need them.
func (c Config) protect(account string) error {
	sid, err := sidOf(account)
	if err != nil {
		return err
	}
	if c.Directory == "" {
		return nil
	}
	if err := protect(c.Directory, descriptor(sid, accessRead)); err != nil {
		return err
	}
	if c.Spool == "" {
		return nil
	}
	return protect(c.Spool, descriptor(sid, accessWrite))
}

// Protect makes a directory that only SYSTEM and administrators can use, with all that is in
// it. What is there keeps its content.
func Protect(directory string) error { return protect(directory, descriptor("", accessRead)) }

// sidOf returns the SID of an account; "" is SYSTEM's
// (https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-lookupaccountnamew).
func sidOf(account string) (string, error) {
	if account == "" || strings.EqualFold(account, LocalSystem) {
		return "", nil
	}
	name := account
	if rest, ok := strings.CutPrefix(name, `.\`); ok {
		name = rest // of this machine
	}
	sid, _, _, err := windows.LookupSID("", name)
	if err != nil {
		return "", fmt.Errorf("find the account %q: %w", account, err)
	}
	return sid.String(), nil
}

// protect sets the descriptor on a directory and all that is in it. C:\ProgramData lets every
// user make directories: what somebody else has made is taken over, links are refused.
func protect(directory, sddl string) error {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return fmt.Errorf("make the directory: %w", err)
	}
	d, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return fmt.Errorf("protect %s: %w", directory, err)
	}
	owner, _, err := d.Owner()
	if err != nil {
		return fmt.Errorf("protect %s: %w", directory, err)
	}
	dacl, _, err := d.DACL()
	if err != nil {
		return fmt.Errorf("protect %s: %w", directory, err)
	}
	return filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("protect %s: %w", directory, err)
		}
		if !entry.IsDir() && !entry.Type().IsRegular() {
			return fmt.Errorf("%s is neither a file nor a directory; remove it", path)
		}
		// https://learn.microsoft.com/en-us/windows/win32/api/aclapi/nf-aclapi-setnamedsecurityinfow
		err = windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
			windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, owner, nil, dacl, nil)
		if err != nil {
			return fmt.Errorf("protect %s: %w", path, explained(err))
		}
		return nil
	})
}

// RemoveAll removes a directory and all that is in it.
func RemoveAll(directory string) error {
	var all []string
	err := filepath.WalkDir(directory, func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for i := len(all) - 1; i >= 0 && err == nil; i-- {
		err = os.Remove(all[i])
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", directory, err)
	}
	return nil
}
