package master

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/poll"
)

// StdinConn returns the connection of option -S: the client's requests come
// from one descriptor (0) and replies go to another (1). Both are shared with
// whoever started the process, so their blocking mode is left alone and
// deadlines are kept by poll(2); they bind operations that start after they are
// set.
func StdinConn(in, out int) net.Conn { return &stdinConn{in: in, out: out} }

type stdinConn struct {
	in, out           int
	readEnd, writeEnd atomic.Pointer[time.Time]
}

func (c *stdinConn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, err := c.transfer(c.in, unix.POLLIN, &c.readEnd, func() (int, error) { return unix.Read(c.in, b) })
	switch {
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (c *stdinConn) Write(b []byte) (int, error) {
	written := 0
	for written < len(b) {
		n, err := c.transfer(c.out, unix.POLLOUT, &c.writeEnd, func() (int, error) { return unix.Write(c.out, b[written:]) })
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}

// transfer does one system call when the descriptor is ready for it, and
// again when it wasn't after all.
func (c *stdinConn) transfer(fd int, events int16, end *atomic.Pointer[time.Time], call func() (int, error)) (int, error) {
	for {
		timeout := time.Duration(-1)
		if t := end.Load(); t != nil && !t.IsZero() {
			timeout = max(0, time.Until(*t))
		}
		ready, err := pollOne(fd, events, timeout)
		if err != nil {
			return 0, os.NewSyscallError("poll", err)
		}
		if !ready {
			return 0, os.ErrDeadlineExceeded
		}
		n, err := call()
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return 0, err
		}
	}
}

func (c *stdinConn) Close() error { return nil }

func (c *stdinConn) LocalAddr() net.Addr  { return poll.Addr(unix.Getsockname(c.in)) }
func (c *stdinConn) RemoteAddr() net.Addr { return poll.Addr(unix.Getpeername(c.in)) }

func (c *stdinConn) SetReadDeadline(t time.Time) error  { c.readEnd.Store(&t); return nil }
func (c *stdinConn) SetWriteDeadline(t time.Time) error { c.writeEnd.Store(&t); return nil }
func (c *stdinConn) SetDeadline(t time.Time) error {
	c.readEnd.Store(&t)
	c.writeEnd.Store(&t)
	return nil
}

// SyscallConn gives access to the descriptor that requests come from: its
// peer is the client.
func (c *stdinConn) SyscallConn() (syscall.RawConn, error) { return rawDescriptor(c.in), nil }

type rawDescriptor int

func (r rawDescriptor) Control(f func(uintptr)) error { f(uintptr(r)); return nil }

func (r rawDescriptor) Read(func(uintptr) bool) error  { return errors.ErrUnsupported }
func (r rawDescriptor) Write(func(uintptr) bool) error { return errors.ErrUnsupported }

// pollOne waits until a descriptor is ready, which errors and end of file
// are, too. A negative timeout waits for ever.
func pollOne(fd int, events int16, timeout time.Duration) (bool, error) {
	p := []unix.PollFd{{Fd: int32(fd), Events: events}}
	end := time.Now().Add(timeout)
	for {
		n, err := unix.Poll(p, milliseconds(timeout))
		if err == nil && n > 0 {
			return true, nil
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return false, err
		}
		if timeout < 0 {
			continue
		}
		// A wait may be longer than poll(2) was told.
		if timeout = max(0, time.Until(end)); err == nil && timeout == 0 {
			return false, nil
		}
	}
}

// milliseconds is a timeout for poll(2), rounded up, or a part of a long one;
// negative is for ever.
func milliseconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	const most = 24 * time.Hour
	return int((min(d, most) + time.Millisecond - 1) / time.Millisecond)
}
