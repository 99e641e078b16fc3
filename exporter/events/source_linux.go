package events

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// connector listens to the kernel's proc connector
// (https://www.kernel.org/doc/html/latest/driver-api/connector.html). The kernel answers
// programs in its first pid, user and network namespace, and before Linux 6.6 those alone
// that have CAP_NET_ADMIN.
type connector struct {
	socket int // descriptor
	wake   int // descriptor of an eventfd that tells run to end
	ended  chan struct{}
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
	// haste is the nice value of the thread that listens, where it may have it: it sleeps
	// nearly always, and what ends soon has to be looked at now.
	haste = -10
)

func openSource(o Options, j *journal) (source, error) {
	if !o.BootTime.Known {
		return nil, errors.New("open the proc connector: the time of boot is not known")
	}
	forks, err := openForks(j, o.BootTime.Value)
	if err != nil {
		return nil, err
	}
	c := &connector{socket: -1, wake: -1, ended: make(chan struct{}), buffer: make([]byte, messageSize), forks: forks, losses: lossLog{log: o.Logger}}
	if err := c.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the proc connector: %w", err), c.free(), forks.proc.close())
	}
	return c, nil
}

// open begins to listen, and waits for the kernel to say that it heard.
func (c *connector) open() error {
	var err error
	if c.socket, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR); err != nil {
		return fmt.Errorf("this kernel has none: %w", err)
	}
	if c.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	if err := c.prepare(c.socket); err != nil {
		return err
	}
	if err := c.ask(listen); err != nil {
		return err
	}
	return c.awaitAnswer()
}

// free closes the descriptors that are open.
func (c *connector) free() error {
	var errs []error
	for _, fd := range []int{c.socket, c.wake} {
		if fd >= 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	return errors.Join(errs...)
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
	err := unix.Sendto(c.socket, message[:], 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	if errors.Is(err, unix.ECONNREFUSED) {
		return errors.New("it answers in the host's network namespace alone")
	}
	return err
}

func (c *connector) awaitAnswer() error {
	const patience = time.Second
	for deadline := time.Now().Add(patience); ; {
		left := time.Until(deadline)
		if left <= 0 {
			return errors.New("it does not answer: it does in the host's pid and user namespaces alone")
		}
		if _, err := c.wait(left); err != nil {
			return err
		}
		message, err := c.receive()
		if err != nil && !errors.Is(err, unix.ENOBUFS) {
			return err
		}
		answered, refused := false, unix.Errno(0)
		_ = parseConnector(message, func(e *connectorEvent) {
			if e.what == connectorAnswer && e.ack == uint32(os.Getpid())+1 {
				answered, refused = true, unix.Errno(e.status)
			}
		})
		switch {
		case refused == unix.EPERM:
			return errors.New("it needs CAP_NET_ADMIN on this kernel")
		case refused != 0:
			return refused
		case answered:
			return nil
		}
	}
}

// wait returns when there is something to receive, when the time is over, or when run shall
// end, which it reports.
func (c *connector) wait(most time.Duration) (end bool, err error) {
	fds := []unix.PollFd{{Fd: int32(c.socket), Events: unix.POLLIN}, {Fd: int32(c.wake), Events: unix.POLLIN}}
	if _, err := unix.Poll(fds, int(most.Milliseconds())); err != nil && !errors.Is(err, unix.EINTR) {
		return false, fmt.Errorf("wait: %w", err)
	}
	return fds[1].Revents != 0, nil
}

// receive returns a message of the kernel's, valid until the next call. It is empty when
// there is none, or one that somebody else sent.
func (c *connector) receive() ([]byte, error) {
	var from unix.RawSockaddrNetlink
	size := uint32(unix.SizeofSockaddrNetlink)
	n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(c.socket), uintptr(unsafe.Pointer(&c.buffer[0])), uintptr(len(c.buffer)),
		unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&from)), uintptr(unsafe.Pointer(&size)))
	switch {
	case errno == unix.EINTR || errno == unix.EAGAIN || errno == 0 && from.Pid != 0:
		return nil, nil
	case errno != 0:
		return nil, errno
	}
	return c.buffer[:n], nil
}

// run has a thread of its own that waits in the kernel: waking up by way of the runtime takes
// longer than some processes live.
func (c *connector) run() error {
	defer close(c.ended)
	defer c.forks.end()
	runtime.LockOSThread() // for good: nobody else shall have its nice value
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), haste)
	for {
		message, err := c.receive()
		switch {
		case err == nil && len(message) > 0:
			c.handle(message)
		case errors.Is(err, unix.ENOBUFS):
			c.lost()
		case err != nil:
			return fmt.Errorf("read the proc connector: %w", err)
		default:
			const forever = -time.Millisecond
			if end, err := c.wait(forever); err != nil || end {
				return err
			}
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
	var info [9]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(c.socket), unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if drops := info[dropsAt]; errno == 0 && drops != c.drops {
		lost = uint64(drops - c.drops)
		c.drops = drops
	}
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
	one := binary.NativeEndian.AppendUint64(nil, 1)
	if _, err := unix.Write(c.wake, one); err != nil {
		return fmt.Errorf("end listening to the proc connector: %w", err)
	}
	<-c.ended
	return c.free()
}
