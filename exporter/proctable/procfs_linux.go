package proctable

import (
	"errors"
	"fmt"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// procfs reads files below one directory of /proc through buffers that it keeps. Files are
// opened relative to the directory, which spares the kernel a walk, and by system calls
// made here, since the packages above them allocate for every path.
type procfs struct {
	dir   int    // descriptor of /proc
	path  []byte // "PID/name\x00" of the last call
	names []byte // of entries of a directory, as getdents64 writes them
	text  []byte // of a file
}

func openProcfs(root string) (*procfs, error) {
	dir, err := unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", root, err)
	}
	return &procfs{dir: dir, path: make([]byte, 0, 64), names: make([]byte, 16<<10), text: make([]byte, 4<<10)}, nil
}

func (p *procfs) close() error { return unix.Close(p.dir) }

// pids appends the pid of every process to pids.
func (p *procfs) pids(pids []uint32) ([]uint32, error) {
	if _, err := unix.Seek(p.dir, 0, unix.SEEK_SET); err != nil {
		return nil, fmt.Errorf("rewind /proc: %w", err)
	}
	err := p.entries(p.dir, func(name []byte) {
		if pid, ok := parsePID(name); ok {
			pids = append(pids, pid)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("list /proc: %w", err)
	}
	return pids, nil
}

// entries calls f with the name of each entry of a directory
// (struct linux_dirent64, https://man7.org/linux/man-pages/man2/getdents.2.html).
func (p *procfs) entries(dir int, f func(name []byte)) error {
	const lengthAt, nameAt = 16, 19
	for {
		n, err := unix.Getdents(dir, p.names)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return err
		}
		for rest := p.names[:n]; len(rest) > nameAt; {
			size := int(*(*uint16)(unsafe.Pointer(&rest[lengthAt])))
			if size <= nameAt || size > len(rest) {
				return fmt.Errorf("an entry of %d bytes in the %d that are left", size, len(rest))
			}
			name := rest[nameAt:size]
			for i, c := range name {
				if c == 0 {
					name = name[:i]
					break
				}
			}
			f(name)
			rest = rest[size:]
		}
	}
}

func parsePID(name []byte) (uint32, bool) {
	var pid uint32
	for _, c := range name {
		if c-'0' > 9 {
			return 0, false
		}
		pid = pid*10 + uint32(c-'0')
	}
	return pid, len(name) > 0 && len(name) < 10
}

// name makes path the NUL-terminated "pid/file".
func (p *procfs) name(pid uint32, file string) {
	p.path = strconv.AppendUint(p.path[:0], uint64(pid), 10)
	p.path = append(p.path, '/')
	p.path = append(p.path, file...)
	p.path = append(p.path, 0)
}

// openFile opens pid's file for reading.
func (p *procfs) openFile(pid uint32, file string) (int, error) {
	p.name(pid, file)
	for {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(p.dir), uintptr(unsafe.Pointer(&p.path[0])), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
		if errno == 0 {
			return int(fd), nil
		}
		if errno != unix.EINTR {
			return -1, errno
		}
	}
}

// readShort returns what one read of pid's file gives. The kernel makes these files at the
// first read and gives them whole if they fit. The bytes are valid until the next call.
func (p *procfs) readShort(pid uint32, file string) ([]byte, error) {
	fd, err := p.openFile(pid, file)
	if err != nil {
		return nil, err
	}
	n, err := readRetrying(fd, p.text)
	unix.Close(fd)
	if err != nil {
		return nil, err
	}
	return p.text[:n], nil
}

// readOpen returns what one read from the start of an open file gives, likewise.
func (p *procfs) readOpen(fd int) ([]byte, error) {
	for {
		n, err := unix.Pread(fd, p.text, 0)
		if err == nil {
			return p.text[:n], nil
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, err
		}
	}
}

// readLong returns pid's file to its end or to limit bytes, likewise.
func (p *procfs) readLong(pid uint32, file string, limit int) ([]byte, error) {
	fd, err := p.openFile(pid, file)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	length := 0
	for length < limit {
		if length == len(p.text) {
			p.text = append(p.text, make([]byte, len(p.text))...)
		}
		n, err := readRetrying(fd, p.text[length:min(len(p.text), limit)])
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		length += n
	}
	return p.text[:length], nil
}

func readRetrying(fd int, b []byte) (int, error) {
	for {
		n, err := unix.Read(fd, b)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// link returns where pid's symbolic link points to.
func (p *procfs) link(pid uint32, file string) (string, error) {
	p.name(pid, file)
	n, err := unix.Readlinkat(p.dir, unix.ByteSliceToString(p.path), p.text)
	if err != nil {
		return "", err
	}
	return string(p.text[:n]), nil
}

// size returns what statx says of the size of pid's file
// (https://man7.org/linux/man-pages/man2/statx.2.html).
func (p *procfs) size(pid uint32, file string) (uint64, error) {
	p.name(pid, file)
	var st unix.Statx_t
	_, _, errno := unix.Syscall6(unix.SYS_STATX, uintptr(p.dir), uintptr(unsafe.Pointer(&p.path[0])), unix.AT_STATX_DONT_SYNC, unix.STATX_SIZE, uintptr(unsafe.Pointer(&st)), 0)
	if errno != 0 {
		return 0, errno
	}
	return st.Size, nil
}

// count returns how many entries pid's directory has.
func (p *procfs) count(pid uint32, file string) (int, error) {
	fd, err := p.openFile(pid, file)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	n := 0
	err = p.entries(fd, func(name []byte) {
		if string(name) != "." && string(name) != ".." {
			n++
		}
	})
	return n, err
}
