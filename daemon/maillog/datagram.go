package maillog

import (
	"errors"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// datagram is a connected UNIX-domain socket: /dev/log or postlogd's. It is
// opened at once and kept, because after chroot the path leads nowhere.
type datagram struct {
	path string
	// orStream makes a stream socket acceptable, lines then end in NUL, as
	// syslog(3) does for log daemons of old.
	orStream bool

	mu     sync.Mutex
	fd     int // -1: not connected
	stream bool
}

func newDatagram(path string, orStream bool) *datagram {
	d := &datagram{path: path, orStream: orStream, fd: -1}
	d.connect()
	return d
}

// connect opens the socket if it is not open.
func (d *datagram) connect() {
	if d.fd >= 0 {
		return
	}
	types := []int{unix.SOCK_DGRAM}
	if d.orStream {
		types = append(types, unix.SOCK_STREAM)
	}
	for _, typ := range types {
		fd, err := unix.Socket(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return
		}
		err = retryEINTR(func() error { return unix.Connect(fd, &unix.SockaddrUnix{Name: d.path}) })
		if err == nil {
			d.fd, d.stream = fd, typ == unix.SOCK_STREAM
			return
		}
		_ = unix.Close(fd)
		if !errors.Is(err, unix.EPROTOTYPE) {
			return
		}
	}
}

func (d *datagram) disconnect() {
	if d.fd >= 0 {
		_ = unix.Close(d.fd)
		d.fd = -1
	}
}

func (d *datagram) try(line []byte) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.connect()
	if d.fd < 0 {
		return true // lost: there is no log daemon
	}
	if d.stream {
		// A part of a line could be sent; leave it to wait.
		return false
	}
	err := d.send(line)
	switch {
	case err == nil:
		return true
	case waitWorthy(err):
		return false
	}
	d.reconnect()
	if d.fd < 0 {
		return true
	}
	return !waitWorthy(d.send(line))
}

func (d *datagram) wait(line []byte) {
	d.mu.Lock()
	d.connect()
	fd, stream := d.fd, d.stream
	d.mu.Unlock()
	if fd < 0 {
		return
	}
	// Without the lock: only the queue's one goroutine closes or replaces
	// the socket while lines are queued.
	if sendAll(fd, stream, line) == nil {
		return
	}
	d.mu.Lock()
	d.reconnect()
	fd, stream = d.fd, d.stream
	d.mu.Unlock()
	if fd >= 0 {
		_ = sendAll(fd, stream, line)
	}
}

func (d *datagram) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.disconnect()
}

// reconnect replaces the socket after an error: the log daemon may have been
// restarted. In a jail the path is usually gone; then the old socket is
// closed and each line tries again, as syslog(3) does.
func (d *datagram) reconnect() {
	d.disconnect()
	d.connect()
}

// send sends a line without waiting. The system call is made directly: telling the
// scheduler of it would cost more than itself.
func (d *datagram) send(line []byte) error {
	return retryEINTR(func() error {
		_, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(d.fd), uintptr(unsafe.Pointer(unsafe.SliceData(line))),
			uintptr(len(line)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		if errno != 0 {
			return errno
		}
		return nil
	})
}

// sendAll sends a line, and waits for room if need be.
func sendAll(fd int, stream bool, line []byte) error {
	if !stream {
		return retryEINTR(func() error { return unix.Sendto(fd, line, unix.MSG_NOSIGNAL, nil) })
	}
	rest := append(append(make([]byte, 0, len(line)+1), line...), 0)
	for len(rest) > 0 {
		var n int
		err := retryEINTR(func() (err error) {
			n, err = unix.SendmsgN(fd, rest, nil, nil, unix.MSG_NOSIGNAL)
			return err
		})
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// waitWorthy reports whether the line can be sent later on the same socket.
func waitWorthy(err error) bool {
	return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS)
}

func retryEINTR(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
