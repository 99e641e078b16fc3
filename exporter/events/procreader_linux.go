package events

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/exporter/internal/procfile"
)

// procReader reads from /proc what a process is.
type procReader struct {
	root  int // descriptor of /proc
	text  []byte
	users map[uint32]string
	since time.Time // of users
}

const (
	usersKept = 4096
	usersFor  = 10 * time.Minute
	// longestLine is how much of a command line is read, so that redacting sees more of it
	// than is kept. In bytes.
	longestLine = 64 << 10
)

func openProcReader() (*procReader, error) {
	root, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /proc: %w", err)
	}
	return &procReader{root: root, text: make([]byte, 4<<10)}, nil
}

func (p *procReader) close() error { return unix.Close(p.root) }

// stat returns the stat of a process that there is.
func (p *procReader) stat(pid uint32) (procStat, bool) {
	line, err := p.read(p.root, strconv.FormatUint(uint64(pid), 10)+"/stat", len(p.text))
	if err != nil {
		return procStat{}, false
	}
	return parseProcStat(line)
}

// look returns the stat and the facts of a process. They are of one process even when
// another gets its pid meanwhile: a directory of /proc is of a process, not of a pid.
func (p *procReader) look(pid uint32) (procStat, Facts, bool) {
	dir, err := unix.Openat(p.root, strconv.FormatUint(uint64(pid), 10), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return procStat{}, Facts{}, false
	}
	defer unix.Close(dir)
	line, err := p.read(dir, "stat", len(p.text))
	if err != nil {
		return procStat{}, Facts{}, false
	}
	s, ok := parseProcStat(line)
	if !ok {
		return procStat{}, Facts{}, false
	}
	facts := Facts{Name: procmon.Some(s.comm)}
	if !s.ending {
		if args, err := p.read(dir, "cmdline", longestLine); err == nil {
			var line string
			facts.Name.Value, line = commandLine(s.comm, args)
			facts.Cmdline = procmon.Opt[string]{Value: line, Known: line != ""}
		}
		if n, err := unix.Readlinkat(dir, "exe", p.text); err == nil {
			facts.Exe = procmon.Some(string(p.text[:n]))
		}
	}
	if status, err := p.read(dir, "status", len(p.text)); err == nil {
		if uid, ok := procfile.RealUID(status); ok {
			facts.Username = procmon.Some(p.user(uid))
		}
	}
	return s, facts, true
}

// read returns a file to its end or to limit bytes, valid until the next call. The kernel
// fills what it is given while there is more.
func (p *procReader) read(dir int, name string, limit int) ([]byte, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	for length := 0; ; {
		room := p.text[length:min(len(p.text), limit)]
		n, err := unix.Read(fd, room)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		length += n
		if n < len(room) || length >= limit {
			return p.text[:length], nil
		}
		p.text = append(p.text, make([]byte, len(p.text))...)
	}
}

// user returns the name of a user, or the uid in digits for one without a name.
func (p *procReader) user(uid uint32) string {
	if now := time.Now(); p.users == nil || len(p.users) >= usersKept || now.Sub(p.since) > usersFor {
		p.users, p.since = map[uint32]string{}, now
	}
	name, ok := p.users[uid]
	if !ok {
		name = strconv.FormatUint(uint64(uid), 10)
		if found, err := user.LookupId(name); err == nil {
			name = found.Username
		}
		p.users[uid] = name
	}
	return name
}
