package proctable

import (
	"os/user"
	"strconv"
	"time"
)

// userNames remembers the names of users. The zero value is empty and ready.
type userNames struct {
	names map[uint32]string
	since time.Time
}

const (
	namesKept = 4096 // users
	namesFor  = 10 * time.Minute
)

// lookup returns the name of a user, or the uid in digits for one without a name, as ps
// shows it.
func (u *userNames) lookup(uid uint32) string {
	if now := time.Now(); u.names == nil || len(u.names) >= namesKept || now.Sub(u.since) > namesFor {
		u.names, u.since = map[uint32]string{}, now
	}
	name, ok := u.names[uid]
	if !ok {
		name = strconv.FormatUint(uint64(uid), 10)
		if found, err := user.LookupId(name); err == nil {
			name = clean(found.Username)
		}
		u.names[uid] = name
	}
	return name
}
