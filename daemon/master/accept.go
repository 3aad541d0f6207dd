package master

import (
	"errors"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// silent are the errors of accept(2) that mean no more than that somebody
// else was faster or the client is gone.
// Source: Postfix 3.10 sane_accept.c.
var silent = []error{
	unix.EAGAIN, unix.ECONNREFUSED, unix.ECONNRESET, unix.EHOSTDOWN,
	unix.EHOSTUNREACH, unix.EINTR, unix.ENETDOWN, unix.ENETUNREACH,
	unix.ENOTCONN, unix.ENOBUFS, unix.ECONNABORTED, unix.EPROTO,
}

// accept takes a connection from a listening socket. EAGAIN stands for all
// silent errors.
func accept(listener int, transport Transport) (int, error) {
	fd, sa, err := syscall.Accept4(listener, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	if err != nil {
		if slices.ContainsFunc(silent, func(e error) bool { return errors.Is(err, e) }) {
			return -1, unix.EAGAIN
		}
		return -1, err
	}
	if transport == Inet {
		switch sa.(type) {
		case *syscall.SockaddrInet4, *syscall.SockaddrInet6:
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		}
	}
	return fd, nil
}
