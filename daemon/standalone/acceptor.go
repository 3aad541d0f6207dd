package standalone

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/poll"
	"github.com/qmqpd/qmqpd/params/errno"
)

// gone are the errors of accept(2) that concern one client, which gave up or
// cannot be reached any more. See accept(2), Error handling.
var gone = []syscall.Errno{
	unix.EINTR, unix.ECONNABORTED, unix.ECONNRESET, unix.ECONNREFUSED, unix.ETIMEDOUT, unix.EPROTO, unix.ENOPROTOOPT,
	unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.ENETDOWN, unix.ENETUNREACH, unix.ENONET, unix.ENOTCONN,
}

// broken are those that mean that the listener will never accept again. All
// others may end by themselves: the clients wait meanwhile.
var broken = []syscall.Errno{unix.EBADF, unix.EINVAL, unix.ENOTSOCK, unix.EOPNOTSUPP, unix.EFAULT}

// troublePause is how long accepting stops when something is scarce or forbidden.
const troublePause = 100 * time.Millisecond

// acceptor takes clients from all listeners, in one goroutine. It has a poller of its
// own: one that has told of a client waits until that is accepted.
type acceptor struct {
	sessions *sessions
	accept4  func(listener int) (fd int, e syscall.Errno)
	poller   *poll.Poller
	files    []*os.File // the listeners' descriptors, duplicated
	fds      []int
	watching bool
	// complained of a failure, and has had no success since.
	complained bool
}

// filer has the descriptor of a listener.
type filer interface{ File() (*os.File, error) }

// CanServe tells whether Serve can accept clients from a listener: those of package
// net are fine.
func CanServe(l net.Listener) bool {
	_, ok := l.(filer)
	return ok
}

func newAcceptor(listeners []net.Listener, s *sessions) (*acceptor, error) {
	a := &acceptor{sessions: s, accept4: accept4}
	if s.server.accept != nil {
		a.accept4 = s.server.accept
	}
	for _, l := range listeners {
		file, err := l.(filer).File()
		if err != nil {
			a.close()
			return nil, fmt.Errorf("listen on %s: %w", l.Addr(), err)
		}
		a.files = append(a.files, file)
		fd := int(file.Fd())
		a.fds = append(a.fds, fd)
		// Fd has made it blocking, with which the poller cannot work.
		if err := unix.SetNonblock(fd, true); err != nil {
			a.close()
			return nil, fmt.Errorf("listen on %s: %w", l.Addr(), err)
		}
	}
	var err error
	if a.poller, err = poll.New(); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *acceptor) close() {
	if a.poller != nil {
		a.poller.Close()
	}
	for _, f := range a.files {
		f.Close()
	}
}

// run accepts until ctx ends or a listener fails.
func (a *acceptor) run(ctx context.Context) error {
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	paused := false
	for {
		if err := a.watch(!paused && !a.sessions.full()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-a.sessions.room:
		case <-pause.C:
			paused = false
		case ready, open := <-a.poller.Ready():
			if !open {
				return a.poller.Err()
			}
			if paused {
				// It was on its way when the watch ended, and is told
				// again once that is on.
				a.poller.Seen()
				continue
			}
			for _, fd := range ready {
				switch e := a.accept(fd); {
				case e == 0:
				case slices.Contains(broken, e):
					a.poller.Seen()
					return fmt.Errorf("accept connection: %w", e)
				default:
					a.complain(e)
					paused = true
					pause.Reset(troublePause)
				}
			}
			a.poller.Seen()
		}
	}
}

// watch turns the watch of all listeners on or off. What is watched first is told
// first, and so gets what room there is: each time it is another one.
func (a *acceptor) watch(on bool) error {
	if a.watching == on {
		return nil
	}
	a.watching = on
	change := a.poller.Unwatch
	if on {
		change = a.poller.Watch
		a.fds = slices.Concat(a.fds[1:], a.fds[:1])
	}
	for _, fd := range a.fds {
		if err := change(fd); err != nil {
			return err
		}
	}
	return nil
}

// acceptsAtOnce is how many clients are taken from a listener before others have a turn.
const acceptsAtOnce = 64

// accept begins sessions with the clients that wait on a listener, as far as there
// is room. Of a stream of clients that does not end it takes some: the other listeners,
// and the end of the server, must not wait for all of them.
func (a *acceptor) accept(listener int) syscall.Errno {
	for range acceptsAtOnce {
		if a.sessions.full() {
			break
		}
		fd, e := a.accept4(listener)
		switch {
		case e == 0:
			a.complained = false
			a.sessions.begin(fd)
		case e == unix.EAGAIN, slices.Contains(gone, e):
			// If more clients wait, the poller tells again; in between, the
			// end of the server is noticed, even if this error lasts.
			return 0
		default:
			return e
		}
	}
	return 0
}

// complain logs a failure of accept(2), once until there is a success: what is scarce
// for an hour is no news ten times a second.
func (a *acceptor) complain(e syscall.Errno) {
	if !a.complained {
		a.complained = true
		a.sessions.server.Log.Errorf("accept connection: %s", errno.Text(e))
	}
}

// accept4 is accept4(2) on a listener that does not block.
func accept4(listener int) (int, syscall.Errno) {
	fd, _, e := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), 0, 0, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0, 0)
	return int(fd), e
}
