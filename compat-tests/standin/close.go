package standin

import "syscall"

// hangUp ends a UNIX socket for its peer, or has connections to it refused, whoever has
// a copy of the descriptor: a process that another test is starting has one until it
// runs its program, and on a busy machine that is long after a mere close.
func hangUp(socket syscall.Conn) {
	conn, err := socket.SyscallConn()
	if err != nil {
		return // closed
	}
	conn.Control(func(fd uintptr) { syscall.Shutdown(int(fd), syscall.SHUT_RDWR) })
}
