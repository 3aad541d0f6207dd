package master

import (
	"net"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// conn is an accepted connection. It is not made with net.FileConn, because
// that duplicates the descriptor and sets options (TCP_NODELAY, keep-alive
// intervals) that the original does not set. Errors are those of os.File.
type conn struct {
	*os.File
	frozen *atomic.Bool // reads and writes do not return any more
}

// newConn takes over a non-blocking descriptor.
func newConn(fd int) conn { return conn{os.NewFile(uintptr(fd), "client"), new(atomic.Bool)} }

func (c conn) Read(b []byte) (int, error) {
	n, err := c.File.Read(b)
	c.halt()
	return n, err
}

func (c conn) Write(b []byte) (int, error) {
	c.halt()
	n, err := c.File.Write(b)
	c.halt()
	return n, err
}

// halt keeps the session of a process that is about to exit from going on:
// what it would write or log, the original does not.
func (c conn) halt() {
	if c.frozen.Load() {
		select {}
	}
}

func (c conn) LocalAddr() net.Addr  { return c.address(unix.Getsockname) }
func (c conn) RemoteAddr() net.Addr { return c.address(unix.Getpeername) }

// address returns nil for what is not a socket, not connected or closed.
func (c conn) address(get func(int) (unix.Sockaddr, error)) (a net.Addr) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	_ = raw.Control(func(fd uintptr) { a = netAddr(get(int(fd))) })
	return a
}

func netAddr(sa unix.Sockaddr, err error) net.Addr {
	if err != nil {
		return nil
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}
	case *unix.SockaddrInet6:
		return &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Name: sa.Name, Net: "unix"}
	}
	return nil
}

var _ interface {
	net.Conn
	syscall.Conn
} = conn{}
