package master

import (
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// mailbox hands functions of other goroutines to the one that waits in
// poll(2), and wakes it.
type mailbox struct {
	event int // eventfd

	mu      sync.Mutex
	pending []func()
	closed  bool
}

func newMailbox() (*mailbox, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, err
	}
	return &mailbox{event: fd}, nil
}

// post has f called by the goroutine that calls deliver. After close it
// reports false.
func (m *mailbox) post(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.pending = append(m.pending, f)
	if len(m.pending) == 1 {
		var b [8]byte
		binary.NativeEndian.PutUint64(b[:], 1)
		_, _ = unix.Write(m.event, b[:]) // deliver keeps it from overflowing
	}
	return true
}

// deliver calls what has been posted.
func (m *mailbox) deliver() {
	m.mu.Lock()
	work := m.pending
	m.pending = nil
	if len(work) > 0 {
		var b [8]byte
		_, _ = unix.Read(m.event, b[:])
	}
	m.mu.Unlock()
	for _, f := range work {
		f()
	}
}

func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	_ = unix.Close(m.event)
}

// wait polls the mailbox and other descriptors until one is ready or the time
// is up; it may return early. The result has the descriptors that are ready,
// without the mailbox.
func (m *mailbox) wait(fds []int, timeout time.Duration) ([]int, error) {
	polled := make([]unix.PollFd, 0, 1+len(fds))
	polled = append(polled, unix.PollFd{Fd: int32(m.event), Events: unix.POLLIN})
	for _, fd := range fds {
		polled = append(polled, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	if _, err := unix.Poll(polled, milliseconds(timeout)); errors.Is(err, unix.EINTR) {
		return nil, nil // the caller looks at its clock and comes back
	} else if err != nil {
		return nil, err
	}
	var ready []int
	for _, p := range polled[1:] {
		if p.Revents != 0 {
			ready = append(ready, int(p.Fd))
		}
	}
	return ready, nil
}
