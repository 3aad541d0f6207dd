// Package patience bounds single reads and writes on a connection, as Postfix
// does: the time starts anew with each operation, not with the conversation.
package patience

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/qmqpd/qmqpd/daemon/poll"
)

// Conn is a connection with a time limit for each Read and each Write. An
// operation that waits longer ends with an error that is
// os.ErrDeadlineExceeded.
//
// A timer costs more than most operations, which need not wait at all. So where
// the connection gives access to its descriptor, the timer is only set once a
// system call would have blocked. Source: Postfix 3.10 timed_read(3) and
// timed_write(3) for the meaning.
type Conn struct {
	net.Conn
	limit time.Duration
	able  *poll.Conn      // the same connection, if it can do it itself
	raw   syscall.RawConn // nil if there is none

	reader, writer *transfer
}

// New returns conn with a time limit for each operation. Reads belong to one
// goroutine at a time, and so do writes; nobody else may set deadlines.
func New(conn net.Conn, limit time.Duration) *Conn {
	c := &Conn{Conn: conn, limit: limit}
	if c.able, _ = conn.(*poll.Conn); c.able != nil {
		return c
	}
	if sc, ok := conn.(syscall.Conn); ok {
		c.raw, _ = sc.SyscallConn() // without it, each operation sets the timer
	}
	if c.raw != nil {
		c.reader = &transfer{call: poll.Read, arm: conn.SetReadDeadline, wait: c.raw.Read, limit: limit}
		c.reader.step = c.reader.try
		c.writer = &transfer{call: poll.Write, arm: conn.SetWriteDeadline, wait: c.raw.Write, limit: limit}
		c.writer.step = c.writer.try
	}
	return c
}

// Read reads what there is, and waits if there is nothing.
func (c *Conn) Read(p []byte) (int, error) {
	if c.able != nil {
		return c.able.ReadWithin(p, c.limit)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if c.raw != nil {
		n, err := c.reader.do(p)
		if n == 0 && err == nil {
			err = io.EOF
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return n, err
		}
		c.raw = nil
	}
	if err := c.Conn.SetReadDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write writes all of p. The limit applies to each piece that is taken.
func (c *Conn) Write(p []byte) (written int, err error) {
	if c.able != nil {
		return c.able.WriteWithin(p, c.limit)
	}
	for c.raw != nil && written < len(p) {
		n, err := c.writer.do(p[written:])
		if errors.Is(err, errors.ErrUnsupported) {
			c.raw = nil
			break
		}
		written += n
		if err != nil {
			return written, err
		}
	}
	if written == len(p) {
		return written, nil
	}
	if err := c.Conn.SetWriteDeadline(time.Now().Add(c.limit)); err != nil {
		return written, err
	}
	n, err := c.Conn.Write(p[written:])
	return written + n, err
}

// WriteLast is Write for the last that is written, soon before Close, to a TCP
// connection: see poll.Conn.
func (c *Conn) WriteLast(p []byte) (written int, err error) {
	if c.able != nil {
		return c.able.WriteLast(p, c.limit)
	}
	return c.Write(p)
}

// transfer is one direction. Its functions are made once, so that an operation
// allocates nothing.
type transfer struct {
	call  func(fd int, p []byte) (int, error)
	arm   func(time.Time) error
	wait  func(func(fd uintptr) bool) error
	limit time.Duration
	step  func(fd uintptr) bool

	p      []byte
	n      int
	err    error
	called bool // step was called
	armed  bool // the timer was set for this operation
}

func (t *transfer) do(p []byte) (int, error) {
	t.p, t.n, t.err, t.called, t.armed = p, 0, nil, false, false
	err := t.wait(t.step)
	if errors.Is(err, os.ErrDeadlineExceeded) && !t.called {
		// The timer of an earlier operation has run out since.
		if err = t.set(); err == nil {
			err = t.wait(t.step)
		}
	}
	t.p = nil
	if err == nil {
		err = t.err
	}
	return t.n, err
}

func (t *transfer) set() error {
	t.armed = true
	return t.arm(time.Now().Add(t.limit))
}

// try makes one system call. It reports whether the operation is over; if not,
// the runtime calls it again when the descriptor is ready.
func (t *transfer) try(fd uintptr) bool {
	t.called = true
	for {
		n, err := t.call(int(fd), t.p)
		switch err {
		case nil:
			t.n = n
			return true
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			if !t.armed {
				t.err = t.set()
			}
			return t.err != nil
		default:
			t.err = err
			return true
		}
	}
}
