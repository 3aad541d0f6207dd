package incoming

import (
	"context"
	"errors"
	"syscall"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/mime"
	"github.com/qmqpd/qmqpd/daemon/rewrite"
	"github.com/qmqpd/qmqpd/daemon/rfc822"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/params/errno"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// phase is the part of the record stream that comes next.
type phase uint8

const (
	inEnvelope phase = iota
	inContent
	inExtracted
	complete // E was seen
)

// stream is one message on its way into the queue (Postfix cleanup_state.c).
// Streams are used again, with the memory that they have.
type stream struct {
	o    *Opener
	file *spool.File
	log  *maillog.Logger
	id   string
	ctx  context.Context // of the message, for table lookups

	phase   phase
	status  mailstream.Status
	reason  string
	discard bool // an action says to forget the message
	hold    bool // an action says to put it on hold
	filter  bool // header and body checks are still on

	begun     bool  // the size record was written
	fileError bool  // a record could not be written
	beyond    int64 // size that the file would have, once that is too much

	// The envelope.
	arrival      int64 // seconds
	sender       []byte
	haveSender   bool
	recipient    []byte // the last one, rewritten
	haveRcpt     bool
	inRecipients bool
	attributes   [][]byte // names seen
	origin       []byte   // log_message_origin
	protocol     []byte   // log_protocol_name
	helo         []byte   // log_helo_name
	verp         bool
	seen         duplicates
	qmgrFlags    int64
	sendOptions  int64

	// The content.
	mime      mime.Parser
	headers   uint64 // bit per rfc822.HeaderID seen
	hops      int
	resent    string // "" or "Resent-", for headers to be added
	messageID []byte // for the envelope
	has8Bit   bool   // announced
	// What checks ask for.
	contentFilter, redirect string
	copies                  []string // to these recipients

	// Scratch memory.
	rewriter  *rewrite.Rewriter
	addresses rfc822.AddressList
	address   []byte
	before    []byte
	after     []byte
	text      []byte
	record    []byte
	clean     []byte
}

// begin prepares s for a new message.
func (s *stream) begin(ctx context.Context, o *Opener, f *spool.File, log *maillog.Logger) {
	*s = stream{
		o: o, file: f, log: log, id: f.QueueID(), ctx: ctx,
		filter: o.cfg.Filter,

		sender: s.sender[:0], recipient: s.recipient[:0], attributes: s.attributes[:0],
		origin: append(s.origin[:0], "local"...), protocol: s.protocol[:0], helo: s.helo[:0],
		seen: s.seen, mime: s.mime, messageID: s.messageID[:0],
		rewriter: s.rewriter, addresses: s.addresses, address: s.address[:0],
		before: s.before[:0], after: s.after[:0], text: s.text[:0], record: s.record[:0],
		clean: s.clean[:0],
	}
	s.seen.reset()
}

// write takes a record. Like cleanup(8), a stream in trouble reads on, ignores
// the rest, and says at the end what is wrong.
func (s *stream) write(t queuefmt.RecordType, data []byte) {
	if !s.ok() {
		return
	}
	switch s.phase {
	case inEnvelope:
		s.envelope(t, data)
	case inContent:
		s.content(t, data)
	case inExtracted:
		s.extracted(t)
	case complete:
		s.unexpected(t, "after the end")
	}
}

// ok tells whether records are still processed (Postfix cleanup.h,
// CLEANUP_OUT_OK).
func (s *stream) ok() bool { return s.status == 0 && !s.discard }

func (s *stream) unexpected(t queuefmt.RecordType, where string) {
	s.log.Warningf("%s: message rejected: unexpected record type %d %s", s.id, t, where)
	s.status |= mailstream.StatusBad
}

// out writes one record. Text that is longer than a record may be becomes
// several.
//
// Source: Postfix 3.10 cleanup_out.c, cleanup_out.
func (s *stream) out(t queuefmt.RecordType, data []byte) {
	if !s.ok() {
		return
	}
	if t == queuefmt.RecNormal || t == queuefmt.RecContinued {
		for limit := s.o.cfg.LineLengthLimit; len(data) > limit; data = data[limit:] {
			if !s.put(queuefmt.RecContinued, data[:limit]) {
				return
			}
		}
	}
	s.put(t, data)
}

func (s *stream) put(t queuefmt.RecordType, data []byte) bool {
	if s.beyond > 0 {
		return s.putBeyond(len(data))
	}
	err := s.file.WriteRecord(t, data)
	if err == nil {
		return true
	}
	if errors.Is(err, spool.ErrTooBig) && s.o.cfg.MessageSizeLimit > 0 {
		s.beyond = s.file.Offset()
		return s.putBeyond(len(data))
	}
	s.writeError(err)
	return false
}

// putBeyond accounts for a record that the size limit keeps out of the file.
// cleanup(8) finds out only when it has filled a buffer, and processes what
// comes until then: log lines, and which fault is the first, depend on that.
func (s *stream) putBeyond(n int) bool {
	const buffer = 4096 // Postfix vstream.h, VSTREAM_BUFSIZE
	s.beyond += int64(queuefmt.RecordSize(n))
	if s.beyond <= (s.o.cfg.MessageSizeLimit/buffer+1)*buffer {
		return true
	}
	s.writeError(spool.ErrTooBig)
	return false
}

func (s *stream) writeError(err error) {
	s.fileError = true
	if errors.Is(err, syscall.EFBIG) {
		s.log.Warningf("%s: queue file size limit exceeded", s.id)
		s.status |= mailstream.StatusSize
		return
	}
	s.log.Warningf("%s: write queue file: %s", s.id, errno.Text(err))
	s.status |= mailstream.StatusWrite
}

// outText writes a record made of several pieces.
func (s *stream) outText(t queuefmt.RecordType, parts ...string) {
	s.record = s.record[:0]
	for _, p := range parts {
		s.record = append(s.record, p...)
	}
	s.out(t, s.record)
}

// finish completes the queue file, or removes it.
//
// Source: Postfix 3.10 cleanup_api.c, cleanup_flush.
func (s *stream) finish(ctx context.Context) (mailstream.Status, string) {
	if s.ok() {
		if !s.haveRcpt {
			s.status |= mailstream.StatusRecipients
		}
		if s.phase != complete {
			s.status |= mailstream.StatusBad
		}
	}
	if s.discard {
		s.status = 0
	}
	if s.ok() && s.beyond > 0 {
		s.writeError(spool.ErrTooBig)
	}
	if s.ok() {
		s.commit(ctx)
	} else {
		s.remove()
	}
	return s.status, s.reason
}

// commit makes the file final.
func (s *stream) commit(ctx context.Context) {
	size := s.file.Measure()
	size.QMgrFlags, size.SendOptions = s.qmgrFlags, s.sendOptions
	if err := s.file.SetSize(size); err != nil {
		s.writeError(err)
		s.remove()
		return
	}
	if s.hold {
		s.file.Hold()
	}
	if err := s.file.Commit(ctx); err != nil {
		// cleanup(8) says here only that the file is gone, not why.
		s.writeError(err)
		s.logRemoved()
	}
}

// remove takes the file out of the queue.
func (s *stream) remove() {
	if s.fileError || s.beyond > 0 {
		s.log.Warningf("mail_stream_cleanup: close error")
	}
	if err := s.file.Discard(); err != nil {
		s.log.Warningf("remove %s: %s", s.id, errno.Text(err))
	}
	s.logRemoved()
}

func (s *stream) logRemoved() {
	if s.status != 0 {
		s.log.Infof("%s: removed (canceled)", s.id)
	} else {
		s.log.Infof("%s: removed (discarded)", s.id)
	}
}

// abort removes the file of a client that went away.
func (s *stream) abort() {
	s.status |= mailstream.StatusBad
	s.remove()
}
