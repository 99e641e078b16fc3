//go:build amd64 || arm64

package proctable

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/procmon/procmon"
)

// osTable asks for the whole table with one NtQuerySystemInformation
// (https://learn.microsoft.com/en-us/windows/win32/api/winternl/nf-winternl-ntquerysysteminformation),
// and opens a process once in its life: for its command line, path and user. A process
// that was first seen in its first two seconds may not have its command line yet, and is
// opened once more. The process table needs no privilege; what OpenProcess is denied is
// unknown.
type osTable struct {
	redact  func(cmdline string) string
	buffer  []byte // of the table
	text    []byte // of a command line or path
	users   map[string]procmon.Opt[string]
	reading uint64 // number of this reading
	known   map[uint32]*identity
}

// identity is what is remembered of a process from one reading to the next.
type identity struct {
	process procmon.Process // its static facts
	created int64
	reading uint64 // in which it was last seen
	young   bool   // its static facts were read in its first seconds
}

// settlement is the age at which a process is taken to be what it will be.
const settlement = 2 * time.Second

func (t *osTable) open(o Options) error {
	*t = osTable{
		redact: o.Redact,
		buffer: make([]byte, 256<<10),
		text:   make([]byte, unicodeStringSize+1<<16), // the longest UNICODE_STRING with its header
		users:  map[string]procmon.Opt[string]{},
		known:  map[uint32]*identity{},
	}
	return nil
}

func (t *osTable) close() error { return nil }

// bootTime is unknown here: Windows dates processes by its clock, not by its boot.
func (t *osTable) bootTime() procmon.Opt[time.Time] { return procmon.Opt[time.Time]{} }

func (t *osTable) read(rows *Rows) error {
	t.reading++
	table, err := t.query()
	if err != nil {
		return err
	}
	now := time.Now()
	base := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(table))))
	err = eachNTProcess(table, base, func(p *ntProcess) {
		id := t.identify(p, now)
		id.reading = t.reading
		row, detail := rows.add()
		*row = id.process
		p.fill(row, detail)
	})
	if err != nil {
		return fmt.Errorf("NtQuerySystemInformation: %w", err)
	}
	if len(t.known) > len(rows.Processes) {
		for pid, id := range t.known {
			if id.reading != t.reading {
				delete(t.known, pid)
			}
		}
	}
	return nil
}

// query returns the table of all processes, in a buffer that grows as they do.
func (t *osTable) query() ([]byte, error) {
	const largest = 256 << 20 // bytes: some 100,000 processes with ten threads each
	for {
		var needed uint32
		err := windows.NtQuerySystemInformation(windows.SystemProcessInformation, unsafe.Pointer(&t.buffer[0]), uint32(len(t.buffer)), &needed)
		if err == nil {
			if needed == 0 || int64(needed) > int64(len(t.buffer)) {
				return t.buffer, nil
			}
			return t.buffer[:needed], nil
		}
		if !errors.Is(err, windows.STATUS_INFO_LENGTH_MISMATCH) {
			return nil, fmt.Errorf("NtQuerySystemInformation: %w", err)
		}
		grown := max(int(needed)+int(needed)/4, 2*len(t.buffer)) // more may have started meanwhile
		if grown > largest {
			return nil, fmt.Errorf("NtQuerySystemInformation: the table of processes needs %d bytes; at most %d are allowed", needed, largest)
		}
		t.buffer = make([]byte, grown)
	}
}

// identify returns what is known of p, after reading what is not known yet.
func (t *osTable) identify(p *ntProcess, now time.Time) *identity {
	id, ok := t.known[p.pid]
	if !ok || id.created != p.created {
		id = &identity{created: p.created}
		id.process.Name = p.imageName()
		t.known[p.pid] = id
		id.young = t.readStatic(id, p, now)
	} else if id.young && old(p, now) {
		id.young = t.readStatic(id, p, now)
	}
	return id
}

func old(p *ntProcess, now time.Time) bool {
	created := filetime(p.created)
	return !created.Known || now.Sub(created.Value) >= settlement
}

// readStatic reads the static facts of a process that are not in the table, and reports
// whether it is so young that they may still change.
func (t *osTable) readStatic(id *identity, p *ntProcess, now time.Time) (young bool) {
	if p.pid == idlePID {
		return false
	}
	facts := &id.process
	facts.Exe, facts.Cmdline, facts.Username = procmon.Opt[string]{}, procmon.Opt[string]{}, procmon.Opt[string]{}
	// https://learn.microsoft.com/en-us/windows/win32/api/processthreadsapi/nf-processthreadsapi-openprocess
	handle, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, p.pid)
	if err != nil {
		return !old(p, now)
	}
	defer windows.CloseHandle(handle)
	if !isCreated(handle, p.created) {
		return true // it has ended, and another process has its pid
	}
	facts.Exe = t.imagePath(handle)
	facts.Username = t.user(handle)
	if facts.Cmdline = t.commandLine(handle, p.pid); facts.Cmdline.Known {
		facts.Cmdline.Value = t.redact(facts.Cmdline.Value)
	}
	return !old(p, now)
}

// isCreated reports whether a process is the one that was created then
// (https://learn.microsoft.com/en-us/windows/win32/api/processthreadsapi/nf-processthreadsapi-getprocesstimes).
func isCreated(process windows.Handle, then int64) bool {
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(process, &created, &exited, &kernel, &user); err != nil {
		return false
	}
	return int64(created.HighDateTime)<<32|int64(created.LowDateTime) == then
}

// imagePath returns the path of a process's program
// (https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-queryfullprocessimagenamew).
func (t *osTable) imagePath(process windows.Handle) procmon.Opt[string] {
	length := uint32(len(t.text) / 2) // UTF-16 units
	if err := windows.QueryFullProcessImageName(process, 0, (*uint16)(unsafe.Pointer(&t.text[0])), &length); err != nil || length == 0 {
		return procmon.Opt[string]{}
	}
	return procmon.Some(decodeUTF16(t.text[:2*length]))
}

// user returns the user of a process as DOMAIN\name, or the SID of one without a name.
func (t *osTable) user(process windows.Handle) procmon.Opt[string] {
	// https://learn.microsoft.com/en-us/windows/win32/api/processthreadsapi/nf-processthreadsapi-openprocesstoken
	var token windows.Token
	if err := windows.OpenProcessToken(process, windows.TOKEN_QUERY, &token); err != nil {
		return procmon.Opt[string]{}
	}
	defer token.Close()
	user, err := token.GetTokenUser()
	if err != nil {
		return procmon.Opt[string]{}
	}
	sid := user.User.Sid.String()
	name, ok := t.users[sid]
	if !ok {
		name = procmon.Opt[string]{Value: clean(sid), Known: sid != ""}
		// https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-lookupaccountsidw
		if account, domain, _, err := user.User.Sid.LookupAccount(""); err == nil {
			if domain != "" {
				account = domain + `\` + account
			}
			name = procmon.Some(clean(account))
		}
		const usersKept = 4096
		if len(t.users) >= usersKept {
			clear(t.users)
		}
		t.users[sid] = name
	}
	return name
}
