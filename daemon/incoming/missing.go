package incoming

import (
	"time"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/rfc822"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// EndOfHeaders adds the headers that a message must have; it is called by the
// MIME parser.
//
// Source: Postfix 3.10 cleanup_message.c, cleanup_header_done_callback.
func (s *stream) EndOfHeaders() {
	if !s.ok() {
		return
	}
	if s.hops < 1 {
		s.log.Warningf("%s: message rejected: no Received: header", s.id)
		s.status |= mailstream.StatusBad
		return
	}
	if !s.hasHeader(rfc822.MessageID, rfc822.ResentMessageID) {
		s.addMessageID()
	}
	if s.headers&(1<<rfc822.MessageID) == 0 {
		s.log.Infof("%s: message-id=<>", s.id)
	}
	if !s.hasHeader(rfc822.Date, rfc822.ResentDate) {
		s.text = append(append(s.text[:0], s.resent...), "Date: "...)
		s.text = rfc822.AppendDate(s.text, time.Unix(s.arrival, 0).In(s.o.cfg.Location))
		s.outHeader(s.text)
	}
	if !s.hasHeader(rfc822.From, rfc822.ResentFrom) {
		sender := s.sender
		if len(sender) == 0 {
			sender = []byte(mailerDaemon)
		}
		s.text = append(append(s.text[:0], s.resent...), "From: "...)
		s.text = rfc822.AppendQuoted(s.text, sender)
		s.outFolded(s.text)
	}
	s.addUndisclosed()
}

// hasHeader tells whether the header was seen that counts: that of the
// resender if there is a resender.
func (s *stream) hasHeader(plain, resent rfc822.HeaderID) bool {
	if s.resent != "" {
		plain = resent
	}
	return s.headers&(1<<plain) != 0
}

// addMessageID adds a Message-Id made of the queue id, which is unique within
// a second only unless it is a long one.
func (s *stream) addMessageID() {
	id := s.address[:0]
	id = append(id, '<')
	if !s.o.cfg.LongIDs {
		id = s.file.Created().UTC().AppendFormat(id, "20060102150405")
		id = append(id, '.')
	}
	id = append(id, s.id...)
	id = append(id, '@')
	id = append(id, s.o.cfg.Hostname...)
	id = append(id, '>')
	s.address = id

	s.text = append(append(s.text[:0], s.resent...), "Message-Id: "...)
	s.text = append(s.text, id...)
	s.outHeader(s.text)
	if s.resent != "" {
		s.log.Infof("%s: resent-message-id=%s", s.id, id)
		s.headers |= 1 << rfc822.ResentMessageID
		return
	}
	s.log.Infof("%s: message-id=%s", s.id, id)
	s.headers |= 1 << rfc822.MessageID
	if len(s.messageID) == 0 {
		s.messageID = append(s.messageID, id...)
	}
}

// addUndisclosed adds the header for a message that names no recipient.
func (s *stream) addUndisclosed() {
	const visible = 1<<rfc822.To | 1<<rfc822.ResentTo | 1<<rfc822.Cc | 1<<rfc822.ResentCc
	header := s.o.cfg.UndisclosedRecipients
	if header == "" || s.headers&visible != 0 {
		return
	}
	if rfc822.HeaderNameLen([]byte(header)) == 0 {
		s.log.Warningf("bad undisclosed_recipients_header header text \"%s\" -- need \"headername: headervalue\"", header)
		return
	}
	s.outText(queuefmt.RecNormal, header)
}
