package incoming

import (
	"unicode/utf8"

	"github.com/qmqpd/qmqpd/daemon/rfc822"
	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/queuefmt"
)

const mailerDaemon = "MAILER-DAEMON"

// envelopeSender rewrites and writes the envelope sender.
//
// Source: Postfix 3.10 cleanup_addr.c, cleanup_addr_sender.
func (s *stream) envelopeSender(raw []byte) {
	addr := s.rewriter.AppendInternal(s.sender[:0], rfc822.UntilNUL(raw))
	if s.isMailerDaemon(addr) {
		addr = addr[:0]
	}
	addr = s.mapInternal(addr, EnvelopeSender)
	s.sender, s.haveSender = addr, true
	if s.o.cfg.SMTPUTF8 && isUnicode(addr) {
		s.sendOptions |= queuefmt.SendOptSMTPUTF8Sender
		s.requestSMTPUTF8()
	}
	s.out(queuefmt.RecSender, addr)
	s.addMappedBCC(&s.o.cfg.Maps.SenderBCC, addr)
}

// isMailerDaemon tells whether addr is the one from which bounces used to
// come, which stands for the null sender.
func (s *stream) isMailerDaemon(addr []byte) bool {
	if len(addr) <= len(mailerDaemon) || !equalFoldASCII(addr[:len(mailerDaemon)], mailerDaemon) || addr[len(mailerDaemon)] != '@' {
		return false
	}
	s.address = s.rewriter.AppendInternal(s.address[:0], []byte(mailerDaemon))
	return table.Fold(string(addr), s.o.cfg.SMTPUTF8) == table.Fold(string(s.address), s.o.cfg.SMTPUTF8)
}

// envelopeRecipient rewrites and writes an envelope recipient.
//
// Source: Postfix 3.10 cleanup_addr.c, cleanup_addr_recipient.
func (s *stream) envelopeRecipient(raw []byte) {
	raw = rfc822.UntilNUL(raw)
	given := raw
	if len(given) == 0 {
		given = []byte(s.o.cfg.EmptyAddressRecipient)
	}
	addr := s.rewriter.AppendInternal(s.recipient[:0], given)
	addr = s.mapInternal(addr, EnvelopeRecipient)
	s.recipient, s.haveRcpt = addr, true
	if s.o.cfg.SMTPUTF8 && isUnicode(addr) {
		s.requestSMTPUTF8()
	}
	s.text = s.text[:0]
	if len(addr) > 0 {
		if !isASCII(addr) && s.sendOptions&queuefmt.SendOptSMTPUTF8Requested != 0 {
			s.text = append(s.text, "utf-8;"...)
		} else {
			s.text = append(s.text, "rfc822;"...)
		}
		s.text = append(s.text, addr...)
	}
	s.outRecipient(s.text, 0, raw, addr)
	s.addMappedBCC(&s.o.cfg.Maps.RecipientBCC, addr)
}

// outRecipient writes a recipient, or those that it is an alias for.
//
// Source: Postfix 3.10 cleanup_out_recipient.c, cleanup_out_recipient.
func (s *stream) outRecipient(dsnOriginal []byte, notify int, original, addr []byte) {
	if !s.o.cfg.Map || !s.o.cfg.Maps.VirtualAlias.on() {
		s.outOneRecipient(dsnOriginal, notify, original, addr)
		return
	}
	for _, a := range s.expand(addr) {
		s.outOneRecipient(dsnOriginal, notify, original, a)
	}
}

// outOneRecipient writes the records of a recipient unless it was there before:
// DSN notification and original recipient, original recipient, recipient.
func (s *stream) outOneRecipient(dsnOriginal []byte, notify int, original, addr []byte) {
	if !s.isNewRecipient(dsnOriginal, notify, original, addr) {
		return
	}
	if notify != 0 {
		s.outText(queuefmt.RecAttr, queuefmt.AttrDSNNotify, "=", string('0'+rune(notify)))
	}
	if len(dsnOriginal) > 0 {
		s.record = append(s.record[:0], queuefmt.AttrDSNOrcpt+"="...)
		s.record = append(s.record, dsnOriginal...)
		s.out(queuefmt.RecAttr, s.record)
	}
	s.out(queuefmt.RecOrigRecipient, original)
	s.out(queuefmt.RecRecipient, addr)
}

func (s *stream) isNewRecipient(dsnOriginal []byte, notify int, original, addr []byte) bool {
	key := s.record[:0]
	if s.o.cfg.EnableOriginalRecipient {
		key = append(key, dsnOriginal...)
		key = append(key, '\n', '0'+byte(notify), '\n')
		key = append(key, original...)
		key = append(key, '\n')
	}
	key = append(key, addr...)
	s.record = key
	return s.seen.add(key, s.o.cfg.SMTPUTF8, s.o.cfg.DuplicateFilterLimit)
}

// requestSMTPUTF8 asks for SMTPUTF8 delivery, if that is left to us.
func (s *stream) requestSMTPUTF8() {
	if s.o.cfg.AutoUTF8 {
		s.sendOptions |= queuefmt.SendOptSMTPUTF8Requested
	}
}

// isUnicode tells whether addr has bytes outside ASCII and is UTF-8.
func isUnicode(addr []byte) bool { return !isASCII(addr) && utf8.Valid(addr) }

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// equalFoldASCII compares b with an upper-case name.
func equalFoldASCII(b []byte, upper string) bool {
	if len(b) != len(upper) {
		return false
	}
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != upper[i] {
			return false
		}
	}
	return true
}
