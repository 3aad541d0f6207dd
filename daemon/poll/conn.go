package poll

import (
	"context"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Conn is a connected socket. Errors of system calls come as they are. Reads
// belong to one goroutine at a time, and so do writes.
type Conn struct {
	poller  *Poller
	fd      int
	in, out direction

	mu     sync.Mutex
	users  int  // calls under way
	closed bool // or about to be
	frozen bool
	held   bool   // the kernel holds back the end of what was written; see WriteLast
	events uint32 // registered for
}

// direction is reading or writing.
type direction struct {
	deadline time.Time     // under mu
	waiting  bool          // under mu
	wake     chan struct{} // nil until somebody waits
	timer    *time.Timer
	moved    int // bytes since a wait, see fairness
}

// NewConn takes over a non-blocking descriptor.
func (p *Poller) NewConn(fd int) *Conn {
	return &Conn{poller: p, fd: fd}
}

// fairness is how many bytes a connection moves in a row before it gives way: what
// never waits is not interrupted by the runtime either. A transfer counts for
// leastMoved at least, since the call has a price of its own.
const fairness, leastMoved = 1 << 20, 4 << 10

// Read reads what there is, and waits if there is nothing.
func (c *Conn) Read(b []byte) (n int, err error) { return c.ReadWithin(b, 0) }

// ReadWithin is Read with a time limit in place of the deadline. Zero means
// the deadline. It ends with os.ErrDeadlineExceeded.
func (c *Conn) ReadWithin(b []byte, limit time.Duration) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, err = c.exchange(&c.in, unix.EPOLLIN, unix.SYS_READ, b, limit)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// Write writes all of b.
func (c *Conn) Write(b []byte) (written int, err error) { return c.WriteWithin(b, 0) }

// WriteWithin is Write with a time limit for each piece that is taken, in place
// of the deadline. Zero means the deadline.
func (c *Conn) WriteWithin(b []byte, limit time.Duration) (written int, err error) {
	for written < len(b) && err == nil {
		var n int
		n, err = c.exchange(&c.out, unix.EPOLLOUT, unix.SYS_WRITE, b[written:], limit)
		written += n
	}
	return written, err
}

// WriteLast is WriteWithin for the last that is written to a TCP connection,
// soon before Close: the kernel holds it back until then, and sends data and
// end in one segment. The peer is woken up once instead of twice.
//
// Where the peer has sent what nobody will read, Close resets the connection, as
// it does without WriteLast: data then goes out at once. The limit and errors are
// those of WriteWithin.
func (c *Conn) WriteLast(b []byte, limit time.Duration) (written int, err error) {
	if err := c.enter(); err != nil {
		return 0, err
	}
	if c.unread() == 0 {
		written = c.hold(b)
	}
	c.leave()
	if written == len(b) {
		return written, nil
	}
	n, err := c.WriteWithin(b[written:], limit)
	return written + n, err
}

// hold hands as much of b to the kernel as it takes, as what more will follow,
// and returns how much that is. An error comes again from whoever writes the rest.
func (c *Conn) hold(b []byte) int {
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))),
		uintptr(len(b)), unix.MSG_MORE|unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0
	}
	c.mu.Lock()
	c.held = true
	c.mu.Unlock()
	return int(n)
}

// unread returns how many bytes have arrived that were not read.
func (c *Conn) unread() int {
	var n int32 // it cannot fail for a socket, and another descriptor has nothing to hold back
	_, _, _ = syscall.RawSyscall(unix.SYS_IOCTL, uintptr(c.fd), unix.SIOCINQ, uintptr(unsafe.Pointer(&n)))
	return int(n)
}

// exchange makes one system call that moves data, once it need not wait.
func (c *Conn) exchange(d *direction, event uint32, trap uintptr, b []byte, limit time.Duration) (int, error) {
	if err := c.begin(d, limit == 0); err != nil {
		return 0, err
	}
	defer c.leave()
	for n, err := call(trap, c.fd, b); ; n, err = call(trap, c.fd, b) {
		if err != syscall.EAGAIN {
			d.moved += max(0, n-leastMoved)
			return n, err
		}
		if err := c.wait(d, event, limit); err != nil {
			return 0, err
		}
	}
}

// Close closes the connection as soon as no call uses it; those that wait
// end with net.ErrClosed.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	c.in.nudge()
	c.out.nudge()
	if c.users > 0 {
		return nil
	}
	return c.release()
}

// Freeze keeps calls from returning from now on: what a process does that is
// about to exit concerns nobody.
func (c *Conn) Freeze() {
	c.mu.Lock()
	c.frozen = true
	c.mu.Unlock()
}

// release closes the descriptor.
func (c *Conn) release() error {
	if c.events != 0 {
		c.poller.forget(c.fd)
	}
	if c.held {
		// If something has arrived since, close alone would drop what is held.
		_, _, _ = syscall.RawSyscall(unix.SYS_SHUTDOWN, uintptr(c.fd), unix.SHUT_WR, 0)
	}
	if _, _, errno := syscall.RawSyscall(unix.SYS_CLOSE, uintptr(c.fd), 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func (c *Conn) enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.users++
	return nil
}

func (c *Conn) leave() {
	c.mu.Lock()
	c.users--
	if c.closed && c.users == 0 {
		_ = c.release()
	}
	frozen := c.frozen
	c.mu.Unlock()
	if frozen {
		select {}
	}
}

// begin is what comes before a transfer, and leave after it.
func (c *Conn) begin(d *direction, bounded bool) error {
	c.mu.Lock()
	deadline, closed := d.deadline, c.closed
	if !closed {
		c.users++
	}
	c.mu.Unlock()
	if closed {
		return net.ErrClosed
	}
	if bounded && !deadline.IsZero() && time.Until(deadline) <= 0 {
		c.leave()
		return os.ErrDeadlineExceeded
	}
	if d.moved += leastMoved; d.moved > fairness {
		d.moved = 0
		giveWay()
	}
	return nil
}

// giveWay lets other goroutines run. The system call, which does nothing, is one
// that the scheduler is told of: it wakes up the runtime's monitor thread, which
// looks for events while this goroutine goes on and on.
func giveWay() {
	_, _, _ = syscall.Syscall(unix.SYS_GETPID, 0, 0, 0)
	runtime.Gosched()
}

// transfer calls f until it says that it is done, and waits in between.
func (c *Conn) transfer(d *direction, event uint32, f func(fd uintptr) bool) error {
	if err := c.begin(d, true); err != nil {
		return err
	}
	defer c.leave()
	for !f(uintptr(c.fd)) {
		if err := c.wait(d, event, 0); err != nil {
			return err
		}
	}
	return nil
}

// wait waits for an event, which may have come already, for so long or until
// the deadline.
func (c *Conn) wait(d *direction, event uint32, limit time.Duration) error {
	d.moved = 0
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	if d.wake == nil {
		d.wake = make(chan struct{}, 1)
	}
	if c.events&event == 0 {
		if err := c.poller.register(c, event); err != nil {
			c.mu.Unlock()
			return err
		}
	}
	deadline := d.deadline
	d.waiting = true
	c.mu.Unlock()

	if limit == 0 && !deadline.IsZero() {
		limit = max(time.Until(deadline), 1)
	}
	err := d.sleep(limit)

	c.mu.Lock()
	d.waiting = false
	if c.closed {
		err = net.ErrClosed
	}
	c.mu.Unlock()
	return err
}

// sleep waits to be woken up. Zero means for ever.
func (d *direction) sleep(limit time.Duration) error {
	if limit == 0 {
		<-d.wake
		return nil
	}
	if d.timer == nil {
		d.timer = time.NewTimer(limit)
	} else {
		d.timer.Reset(limit)
	}
	select {
	case <-d.wake:
		d.timer.Stop()
		return nil
	case <-d.timer.C:
		return os.ErrDeadlineExceeded
	}
}

// nudge ends a wait, or the next one at once: whoever waits looks again.
func (d *direction) nudge() {
	select {
	case d.wake <- struct{}{}:
	default: // it has been said, or nobody has waited
	}
}

// tell passes on events.
func (c *Conn) tell(events uint32) {
	const broken = unix.EPOLLERR | unix.EPOLLHUP
	c.mu.Lock()
	defer c.mu.Unlock()
	if events&(unix.EPOLLIN|broken) != 0 {
		c.in.nudge()
	}
	if events&(unix.EPOLLOUT|broken) != 0 {
		c.out.nudge()
	}
}

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline bounds reads, those under way too; zero means no bound.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadline(&c.in, t) }

// SetWriteDeadline bounds writes likewise.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(&c.out, t) }

func (c *Conn) setDeadline(d *direction, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	d.deadline = t
	if d.waiting {
		d.nudge()
	}
	return nil
}

// LocalAddr is nil for what is not connected or closed.
func (c *Conn) LocalAddr() net.Addr { return c.address(unix.Getsockname) }

// RemoteAddr is nil likewise.
func (c *Conn) RemoteAddr() net.Addr { return c.address(unix.Getpeername) }

func (c *Conn) address(get func(int) (unix.Sockaddr, error)) net.Addr {
	if c.enter() != nil {
		return nil
	}
	defer c.leave()
	return Addr(get(c.fd))
}

// Addr turns a socket's address into that of package net, an error or an
// unknown family into nil.
func Addr(sa unix.Sockaddr, err error) net.Addr {
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

// SyscallConn gives access to the descriptor. What Read and Write call must not
// block, and says by false that it would have.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return rawConn{c}, nil }

type rawConn struct{ c *Conn }

func (r rawConn) Control(f func(fd uintptr)) error {
	if err := r.c.enter(); err != nil {
		return err
	}
	defer r.c.leave()
	f(uintptr(r.c.fd))
	return nil
}

func (r rawConn) Read(f func(fd uintptr) bool) error {
	return r.c.transfer(&r.c.in, unix.EPOLLIN, f)
}

func (r rawConn) Write(f func(fd uintptr) bool) error {
	return r.c.transfer(&r.c.out, unix.EPOLLOUT, f)
}

// Read is read(2) on a non-blocking descriptor: EAGAIN where there is nothing yet, and
// zero at the end.
func Read(fd int, b []byte) (int, error) { return call(unix.SYS_READ, fd, b) }

// Write is write(2) on a non-blocking descriptor: EAGAIN where there is no room, and
// maybe a part of b only.
func Write(fd int, b []byte) (int, error) { return call(unix.SYS_WRITE, fd, b) }

func call(trap uintptr, fd int, b []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(trap, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

// DialUnix connects to a UNIX-domain stream socket. Where the queue of the
// listening socket is full, it waits, as a blocking connect(2) does, or until ctx
// ends. Errors are the system's; a path that is too long is EINVAL.
func (p *Poller) DialUnix(ctx context.Context, path string) (*Conn, error) {
	var sa unix.RawSockaddrUnix
	sa.Family = unix.AF_UNIX
	if len(path) >= len(sa.Path) {
		return nil, unix.EINVAL
	}
	for i := range len(path) {
		sa.Path[i] = int8(path[i])
	}
	size := unsafe.Offsetof(sa.Path) + uintptr(len(path)) + 1
	s, _, errno := syscall.RawSyscall(unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if errno != 0 {
		return nil, errno
	}
	c := p.NewConn(int(s))
	for delay := time.Millisecond; ; delay = min(2*delay, 50*time.Millisecond) {
		_, _, errno = syscall.RawSyscall(unix.SYS_CONNECT, s, uintptr(unsafe.Pointer(&sa)), size)
		switch errno {
		case 0:
			return c, nil
		case syscall.EINTR, syscall.EAGAIN:
		default:
			_ = c.Close()
			return nil, errno
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			_ = c.Close()
			return nil, ctx.Err()
		}
	}
}

var _ interface {
	net.Conn
	syscall.Conn
} = (*Conn)(nil)
