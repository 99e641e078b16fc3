//go:build amd64 || arm64

package proctable

import (
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/procmon/procmon"
)

// tokenFacts sets what a process's token says: on whose behalf it runs, and with what rights
// (https://learn.microsoft.com/en-us/windows/win32/api/processthreadsapi/nf-processthreadsapi-openprocesstoken).
func (h *ntHost) tokenFacts(process windows.Handle, facts *ntFacts) {
	var token windows.Token
	if err := windows.OpenProcessToken(process, windows.TOKEN_QUERY, &token); err != nil {
		return
	}
	defer token.Close()
	facts.Username, facts.Integrity, facts.Elevated = h.user(token), integrity(token), elevated(token)
}

// user returns the user of a token as DOMAIN\name, or the SID of one without a name.
func (h *ntHost) user(token windows.Token) procmon.Opt[string] {
	user, err := token.GetTokenUser()
	if err != nil {
		return procmon.Opt[string]{}
	}
	sid := user.User.Sid.String()
	name, ok := h.users[sid]
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
		if len(h.users) >= usersKept {
			clear(h.users)
		}
		h.users[sid] = name
	}
	return name
}

// integrity returns the level in a token's TOKEN_MANDATORY_LABEL
// (https://learn.microsoft.com/en-us/windows/win32/api/winnt/ns-winnt-token_mandatory_label).
func integrity(token windows.Token) procmon.Opt[procmon.Integrity] {
	const longestSID = 68 // bytes, SECURITY_MAX_SID_SIZE
	var label struct {
		windows.Tokenmandatorylabel
		_ [longestSID]byte // where its Sid points to
	}
	var length uint32
	err := windows.GetTokenInformation(token, windows.TokenIntegrityLevel, (*byte)(unsafe.Pointer(&label)), uint32(unsafe.Sizeof(label)), &length)
	if err != nil || label.Label.Sid == nil || label.Label.Sid.SubAuthorityCount() == 0 {
		return procmon.Opt[procmon.Integrity]{}
	}
	sid := label.Label.Sid
	return procmon.Some(integrityLevel(sid.SubAuthority(uint32(sid.SubAuthorityCount()) - 1)))
}

// elevated returns what TOKEN_ELEVATION says
// (https://learn.microsoft.com/en-us/windows/win32/api/winnt/ns-winnt-token_elevation).
func elevated(token windows.Token) procmon.Opt[bool] {
	var is, length uint32
	err := windows.GetTokenInformation(token, windows.TokenElevation, (*byte)(unsafe.Pointer(&is)), uint32(unsafe.Sizeof(is)), &length)
	return procmon.Opt[bool]{Value: is != 0, Known: err == nil}
}
