// Package cleanup stores messages by handing their records to a running
// cleanup(8) over its UNIX-domain socket. Source: Postfix 3.10 mail_stream.c,
// mail_connect.c, qmqpd.c (qmqpd_open_file).
package cleanup

import (
	"cmp"
	"context"
	"io"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/qmqpd/qmqpd/daemon/attr"
	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/patience"
	"github.com/qmqpd/qmqpd/daemon/sockpath"
	"github.com/qmqpd/qmqpd/params/errno"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// The cleanup flags that a receiving server sends (cleanup_user.h).
const (
	FlagFilter   = 1 << 1 // header and body checks
	FlagBCC      = 1 << 4 // automatic Bcc recipients
	FlagMap      = 1 << 5 // address mapping
	FlagMilter   = 1 << 6 // Milters
	FlagAutoUTF8 = 1 << 9 // detect the need for SMTPUTF8

	// FlagsExternal are the flags for mail from outside.
	FlagsExternal = FlagFilter | FlagBCC | FlagMap | FlagMilter
)

// Opener opens streams to cleanup(8).
type Opener struct {
	// Dir is the queue directory; empty means the current directory.
	Dir string
	// Class and Service name the socket in it, as in "public" and
	// "cleanup". cleanup_service_name.
	Class, Service string
	// Flags are sent with each message.
	Flags uint32
	// Dial connects to a UNIX-domain stream socket; nil means net.Dialer.
	Dial func(ctx context.Context, path string) (net.Conn, error)
	// Gate is what messages pass on their way; nil stands for none.
	Gate *Gate
	// Timeout bounds each read or write. ipc_timeout; zero means its default,
	// 3600s.
	Timeout time.Duration
	// RetryDelay is the pause between attempts to connect. Zero means
	// Postfix's 10 seconds.
	RetryDelay time.Duration
}

// What zero stands for in an Opener.
const (
	defaultTimeout    = 3600 * time.Second
	defaultRetryDelay = 10 * time.Second
)

// maxConnects is how many attempts to connect are made.
const maxConnects = 11

// How much is collected before it is sent, in bytes: at first, and once a
// message has shown to be long.
const (
	bufferSize = 16 << 10
	longBuffer = 64 << 10
)

// Streams wait for cleanup(8) most of the time, and need memory for records only
// while they have some: it goes from one to the other.
var (
	outPool = sync.Pool{New: func() any { return newBuffer(bufferSize) }}
	longOut = sync.Pool{New: func() any { return newBuffer(longBuffer) }}
	inPool  = sync.Pool{New: func() any { return attr.NewReader(nil, "") }}
)

func newBuffer(size int) *[]byte {
	b := make([]byte, 0, size)
	return &b
}

// Open connects to cleanup(8), which allocates the queue id. While that fails
// it tries again for as long as Postfix does. Warnings go to log. The end of ctx
// closes the connection, whatever cleanup(8) is waited for: Timeout may be an hour.
func (o *Opener) Open(ctx context.Context, log *maillog.Logger) (mailstream.Stream, error) {
	conn, err := o.connect(ctx, log)
	if err != nil {
		return nil, err
	}
	s := &stream{
		conn: patience.New(conn, cmp.Or(o.Timeout, defaultTimeout)),
		gate: o.Gate,
		log:  log,
		size: bufferSize,
		in:   inPool.Get().(*attr.Reader),
	}
	s.release = context.AfterFunc(ctx, func() { _ = conn.Close() })
	s.reset(o.path())
	n, warnings := s.in.Scan(attr.Equal("protocol", "cleanup_protocol"), attr.String("queue_id", &s.queueID))
	for _, w := range warnings {
		log.Warningf("%s", w)
	}
	if n != 1 {
		if ctx.Err() != nil {
			s.end()
			return nil, ctx.Err()
		}
		// Postfix says nothing more about a service that does not greet.
		s.err = nil
		s.end()
		return nil, maillog.FatalError("unable to connect to the %s %s service", o.Class, o.Service)
	}
	if log.Verbose() > 0 {
		log.Infof("send attr flags = %d", o.Flags)
	}
	// What came with the greeting beyond it is dropped: Postfix's stream has one
	// buffer for both directions, and now writes.
	s.reset(o.path())
	s.out = attr.AppendEnd(attr.AppendUint(s.first[:0], "flags", uint64(o.Flags)))
	return s, nil
}

func (o *Opener) path() string { return o.Class + "/" + o.Service }

func (o *Opener) connect(ctx context.Context, log *maillog.Logger) (net.Conn, error) {
	if !sockpath.Fits(o.path()) {
		return nil, maillog.FatalError("unix-domain name too long: %s", o.path())
	}
	delay := cmp.Or(o.RetryDelay, defaultRetryDelay)
	path, dial := filepath.Join(o.Dir, o.path()), o.Dial
	if dial == nil {
		dial = func(ctx context.Context, path string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	for count := 1; ; count++ {
		conn, err := dial(ctx, path)
		if err == nil {
			if log.Verbose() > 0 {
				log.Infof("connect to subsystem %s", o.path())
			}
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if log.Verbose() > 0 {
			log.Infof("connect to subsystem %s: %s", o.path(), errno.Text(err))
		}
		const format = "connect #%d to subsystem %s: %s"
		if count == maxConnects {
			return nil, maillog.FatalError(format, count, o.path(), errno.Text(err))
		}
		log.Warningf(format, count, o.path(), errno.Text(err))
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

// stream is one message on its way to cleanup(8).
type stream struct {
	conn    *patience.Conn
	release func() bool // keeps the end of the context from closing conn
	gate    *Gate
	pass    *pass // of the gate, once passed
	log     *maillog.Logger
	in      *attr.Reader
	out     []byte   // not sent yet; in first, or in pooled
	pooled  *[]byte  // of outPool or longOut
	first   [96]byte // holds flags and time until the client has sent something
	queueID string
	size    int   // of the buffer: bufferSize or longBuffer
	whole   bool  // the client has sent all that there will be
	err     error // the first failure to write or read, other than end of input
}

// reset makes the reader begin anew.
func (s *stream) reset(path string) {
	s.in.Reset(failureReader{s}, path+" socket")
	if s.log.Verbose() > 0 {
		s.in.Trace = s.log.Infof
	}
}

func (s *stream) QueueID() string { return s.queueID }

// WriteRecord collects records into buffers.
func (s *stream) WriteRecord(t queuefmt.RecordType, data []byte) error {
	if s.err != nil {
		return s.err
	}
	if len(s.out)+queuefmt.RecordSize(len(data)) > s.size && len(s.out) > 0 {
		if err := s.flush(); err != nil {
			return err
		}
		s.size = longBuffer
	}
	if t == queuefmt.RecMessage {
		s.whole = true
	}
	if s.pooled == nil && len(s.out)+queuefmt.RecordSize(len(data)) > len(s.first) {
		s.take()
	}
	s.out = queuefmt.AppendRecord(s.out, t, data)
	if s.log.Verbose() > 2 {
		s.log.Infof("rec_put: type %c len %d data %s", t, len(data), data[:min(len(data), 10)])
	}
	return nil
}

// take moves to a buffer for records.
func (s *stream) take() {
	pool := &outPool
	if s.size == longBuffer {
		pool = &longOut
	}
	s.pooled = pool.Get().(*[]byte)
	s.out = append((*s.pooled)[:0], s.out...)
}

// flush sends what has been collected, and gives up the buffer. From where the
// client can delay nothing any more, the gate is passed before.
func (s *stream) flush() error {
	if s.whole && s.pass == nil && s.err == nil {
		s.pass = s.gate.enter()
	}
	if s.err == nil && len(s.out) > 0 {
		_, s.err = s.conn.Write(s.out)
	}
	s.out = s.first[:0]
	if s.pooled != nil {
		pool := &outPool
		if cap(*s.pooled) == longBuffer {
			pool = &longOut
		}
		pool.Put(s.pooled)
		s.pooled = nil
	}
	return s.err
}

// Finish sends what is left and waits for the verdict. Without one the status
// is StatusWrite.
func (s *stream) Finish(ctx context.Context) (mailstream.Status, string) {
	defer s.end()
	if s.flush() != nil {
		return mailstream.StatusWrite, ""
	}
	var status uint32
	var why string
	n, warnings := s.in.Scan(attr.Uint32("status", &status), attr.String("reason", &why))
	for _, w := range warnings {
		s.log.Warningf("%s", w)
	}
	if n != 2 {
		return mailstream.StatusWrite, ""
	}
	return mailstream.Status(status), why
}

// Abort hangs up without the end record, whereupon cleanup(8) deletes the
// queue file.
func (s *stream) Abort() {
	if s.conn == nil {
		return
	}
	// Postfix too sends what it has collected. Little is left to do: that need
	// not wait its turn.
	s.whole = false
	_ = s.flush()
	s.end()
}

// Forget implements mailstream.Forgetter.
func (s *stream) Forget() { s.out = s.out[:0] }

// end closes the connection and gives the buffers back.
func (s *stream) end() {
	s.gate.leave(s.pass)
	err := s.err
	cut := !s.release()
	if e := s.conn.Close(); err == nil {
		err = e
	}
	if err != nil && !cut { // what was cut short is no news
		s.log.Warningf("mail_stream_cleanup: close error")
	}
	s.conn = nil
	s.in.Reset(nil, "")
	inPool.Put(s.in)
	s.in = nil
}

// failureReader remembers a failure to read.
type failureReader struct{ s *stream }

func (r failureReader) Read(p []byte) (int, error) {
	s := r.s
	n, err := s.conn.Read(p)
	if err != nil && err != io.EOF { // an orderly end is no failure
		s.err = err
	}
	return n, err
}
