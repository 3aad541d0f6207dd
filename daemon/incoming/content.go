package incoming

import (
	"bytes"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/mime"
	"github.com/qmqpd/qmqpd/daemon/rfc822"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// content takes a record of the message's content.
//
// Source: Postfix 3.10 cleanup_message.c, cleanup_message_headerbody.
func (s *stream) content(t queuefmt.RecordType, data []byte) {
	switch t {
	case queuefmt.RecNormal, queuefmt.RecContinued:
		data, ok := s.cleanText(data)
		if ok {
			s.mime.Write(t, data)
		}
	case queuefmt.RecExtracted:
		s.endContent()
	default:
		s.log.Warningf("cleanup_message_headerbody: message rejected: unexpected record type %d in message content", t)
		s.status |= mailstream.StatusBad
	}
}

// cleanText deals with bytes that must not be in a message. It returns false
// if that made the message be refused.
func (s *stream) cleanText(data []byte) ([]byte, bool) {
	cfg := &s.o.cfg
	if cfg.ReplaceStrayCRLF && (bytes.IndexByte(data, '\r') >= 0 || bytes.IndexByte(data, '\n') >= 0) {
		s.clean = append(s.clean[:0], data...)
		data = s.clean
		for i, c := range data {
			if c == '\r' || c == '\n' {
				data[i] = ' '
			}
		}
	}
	if !s.filter {
		return data, true
	}
	for _, c := range cfg.RejectCharacters {
		if bytes.IndexByte(data, c) >= 0 {
			s.reject(anywhere, data, "disallowed character")
			return nil, false
		}
	}
	if len(cfg.StripCharacters) > 0 {
		s.clean = strip(s.clean[:0], data, cfg.StripCharacters)
		data = s.clean
	}
	return data, true
}

// strip appends data without the bytes in set. dst may share memory with data.
func strip(dst, data, set []byte) []byte {
	for _, c := range data {
		if bytes.IndexByte(set, c) < 0 {
			dst = append(dst, c)
		}
	}
	return dst
}

// endContent is called for the record that ends the content.
func (s *stream) endContent() {
	faults := s.mime.End()
	if faults != 0 && s.reason == "" {
		s.status |= mailstream.StatusContent
		s.reason = "5.6.0 " + faults.Text()
	}
	s.phase = inExtracted
}

// Body writes a record of a body; it is called by the MIME parser.
//
// Source: Postfix 3.10 cleanup_message.c, cleanup_body_callback.
func (s *stream) Body(t queuefmt.RecordType, data []byte, offset int64) {
	if m := &s.o.cfg.Maps; m.BodyChecks.on() && s.filter && s.ok() &&
		(m.BodyChecksLimit == 0 || offset < m.BodyChecksLimit) {
		var keep bool
		if data, keep = s.check(&m.BodyChecks, inBody, data); !keep {
			return
		}
	}
	s.out(t, data)
}

// Fault logs what is wrong with the message's structure; it is called by the
// MIME parser.
//
// Source: Postfix 3.10 cleanup_message.c, cleanup_mime_error_callback.
func (s *stream) Fault(f mime.Fault, text []byte) {
	recipient := "unknown"
	if s.haveRcpt {
		recipient = s.logAddress(s.recipient)
	}
	s.log.Infof("%s: reject: mime-error %s: %s from %s; from=<%s> to=<%s>",
		s.id, f.Text(), rfc822.UntilNUL(first(text, 100)), s.origin, s.logAddress(s.sender), recipient)
}
