//go:build amd64 || arm64

package events

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// session is a real-time session of Event Tracing
// (https://learn.microsoft.com/en-us/windows/win32/etw/configuring-and-starting-an-event-tracing-session)
// that the kernel writes the starts and ends of processes into. Windows hands them over in
// buffers, at the latest after a second.
type session struct {
	etw     *etw
	name    *uint16
	handle  uint64
	trace   uint64
	log     *kernelLog
	closing atomic.Bool
	losses  lossLog
	lost    uint32 // that the session had counted when last asked
	asked   time.Time

	drives     volumes
	drivesRead time.Time
}

func openSource(o Options, j *journal) (source, error) {
	s := &session{losses: lossLog{log: o.Logger}}
	s.log = &kernelLog{journal: j, volumes: s.volumes, facts: o.Facts}
	if err := s.open(); err != nil {
		if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			err = errors.New("it needs administrator rights or membership in Performance Log Users")
		}
		return nil, fmt.Errorf("open an event tracing session: %w", err)
	}
	return s, nil
}

func (s *session) open() error {
	var err error
	if s.etw, err = loadETW(); err != nil {
		return err
	}
	if s.name, err = windows.UTF16PtrFromString(sessionName); err != nil {
		return err
	}
	s.handle, err = s.etw.start(s.name)
	if errors.Is(err, windows.ERROR_ALREADY_EXISTS) { // of an exporter that was killed
		if err := s.stop(); err != nil {
			return fmt.Errorf("stop the session %s that is left over: %w", sessionName, err)
		}
		s.handle, err = s.etw.start(s.name)
	}
	if err != nil {
		return err
	}
	provider := kernelProcessProvider()
	if err := s.etw.enable(s.handle, &provider, keywordProcess); err != nil {
		return errors.Join(fmt.Errorf("enable the kernel's process events: %w", err), s.stop())
	}
	if s.trace, err = s.etw.open(s.name, windows.NewCallback(s.take)); err != nil {
		return errors.Join(err, s.stop())
	}
	return nil
}

// kernelProcessProvider is the id of Microsoft-Windows-Kernel-Process.
func kernelProcessProvider() windows.GUID {
	return windows.GUID{Data1: 0x22fb2cd6, Data2: 0x0e7b, Data3: 0x422b, Data4: [8]byte{0xa0, 0xc7, 0x2f, 0xad, 0x1f, 0xd0, 0xe7, 0x16}}
}

// take is an EventRecordCallback
// (https://learn.microsoft.com/en-us/windows/win32/api/evntrace/nc-evntrace-pevent_record_callback).
// The record is Windows' and valid during the call.
func (s *session) take(r *eventRecord) uintptr {
	if r.providerID != kernelProcessProvider() || r.id != processStart && r.id != processStop {
		return 0 // such as the session's own header
	}
	j := s.log.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	if r.userData == nil {
		j.stats.Errors++
		return 0
	}
	s.log.take(r.id, r.version, fromFiletime(r.timeStamp), unsafe.Slice((*byte)(r.userData), r.userDataLength))
	return 0
}

func (s *session) run() error {
	// ProcessTrace does not return for as long as the session lives.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := s.etw.process(s.trace); err != nil && !errors.Is(err, windows.ERROR_CANCELLED) {
		return fmt.Errorf("read the event tracing session: %w", err)
	}
	if !s.closing.Load() {
		return fmt.Errorf("the event tracing session %s was stopped by another program", sessionName)
	}
	return nil
}

// settle asks now and then how many events the session has lost.
func (s *session) settle() {
	const seldom = 10 * time.Second
	now := time.Now()
	if now.Sub(s.asked) < seldom {
		return
	}
	s.asked = now
	if p, err := s.etw.control(s.name, controlQuery); err == nil && p.eventsLost > s.lost {
		lost := uint64(p.eventsLost - s.lost)
		s.lost = p.eventsLost
		s.log.journal.stats.Lost += lost
		s.losses.add(lost, now)
	} else {
		s.losses.add(0, now)
	}
}

func (s *session) close() error {
	s.closing.Store(true)
	return errors.Join(s.stop(), s.etw.close(s.trace))
}

// stop ends the session, unless there is none any more.
func (s *session) stop() error {
	if _, err := s.etw.control(s.name, controlStop); !errors.Is(err, windows.ERROR_WMI_INSTANCE_NOT_FOUND) {
		return err
	}
	return nil
}

// volumes returns the drives of this host, which change now and then
// (https://learn.microsoft.com/en-us/windows/win32/api/fileapi/nf-fileapi-querydosdevicew).
func (s *session) volumes() volumes {
	const fresh = time.Minute
	if now := time.Now(); s.drives == nil || now.Sub(s.drivesRead) > fresh {
		s.drives, s.drivesRead = volumes{}, now
		target := make([]uint16, windows.MAX_PATH)
		for letter := 'A'; letter <= 'Z'; letter++ {
			drive := string(letter) + ":"
			name, err := windows.UTF16PtrFromString(drive)
			if err != nil {
				continue
			}
			if _, err := windows.QueryDosDevice(name, &target[0], uint32(len(target))); err == nil {
				s.drives[strings.TrimRight(windows.UTF16ToString(target), `\`)] = drive
			}
		}
	}
	return s.drives
}
