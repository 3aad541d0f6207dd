package master

import (
	"cmp"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/qmqpd/qmqpd/daemon/poll"
)

// mailbox hands functions of other goroutines to the one that calls wait and
// deliver, which also hears there of inherited descriptors that are ready.
//
// Those descriptors share their mode with other processes, so they cannot be
// made non-blocking for the runtime's poller.
type mailbox struct {
	poller  *poll.Poller
	own     bool  // the poller is ended with the mailbox
	watched []int // by the poller, known to the caller of wait alone
	owed    bool  // Seen is to be called

	timer *time.Timer
	wake  chan struct{} // something is pending

	mu      sync.Mutex
	pending []func()
	closed  bool
}

// newMailbox returns a mailbox on a poller, or on one of its own.
func newMailbox(p *poll.Poller) (*mailbox, error) {
	m := &mailbox{
		poller: p,
		timer:  time.NewTimer(time.Hour),
		wake:   make(chan struct{}, 1),
	}
	if p == nil {
		var err error
		if m.poller, err = poll.New(); err != nil {
			return nil, err
		}
		m.own = true
	}
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
	_ = m.watch(nil)
	if m.owed {
		m.poller.Seen()
		m.owed = false
	}
	if m.own {
		m.poller.Close()
	}
	m.timer.Stop()
}

// wait waits until one of the descriptors is ready, something was posted, or
// the time is up; a negative timeout is for ever. It may return early. The
// result has the descriptors that are ready.
func (m *mailbox) wait(fds []int, timeout time.Duration) ([]int, error) {
	if err := m.watch(fds); err != nil {
		return nil, err
	}
	if m.owed {
		m.poller.Seen()
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
	case ready, open := <-m.poller.Ready():
		if !open {
			return nil, cmp.Or(m.poller.Err(), os.ErrClosed)
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
	for _, fd := range m.watched {
		if !slices.Contains(fds, fd) {
			if err := m.poller.Unwatch(fd); err != nil {
				return err
			}
		}
	}
	for _, fd := range fds {
		if !slices.Contains(m.watched, fd) {
			if err := m.poller.Watch(fd); err != nil {
				return err
			}
		}
	}
	m.watched = append(m.watched[:0], fds...)
	return nil
}
