package winsvc

import "strings"

// access is what an account may do with a directory and all that is in it.
type access string

// Rights in the words of SDDL
// (https://learn.microsoft.com/en-us/windows/win32/secauthz/ace-strings).
const (
	accessRead  access = "0x1200a9" // FILE_GENERIC_READ | FILE_GENERIC_EXECUTE
	accessWrite access = "0x1301bf" // and FILE_GENERIC_WRITE | DELETE
)

// descriptor returns who may use a directory: SYSTEM and administrators all of it, the account
// with that SID as told, and nobody else, whatever its parent says. sid may be empty.
func descriptor(sid string, may access) string {
	const everything = "O:BAG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
	if sid == "" || sid == sidSystem {
		return everything
	}
	return everything + "(A;OICI;" + string(may) + ";;;" + sid + ")"
}

// Well-known SIDs
// (https://learn.microsoft.com/en-us/windows-server/identity/ad-ds/manage/understand-security-identifiers).
const (
	sidSystem             = "S-1-5-18"
	sidEveryone           = "S-1-1-0"
	sidAuthenticatedUsers = "S-1-5-11"
	sidUsers              = "S-1-5-32-545"
	sidGuests             = "S-1-5-32-546"
	sidInteractive        = "S-1-5-4"
)

// isEverybody reports whether a SID stands for whoever uses the machine.
func isEverybody(sid string) bool {
	switch sid {
	case sidEveryone, sidAuthenticatedUsers, sidUsers, sidGuests, sidInteractive:
		return true
	}
	return strings.HasPrefix(sid, "S-1-5-21-") && strings.HasSuffix(sid, "-513") // Domain Users
}
