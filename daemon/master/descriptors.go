package master

import (
	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/params/errno"
)

// Descriptors that a child inherits from master.
const (
	flowRead  = 3 // mail flow control; this server leaves it alone
	flowWrite = 4
	// StatusFD is the channel for status records.
	StatusFD = 5
	// ListenFD is the first of the listening sockets.
	ListenFD = 6
)

// Listeners returns the descriptors of the listening sockets and makes every
// inherited descriptor close-on-exec. They share their open file descriptions
// with master and siblings: their mode must not be changed, nor may
// shutdown(2) be called on them.
func Listeners(sockets int) []int {
	for _, fd := range []int{flowRead, flowWrite, StatusFD} {
		unix.CloseOnExec(fd)
	}
	fds := make([]int, sockets)
	for i := range fds {
		fds[i] = ListenFD + i
		unix.CloseOnExec(fds[i])
	}
	return fds
}

// Inherited returns how many descriptors from StatusFD on are open, up to the
// first that is not. It tells what the process was started with, if it is called
// before anything is opened.
func Inherited() int {
	n := 0
	for {
		if _, err := unix.FcntlInt(uintptr(StatusFD+n), unix.F_GETFD, 0); err != nil {
			return n
		}
		n++
	}
}

// CheckInherited is the failure of a process that master has not given its
// descriptors, such as one that was started by hand: what has their numbers by
// now is something of its own.
func CheckInherited(inherited, sockets int) error {
	if StatusFD+inherited >= ListenFD+sockets {
		return nil
	}
	return maillog.FatalError("event_enable_read: epoll_ctl EPOLL_CTL_ADD: %s", errno.Text(unix.EBADF))
}

// OpenFilesBound is how many sessions the limit of open files allows, for
// services without a process limit and for stand-alone mode: a session needs its
// own connection, one to cleanup(8), a queue or spill file, and sockets for DNS
// queries.
func OpenFilesBound() int {
	const perSession, reserve = 5, 64
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 1
	}
	n := min(r.Cur, 1<<24)
	if n < reserve+perSession {
		return 1
	}
	return int((n - reserve) / perSession)
}

// WarnOpenFiles warns of a limit of open files that is unusually low, as the
// original does when it sets up its event loop. That has raised the limit to the
// hard one before, as Go's runtime has.
func WarnOpenFiles(log *maillog.Logger) {
	const usual = 256
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err == nil && r.Max < usual {
		log.Warningf("could allocate space for only %d open files", r.Max)
	}
}

// pollable refuses descriptors that cannot signal events, as the original's
// event loop does: a process that was not started by master has none of those it expects.
func pollable(fds []int) error {
	failure := func(call string, err error) error {
		return maillog.FatalError("event_enable_read: %s: %s", call, errno.Text(err))
	}
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return failure("epoll_create", err)
	}
	defer unix.Close(ep)
	for _, fd := range fds {
		e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
		if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
			return failure("epoll_ctl EPOLL_CTL_ADD", err)
		}
	}
	return nil
}
