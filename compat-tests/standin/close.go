package standin

import (
	"errors"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A process that another test is starting has copies of all descriptors until it runs
// its program, and on a busy machine that is long after close(2). What is here ends a
// socket for its peer whoever has a copy.

// hangUp ends a UNIX-domain socket for its peer, or has connections to it refused.
func hangUp(socket syscall.Conn) {
	control(socket, func(fd int) { unix.Shutdown(fd, unix.SHUT_RDWR) })
}

// leave closes a connection. Its peer sees that as it sees a hangUp, unless bytes are
// unread: these make it a reset, which only the last close(2) can send.
func leave(conn net.Conn) {
	if socket, ok := conn.(syscall.Conn); ok {
		control(socket, func(fd int) {
			if unread, err := unix.IoctlGetInt(fd, unix.SIOCINQ); err == nil && unread == 0 {
				unix.Shutdown(fd, unix.SHUT_RDWR)
			}
		})
	}
	conn.Close()
}

// SayLast writes the last bytes of a TCP connection, which come in one segment with its
// end: the peer never sees them alone.
func SayLast(conn *net.TCPConn, text string) error {
	control(conn, func(fd int) { unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_CORK, 1) })
	_, err := conn.Write([]byte(text))
	return errors.Join(err, conn.CloseWrite())
}

// Reset closes a TCP connection with a reset.
func Reset(conn *net.TCPConn) {
	control(conn, func(fd int) {
		var nowhere unix.RawSockaddr // AF_UNSPEC
		unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&nowhere)), unsafe.Sizeof(nowhere))
	})
	conn.Close()
}

func control(socket syscall.Conn, f func(fd int)) {
	conn, err := socket.SyscallConn()
	if err != nil {
		return // closed
	}
	conn.Control(func(fd uintptr) { f(int(fd)) })
}
