package table

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/params/errno"
)

// endpoint keeps connections to one server, for the tables that ask it. A
// lookup has a connection to itself, so lookups do not wait for each other.
// Source: Postfix 3.10 auto_clnt.c, clnt_stream.c, which have one connection,
// since a Postfix process serves one client at a time.
type endpoint struct {
	network, address string
	timeout          time.Duration // of a connect, and of one read or write; 0: none
	log              Logger
	servers          *servers
	utf8             bool          // names of servers may be UTF-8
	idleLimit        time.Duration // 0: none
	ageLimit         time.Duration // 0: none
	// asksBlindly keeps a connection that the server has ended, and forgets what
	// the server said unasked: the next request finds out.
	asksBlindly bool
	// tell says at verbose level 1 that a connection began or ended. Nil for
	// none.
	tell func(log Logger, address string, began bool)

	mu     sync.Mutex
	idle   []*link
	closed bool
}

// endpointIdle is how many unused connections an endpoint keeps.
const endpointIdle = 4

// link is one connection.
type link struct {
	net.Conn
	endpoint *endpoint
	reader   *bufio.Reader
	opened   time.Time
	used     time.Time
	fresh    bool        // nothing was exchanged yet
	failure  error       // of the last read; nil if there was none, or the end of input
	stop     func() bool // ends what begin has begun
	// session is the end of the context of the lookup that made the connection.
	session <-chan struct{}
}

// parseEndpoint reads "inet:host:port", "unix:path" or "local:path". The error
// is of class Fatal. Source: Postfix 3.10 auto_clnt.c, auto_clnt_create.
func parseEndpoint(server string) (network, address string, err error) {
	transport, address, ok := strings.Cut(server, ":")
	if !ok || transport == "" || address == "" {
		return "", "", fatalError("need service transport:endpoint instead of \""+server+"\"", nil)
	}
	switch transport {
	case "inet":
		return "tcp", address, nil
	case "unix", "local":
		return "unix", address, nil
	}
	return "", "", fatalError("invalid transport name: "+transport+" in service: "+transport+":"+address, nil)
}

// get returns a connection whose reads and writes end with ctx or the time
// limit. The caller gives it back by put, or closes it.
func (e *endpoint) get(ctx context.Context) (*link, error) {
	for {
		l := e.take()
		if l == nil {
			break
		}
		if l.usable() {
			return l, l.begin(ctx)
		}
		e.tellEnd(ctx)
		l.Close()
	}
	return e.connect(ctx)
}

// connect is get, but returns a new connection.
func (e *endpoint) connect(ctx context.Context) (*link, error) {
	conn, err := e.dial(ctx)
	if err != nil {
		return nil, err
	}
	if log := tracer(ctx); log != nil && e.tell != nil {
		e.tell(log, e.address, true)
	}
	l := &link{Conn: conn, endpoint: e, opened: time.Now(), fresh: true, session: ctx.Done()}
	l.reader = bufio.NewReader(timedReader{l})
	return l, l.begin(ctx)
}

// tellEnd says at verbose level 1 that a connection ends.
func (e *endpoint) tellEnd(ctx context.Context) {
	if log := tracer(ctx); log != nil && e.tell != nil {
		e.tell(log, e.address, false)
	}
}

// tellAutoClient has the words of Postfix's auto_clnt.c.
func tellAutoClient(log Logger, address string, began bool) {
	if began {
		log.Infof("auto_clnt_open: connected to %s", address)
	} else {
		log.Infof("auto_clnt_close: disconnect %s stream", address)
	}
}

func (e *endpoint) take() *link {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := len(e.idle)
	if n == 0 {
		return nil
	}
	l := e.idle[n-1]
	e.idle = e.idle[:n-1]
	return l
}

// put keeps a connection for the next lookup.
func (e *endpoint) put(l *link) {
	whole := l.end()
	l.used, l.fresh = time.Now(), false
	e.mu.Lock()
	defer e.mu.Unlock()
	if !whole || e.closed || len(e.idle) >= endpointIdle {
		l.Close()
		return
	}
	e.idle = append(e.idle, l)
}

// drop ends a connection that is out of step.
func (l *link) drop() {
	l.end()
	l.Close()
}

// Close closes the unused connections, and the others when they come back.
func (e *endpoint) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for _, l := range e.idle {
		l.Close()
	}
	e.idle = nil
}

// usable is false for a connection that is too old, or that the server has
// closed or sent something to unasked.
func (l *link) usable() bool {
	now := time.Now()
	e := l.endpoint
	if e.idleLimit > 0 && now.Sub(l.used) >= e.idleLimit || e.ageLimit > 0 && now.Sub(l.opened) >= e.ageLimit {
		return false
	}
	if n := l.reader.Buffered(); n > 0 && !e.asksBlindly {
		return false
	} else if n > 0 {
		_, _ = l.reader.Discard(n)
	}
	raw, err := l.Conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = raw.Control(func(fd uintptr) {
		if e.asksBlindly {
			// To read, were it only to look, would take an error, such as a reset, that
			// the next request is to find.
			n, err := unix.IoctlGetInt(int(fd), askPending)
			quiet = err == nil && n == 0
			return
		}
		var one [1]byte
		_, _, err := unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		quiet = err == unix.EAGAIN
	})
	return err == nil && quiet
}

// begin lets the end of ctx interrupt reads and writes.
func (l *link) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		l.Close()
		return err
	}
	l.stop = context.AfterFunc(ctx, func() { _ = l.Conn.Close() })
	return nil
}

// end takes the connection out of the hands of its context. It returns false if that has
// ended, and closes the connection, now or in a moment.
func (l *link) end() bool {
	whole := l.stop()
	l.stop = nil // lets go of the context
	return whole
}

// deadline is when a read or write that starts now must have ended.
func (e *endpoint) deadline() time.Time {
	if e.timeout == 0 {
		return time.Time{}
	}
	return time.Now().Add(e.timeout)
}

// Write writes all of p within the time limit.
func (l *link) Write(p []byte) (int, error) {
	if err := l.SetWriteDeadline(l.endpoint.deadline()); err != nil {
		return 0, err
	}
	return l.Conn.Write(p)
}

// timedReader reads from a link with its time limit.
type timedReader struct{ l *link }

func (r timedReader) Read(p []byte) (int, error) {
	if err := r.l.SetReadDeadline(r.l.endpoint.deadline()); err != nil {
		return 0, err
	}
	n, err := r.l.Conn.Read(p)
	if err != nil && err != io.EOF {
		r.l.failure = err
	}
	return n, err
}

// trouble is the C library's text for a failed read or write in a session. The
// end of input is no error of the system, so the last one there was is told: of a
// connection that the session has made itself, that it takes time to connect.
func (l *link) trouble(ctx context.Context, err error) string {
	if errors.Is(err, io.EOF) && l.endpoint.network == "tcp" && l.session == ctx.Done() {
		return errno.Text(unix.EINPROGRESS)
	}
	return netError(err)
}

// netError is the C library's text for a failed connect, read or write.
func netError(err error) string {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return errno.Text(unix.ETIMEDOUT)
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return errno.Text(number)
	}
	return errno.NoNumber
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// newEndpoint returns the connections to a server that is not Postfix's own.
func (o *opening) newEndpoint(network, address string, timeout time.Duration) *endpoint {
	return &endpoint{network: network, address: address, timeout: timeout, log: o.log(), servers: o.servers(), utf8: o.set.opt.UTF8}
}

// share returns the connections to a server, one for all tables of the set.
func (o *opening) share(name string, create func() *endpoint) *endpoint {
	e := o.set.shared[name]
	if e == nil {
		e = create()
		o.set.shared[name] = e
	}
	return e
}

// printable replaces what should not go to a log; with keepUTF8, well-formed UTF-8
// may. Source: Postfix 3.10 printable.c.
func printable(s string, replacement byte, keepUTF8 bool) string {
	out := []byte(s)
	for i := 0; i < len(out); {
		size := 1
		if keepUTF8 && out[i] >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(out[i:])
			if size = n; r != utf8.RuneError || n > 1 {
				i += size
				continue
			}
		}
		if out[i] < ' ' || out[i] >= 0x7f {
			out[i] = replacement
		}
		i += size
	}
	return string(out)
}

// clip cuts s to n bytes.
func clip(s string, n int) string { return s[:min(n, len(s))] }
