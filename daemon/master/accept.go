package master

import (
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// silent are the errors of accept(2) that mean no more than that somebody
// else was faster or the client is gone.
// Source: Postfix 3.10 sane_accept.c.
var silent = []syscall.Errno{
	unix.EAGAIN, unix.ECONNREFUSED, unix.ECONNRESET, unix.EHOSTDOWN,
	unix.EHOSTUNREACH, unix.EINTR, unix.ENETDOWN, unix.ENETUNREACH,
	unix.ENOTCONN, unix.ENOBUFS, unix.ECONNABORTED, unix.EPROTO,
}

// accept takes a connection from a non-blocking listening socket. EAGAIN stands
// for all silent errors.
func accept(listener int, transport Transport) (int, error) {
	var peer unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	fd, _, errno := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(&peer)),
		uintptr(unsafe.Pointer(&size)), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0, 0)
	switch {
	case errno == 0:
	case slices.Contains(silent, errno):
		return -1, unix.EAGAIN
	default:
		return -1, errno
	}
	if transport == Inet && (peer.Addr.Family == unix.AF_INET || peer.Addr.Family == unix.AF_INET6) {
		keepAlive(int(fd))
	}
	return int(fd), nil
}

// keepAlive has the kernel find out that a client is gone. As with Postfix,
// its failure is nobody's concern.
func keepAlive(fd int) {
	on := int32(1)
	_, _, _ = syscall.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE,
		uintptr(unsafe.Pointer(&on)), unsafe.Sizeof(on), 0)
}
