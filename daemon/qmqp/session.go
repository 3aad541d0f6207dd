package qmqp

import (
	"cmp"
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/netstring"
	"github.com/qmqpd/qmqpd/daemon/patience"
	"github.com/qmqpd/qmqpd/daemon/peer"
	"github.com/qmqpd/qmqpd/daemon/rfc822"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// Config holds what all sessions of a server share. It must not change once
// sessions run.
type Config struct {
	// Timeout bounds each single read or write on the client connection.
	// qmqpd_timeout; zero means its default, 300s.
	Timeout time.Duration
	// ErrorDelay is the pause before every reply other than K.
	// qmqpd_error_delay, default 1s. Zero means none.
	ErrorDelay time.Duration
	// SoftBounce turns every D reply into a Z. soft_bounce, default no.
	SoftBounce bool
	// MessageSizeLimit bounds the announced length of the message, in
	// bytes; zero or less means no limit. message_size_limit, default
	// 10240000.
	MessageSizeLimit int64
	// LineLengthLimit bounds the sender and each recipient, and is where
	// long lines of content are cut, in bytes. line_length_limit; zero
	// means its default, 2048.
	LineLengthLimit int
	// ContentFilter goes into the envelope unless empty. content_filter.
	ContentFilter string
	// VERPFilter lists the bytes allowed as VERP delimiters.
	// verp_delimiter_filter, default "-=+".
	VERPFilter string
	// Hostname and MailName appear in the Received header. myhostname and
	// mail_name.
	Hostname, MailName string
	// PortLogging adds the client port to log lines and to the
	// log_message_origin attribute. qmqpd_client_port_logging, default no.
	PortLogging bool
	// Storage decides where message content waits while the envelope is
	// read.
	Storage Storage
}

// What zero stands for in a Config.
const (
	defaultTimeout         = 300 * time.Second
	defaultLineLengthLimit = 2048
)

// lineLimit is LineLengthLimit or its default.
func (cfg *Config) lineLimit() int { return cmp.Or(cfg.LineLengthLimit, defaultLineLengthLimit) }

// A Session talks to one client. Exactly one of Receive, RefuseUnauthorized and
// RefuseConfiguration is called, once; then comes Close. The caller closes the
// connection afterwards.
type Session struct {
	cfg     *Config
	conn    *patience.Conn
	client  peer.Client
	nameadr string
	arrival time.Time
	log     *maillog.Logger
	*buffers

	stream  mailstream.Stream // nil until cleanup has been reached
	queueID string
	where   string
	status  mailstream.Status
	died    bool // of what the original does not survive either
	why     string
}

// buffers is the memory that a session needs and the next one can use again.
type buffers struct {
	in    *netstring.Reader
	line  []byte // an address, a header line or a reply
	first []byte // the first recipient
}

// readSize is how much is read at once, in bytes, unless more is known to come.
const readSize = 4 << 10

var bufferPool = sync.Pool{New: func() any {
	return &buffers{in: netstring.NewReader(nil, readSize)}
}}

// NewSession returns a session with the client at the other end of conn, whose
// connection was accepted at the time of arrival.
func (cfg *Config) NewSession(conn net.Conn, client peer.Client, arrival time.Time, log *maillog.Logger) *Session {
	return &Session{
		cfg:     cfg,
		conn:    patience.New(conn, cmp.Or(cfg.Timeout, defaultTimeout)),
		client:  client,
		nameadr: client.NameAddr(cfg.PortLogging),
		arrival: arrival,
		log:     log,
		where:   whereConnect,
	}
}

// acquire takes the memory that a session needs except when it waits for cleanup.
func (s *Session) acquire() {
	s.buffers = bufferPool.Get().(*buffers)
	s.in.Reset(s.conn)
}

// The states that log lines and error replies name, as in "lost connection
// while receiving sender address".
const (
	whereConnect   = "initializing client connection"
	whereHeader    = "receiving QMQP packet header"
	whereContent   = "receiving message content"
	whereSender    = "receiving sender address"
	whereRecipient = "receiving recipient address"
	whereStatus    = "sending completion status"
)

// RefuseUnauthorized tells the client that it may not use the service.
func (s *Session) RefuseUnauthorized(ctx context.Context) {
	s.acquire()
	defer s.release()
	s.finish(ctx, s.reply(ctx, Reply{hard, "Error: " + s.nameadr + " is not authorized to use this service"}, false))
}

// RefuseConfiguration tells the client that the server's access list does not
// work.
func (s *Session) RefuseConfiguration(ctx context.Context) {
	s.acquire()
	defer s.release()
	s.finish(ctx, s.reply(ctx, Reply{retry, "Error: server configuration error"}, false))
}

// Receive serves one request. Trouble with the client is logged and, where the
// protocol allows, replied to. The error is what the opener returned when it
// could not provide a stream, or a maillog.Failure: the client then has no reply.
func (s *Session) Receive(ctx context.Context, opener mailstream.Opener) error {
	// The stream comes first, so that every later log line has the queue id.
	stream, err := opener.Open(ctx, s.log)
	if err != nil {
		return err
	}
	s.acquire()
	defer s.release()
	if s.log.Verbose() > 1 {
		s.in.Trace = s.log.Infof
	}
	s.stream, s.queueID = stream, stream.QueueID()
	s.log.Infof("%s: client=%s", s.queueID, s.nameadr)

	if err := s.transact(ctx, stream); err != nil {
		var failure *maillog.Failure
		if errors.As(err, &failure) {
			s.died = true
			return err
		}
		s.finish(ctx, err)
		return nil
	}
	s.where = whereStatus
	s.finish(ctx, s.reply(ctx, statusReply(s.status, s.why, s.queueID), true))
	return nil
}

// Close gives up a message that has not come to its end. As in Postfix, this is
// the last thing: what cleanup(8) makes of it is logged after the end of the
// session. Source: qmqpd_state_free.
func (s *Session) Close() {
	if s.stream != nil {
		if f, ok := s.stream.(mailstream.Forgetter); ok && s.died {
			f.Forget() // as it would have been by the end of the original's process
		}
		s.stream.Abort()
	}
}

// transact reads the request and writes the records. The error is one of
// package netstring's: the request cannot be read on. Or it is a maillog.Failure.
func (s *Session) transact(ctx context.Context, stream mailstream.Stream) error {
	out := &recordSink{w: stream, status: &s.status}
	s.line = queuefmt.AppendTime(s.line[:0], s.arrival.Unix(), int64(s.arrival.Nanosecond()/1000))
	out.put(queuefmt.RecTime, s.line)
	if s.cfg.ContentFilter != "" {
		out.put(queuefmt.RecFilter, []byte(s.cfg.ContentFilter))
	}

	s.where = whereHeader
	// The outer length is not used: the comma after the last recipient
	// ends the request.
	if _, err := s.in.Length(); err != nil {
		return err
	}
	content := s.cfg.Storage.newContent()
	defer content.close()
	if err := s.readContent(content); err != nil {
		return err
	}
	if err := s.copySender(out); err != nil {
		return err
	}
	s.writeAttributes(out)
	recipients, err := s.copyRecipients(out)
	if err != nil {
		return err
	}
	if s.status == 0 {
		if offset := rfc822.DateOffset(s.arrival); max(offset, -offset) > rfc822.MaxDateOffset {
			return maillog.PanicError("UTC time offset %d is larger than one day", offset)
		}
		s.writeReceived(out, recipients)
		s.writeContent(out, content)
	}
	if s.status == 0 {
		out.put(queuefmt.RecExtracted, nil)
		out.put(queuefmt.RecEnd, nil)
	}
	content.close()
	if s.status == 0 {
		// Others can use the memory while cleanup makes up its mind.
		s.release()
		s.status, s.why = stream.Finish(ctx)
		s.acquire()
	} else {
		stream.Abort()
	}
	return nil
}

// finish ends the session after err, which is nil, an error of reading the
// request, or one of writing the reply.
func (s *Session) finish(ctx context.Context, err error) {
	switch {
	case err == nil:
		return
	case errors.Is(err, netstring.ErrFormat), errors.Is(err, netstring.ErrSize):
		// Where the reply cannot be written either, nothing more is said.
		_ = s.reply(ctx, Reply{hard, err.Error() + " while " + s.where}, false)
	}
	id := s.queueID // may be empty: cleanup(8) is free to choose it
	if s.stream == nil {
		id = "NOQUEUE"
	}
	s.log.Infof("%s: %s: %s while %s", id, s.nameadr, err, s.where)
}

// release gives the buffers back.
func (s *Session) release() {
	b := s.buffers
	if b == nil {
		return // after a panic in between
	}
	s.buffers = nil
	b.in.Reset(nil)
	const keep = 64 << 10
	if cap(b.line) <= keep && cap(b.first) <= keep {
		bufferPool.Put(b)
	}
}

// recordSink writes records until the first failure, which it notes as
// StatusWrite; the rest of the request is still read, but goes nowhere.
type recordSink struct {
	w      queuefmt.RecordWriter
	status *mailstream.Status
}

func (o *recordSink) put(t queuefmt.RecordType, data []byte) {
	if *o.status&mailstream.StatusWrite != 0 {
		return
	}
	if err := o.w.WriteRecord(t, data); err != nil {
		*o.status |= mailstream.StatusWrite
	}
}
