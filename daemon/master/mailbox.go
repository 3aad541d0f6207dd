package master

import (
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// mailbox hands functions of other goroutines to the one that calls wait and
// deliver, which also hears there of inherited descriptors that are ready.
//
// Those descriptors share their mode with other processes, so they cannot be
// made non-blocking for the runtime's poller. They are watched by an epoll
// instance instead, and that one is known to the runtime: no thread waits in a
// system call, and a client costs no change of threads.
type mailbox struct {
	set     *os.File // the epoll instance
	raw     syscall.RawConn
	watched []int // descriptors in it, known to the caller of wait alone

	ready  chan []int    // from look: what is ready
	again  chan struct{} // to look: the caller has seen to it
	owed   bool          // again is to be sent
	failed error         // of look, once ready is closed
	timer  *time.Timer
	wake   chan struct{} // something is pending

	mu      sync.Mutex
	pending []func()
	closed  bool
}

func newMailbox() (*mailbox, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	m := &mailbox{
		set:   os.NewFile(uintptr(fd), "epoll"),
		ready: make(chan []int, 1),
		again: make(chan struct{}, 1),
		timer: time.NewTimer(time.Hour),
		wake:  make(chan struct{}, 1),
	}
	if m.raw, err = m.set.SyscallConn(); err != nil {
		_ = m.set.Close()
		return nil, err
	}
	go m.look()
	return m, nil
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
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return true
}

// deliver calls what has been posted.
func (m *mailbox) deliver() {
	m.mu.Lock()
	work := m.pending
	m.pending = nil
	m.mu.Unlock()
	for _, f := range work {
		f()
	}
}

func (m *mailbox) close() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	_ = m.set.Close() // ends look
	close(m.again)
	m.timer.Stop()
}

// look reports descriptors that are ready, until the set is closed.
func (m *mailbox) look() {
	defer close(m.ready)
	var events [8]unix.EpollEvent
	for {
		var n int
		var err error
		failed := m.raw.Read(func(fd uintptr) bool {
			err = ignoringEINTR(func() (err error) {
				n, err = unix.EpollWait(int(fd), events[:], 0)
				return err
			})
			return n > 0 || err != nil
		})
		if failed != nil {
			return // closed
		}
		if err != nil {
			m.failed = err
			return
		}
		fds := make([]int, n)
		for i := range fds {
			fds[i] = int(events[i].Fd)
		}
		m.ready <- fds
		if _, open := <-m.again; !open {
			return
		}
	}
}

// wait waits until one of the descriptors is ready, something was posted, or
// the time is up; a negative timeout is for ever. It may return early. The
// result has the descriptors that are ready.
func (m *mailbox) wait(fds []int, timeout time.Duration) ([]int, error) {
	if err := m.watch(fds); err != nil {
		return nil, err
	}
	if m.owed {
		m.again <- struct{}{}
		m.owed = false
	}
	var expired <-chan time.Time
	if timeout >= 0 {
		m.timer.Reset(timeout)
		expired = m.timer.C
	}
	select {
	case <-m.wake:
	case <-expired:
	case ready, open := <-m.ready:
		if !open {
			return nil, m.failed
		}
		m.owed = true
		// A descriptor may have left the set after it was seen.
		return slices.DeleteFunc(ready, func(fd int) bool { return !slices.Contains(fds, fd) }), nil
	}
	return nil, nil
}

// watch makes the set hold these descriptors.
func (m *mailbox) watch(fds []int) error {
	if slices.Equal(m.watched, fds) {
		return nil
	}
	control := func(op, fd int) (err error) {
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
		if e := m.raw.Control(func(set uintptr) { err = unix.EpollCtl(int(set), op, fd, &event) }); e != nil {
			return e
		}
		return err
	}
	for _, fd := range m.watched {
		if !slices.Contains(fds, fd) {
			if err := control(unix.EPOLL_CTL_DEL, fd); err != nil {
				return err
			}
		}
	}
	for _, fd := range fds {
		if !slices.Contains(m.watched, fd) {
			if err := control(unix.EPOLL_CTL_ADD, fd); err != nil {
				return err
			}
		}
	}
	m.watched = append(m.watched[:0], fds...)
	return nil
}
