package events

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// connector listens to the kernel's proc connector
// (https://www.kernel.org/doc/html/latest/driver-api/connector.html). The kernel answers
// programs in its first pid, user and network namespace, and before Linux 6.6 those alone
// that have CAP_NET_ADMIN.
type connector struct {
	socket *os.File
	conn   syscall.RawConn
	buffer []byte
	forks  *forks
	losses lossLog
	drops  uint32 // that the socket had counted when last asked
}

const (
	listen = 1 // PROC_CN_MCAST_LISTEN
	ignore = 2 // PROC_CN_MCAST_IGNORE

	// receiveBuffer is memory that the kernel uses when events come faster than they are
	// read: of some 10,000 of them, in bytes.
	receiveBuffer = 8 << 20
	// messageSize is more than any message has, in bytes.
	messageSize = 4 << 10
)

func openSource(o Options, j *journal) (source, error) {
	if !o.BootTime.Known {
		return nil, errors.New("open the proc connector: the time of boot is not known")
	}
	forks, err := openForks(j, o.BootTime.Value)
	if err != nil {
		return nil, err
	}
	c := &connector{buffer: make([]byte, messageSize), forks: forks, losses: lossLog{log: o.Logger}}
	if err := c.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the proc connector: %w", err), forks.proc.close())
	}
	return c, nil
}

// open begins to listen, and waits for the kernel to say that it heard.
func (c *connector) open() error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
	if err != nil {
		return fmt.Errorf("this kernel has none: %w", err)
	}
	c.socket = os.NewFile(uintptr(fd), "proc connector")
	if err := c.prepare(fd); err != nil {
		return errors.Join(err, c.socket.Close())
	}
	if c.conn, err = c.socket.SyscallConn(); err == nil {
		err = c.ask(listen)
	}
	if err == nil {
		err = c.awaitAnswer()
	}
	if err != nil {
		return errors.Join(err, c.socket.Close())
	}
	return nil
}

func (c *connector) prepare(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer); err != nil {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer); err != nil {
			return fmt.Errorf("set its buffer: %w", err)
		}
	}
	filter := threadFilter()
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}); err != nil {
		return fmt.Errorf("set its filter: %w", err)
	}
	err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: connectorIndexProc})
	if errors.Is(err, unix.EPERM) {
		return errors.New("it needs CAP_NET_ADMIN on this kernel")
	}
	return err
}

// threadFilter keeps threads that come and go, and events of other kinds, from waking us
// (https://www.kernel.org/doc/html/latest/networking/filter.html). The filter reads big
// endian numbers, and the kernel writes those of the host.
func threadFilter() []unix.SockFilter {
	const all = 1 << 18
	word := func(n uint32) uint32 {
		var b [4]byte
		binary.NativeEndian.PutUint32(b[:], n)
		return binary.BigEndian.Uint32(b[:])
	}
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	is := func(n uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: word(n), Jt: yes, Jf: no}
	}
	keep := unix.SockFilter{Code: unix.BPF_MISC | unix.BPF_TAX}
	same := func(yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_X, Jt: yes, Jf: no}
	}
	give := func(bytes uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: bytes}
	}
	return []unix.SockFilter{
		load(whatAt),
		is(connectorAnswer, 11, 0),
		is(connectorExec, 10, 0),
		is(connectorFork, 1, 0),
		is(connectorExit, 4, 9),
		load(dataAt + 8), // of a fork: the child's thread and process
		keep,
		load(dataAt + 12),
		same(4, 5),
		load(dataAt), // of an exit: thread and process
		keep,
		load(dataAt + 4),
		same(0, 1),
		give(all),
		give(0),
	}
}

// ask sends an operation to the kernel.
func (c *connector) ask(operation uint32) error {
	const size = whatAt + 4
	order := binary.NativeEndian
	var message [size]byte
	order.PutUint32(message[0:], size)
	order.PutUint16(message[4:], unix.NLMSG_DONE)
	order.PutUint32(message[12:], uint32(os.Getpid()))
	order.PutUint32(message[netlinkHeaderSize:], connectorIndexProc)
	order.PutUint32(message[netlinkHeaderSize+4:], connectorValueProc)
	order.PutUint32(message[connectorAckAt:], uint32(os.Getpid())) // tells our answer from others'
	order.PutUint16(message[connectorLengthAt:], 4)
	order.PutUint32(message[whatAt:], operation)
	var sent error
	err := c.conn.Write(func(fd uintptr) bool {
		sent = unix.Sendto(int(fd), message[:], 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		return !errors.Is(sent, unix.EAGAIN)
	})
	if errors.Is(sent, unix.ECONNREFUSED) {
		return errors.New("it answers in the host's network namespace alone")
	}
	return errors.Join(err, sent)
}

func (c *connector) awaitAnswer() error {
	const patience = time.Second
	if err := c.socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for answered := false; !answered; {
		message, err := c.receive()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return errors.New("it does not answer: it does in the host's pid and user namespaces alone")
		}
		if err != nil && !errors.Is(err, unix.ENOBUFS) {
			return err
		}
		var refused error
		_ = parseConnector(message, func(e *connectorEvent) {
			if e.what != connectorAnswer || e.ack != uint32(os.Getpid())+1 {
				return
			}
			answered = true
			if errno := unix.Errno(e.status); errno == unix.EPERM {
				refused = errors.New("it needs CAP_NET_ADMIN on this kernel")
			} else if errno != 0 {
				refused = errno
			}
		})
		if refused != nil {
			return refused
		}
	}
	return c.socket.SetReadDeadline(time.Time{})
}

// receive returns a message of the kernel's, valid until the next call. What others sent is
// empty.
func (c *connector) receive() ([]byte, error) {
	var n uintptr
	var errno unix.Errno
	var from unix.RawSockaddrNetlink
	err := c.conn.Read(func(fd uintptr) bool {
		size := uint32(unix.SizeofSockaddrNetlink)
		n, _, errno = unix.Syscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&c.buffer[0])), uintptr(len(c.buffer)),
			unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&from)), uintptr(unsafe.Pointer(&size)))
		return errno != unix.EAGAIN
	})
	switch {
	case err != nil:
		return nil, err
	case errno == unix.EINTR || errno == 0 && from.Pid != 0:
		return nil, nil
	case errno != 0:
		return nil, errno
	}
	return c.buffer[:n], nil
}

func (c *connector) run() error {
	defer c.forks.end()
	for {
		message, err := c.receive()
		switch {
		case err == nil:
			c.handle(message)
		case errors.Is(err, unix.ENOBUFS):
			c.lost()
		case errors.Is(err, fs.ErrClosed):
			return nil
		default:
			return fmt.Errorf("read the proc connector: %w", err)
		}
	}
}

func (c *connector) handle(message []byte) {
	j := c.forks.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := parseConnector(message, c.forks.handle); err != nil {
		j.stats.Errors++
	}
}

// lost counts what the socket had no room for (SO_MEMINFO tells struct sk_meminfo,
// https://github.com/torvalds/linux/blob/master/include/uapi/linux/sock_diag.h).
func (c *connector) lost() {
	const dropsAt = 8 // SK_MEMINFO_DROPS
	lost := uint64(1)
	_ = c.conn.Control(func(fd uintptr) {
		var info [9]uint32
		size := uint32(unsafe.Sizeof(info))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		if drops := info[dropsAt]; errno == 0 && drops != c.drops {
			lost = uint64(drops - c.drops)
			c.drops = drops
		}
	})
	c.losses.add(lost, time.Now())
	j := c.forks.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stats.Lost += lost
	c.forks.missed = true
}

func (c *connector) settle() {
	c.losses.add(0, time.Now())
	c.forks.settle()
}

func (c *connector) close() error {
	// Kernels before 6.6 go on making events until the last listener says this.
	_ = c.ask(ignore)
	return c.socket.Close()
}
