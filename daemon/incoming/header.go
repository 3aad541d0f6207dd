package incoming

import (
	"bytes"
	"unicode/utf8"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/mime"
	"github.com/qmqpd/qmqpd/daemon/rfc822"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// Header processes a complete header; it is called by the MIME parser.
//
// Source: Postfix 3.10 cleanup_message.c, cleanup_header_callback.
func (s *stream) Header(section mime.Section, known *rfc822.Header, text []byte) {
	if known != nil && known.Flags&rfc822.MIMEStructHeader != 0 {
		section = mime.Multipart
	}
	// Counted in every section, checked in the first.
	if known != nil && known.ID == rfc822.Received {
		s.hops++
	}
	if checks := s.headerChecks(section); checks.on() && s.filter {
		checked, keep := s.check(checks, inHeader, text)
		if !keep {
			return
		}
		if len(checked) == 0 || len(text) == 0 || &checked[0] != &text[0] {
			text, known = checked, s.o.headers.Find(checked)
		}
	}
	if known == nil {
		s.outHeader(text)
		return
	}
	value := trimSpaceLeft(known.Value(text))
	if known.ID == rfc822.ContentTransferEncoding && s.o.cfg.DetectEncoding &&
		(equalFoldASCII(value, "8BIT") || equalFoldASCII(value, "BINARY")) {
		s.has8Bit = true
	}
	if section != mime.Primary {
		s.outHeader(text)
		return
	}
	s.headers |= 1 << known.ID
	switch known.ID {
	case rfc822.MessageID:
		s.log.Infof("%s: message-id=%s", s.id, value)
		if len(s.messageID) == 0 {
			s.messageID = s.appendPrintable(s.messageID, value[:angleLen(value)], ' ')
		}
	case rfc822.ResentMessageID:
		s.log.Infof("%s: resent-message-id=%s", s.id, value)
	case rfc822.Received:
		if s.hops >= s.o.cfg.HopcountLimit {
			s.log.Warningf("%s: message rejected: hopcount exceeded", s.id)
			s.status |= mailstream.StatusHops
		}
	case rfc822.TLSRequired:
		s.tlsRequired(value, text)
	}
	if !s.ok() {
		return
	}
	if known.Flags&rfc822.ResentHeader != 0 {
		s.resent = "Resent-"
	}
	if known.Flags&(rfc822.SenderHeader|rfc822.RecipientHeader) != 0 {
		s.addressHeader(known, text)
	} else if known.Flags&rfc822.DropHeader == 0 {
		s.outHeader(text)
	}
}

// tlsRequired obeys "TLS-Required: no".
func (s *stream) tlsRequired(value, text []byte) {
	if !s.o.cfg.TLSRequired {
		return
	}
	if equalFoldASCII(value, "NO") {
		s.sendOptions |= queuefmt.SendOptTLSRequiredNo
	} else {
		s.log.Warningf("ignoring malformed header: '%s'", first(text, 100))
	}
}

// addressHeader rewrites the addresses of a header. Only if that changes one
// is the header put together anew.
//
// Source: Postfix 3.10 cleanup_message.c, cleanup_rewrite_sender and
// cleanup_rewrite_recip.
func (s *stream) addressHeader(known *rfc822.Header, text []byte) {
	s.addresses.Parse(known.Value(text), s.o.cfg.HeaderTokenLimit)
	class := HeaderSender
	if known.Flags&rfc822.SenderHeader == 0 {
		class = HeaderRecipient
	}
	changed := false
	for i := range s.addresses.Len() {
		s.before = s.addresses.AppendAddress(s.before[:0], i)
		s.after = s.rewriter.Append(s.after[:0], s.before)
		if !bytes.Equal(s.before, s.after) {
			changed = true
		}
		s.addresses.Set(i, s.after)
		if s.mapHeader(i, class) {
			changed = true
		}
	}
	dropped := known.Flags&rfc822.DropHeader != 0
	if changed {
		// For a header that is dropped, too: it may be worth a warning.
		s.text = append(s.text[:0], text[:len(known.Name)]...)
		s.text = append(s.text, ": "...)
		s.text = s.addresses.Append(s.text, s.logStripped)
		if !dropped {
			s.outFolded(s.text)
		}
	} else if !dropped {
		s.outHeader(text)
	}
}

func (s *stream) logStripped(element []byte) {
	s.log.Warningf("stripping too many comments from address: %s...", first(s.appendPrintable(nil, element, '?'), 100))
}

// outFolded writes a header whose addresses stand on lines of their own. It
// puts as many of them on one line as fit.
//
// Source: Postfix 3.10 cleanup_message.c, cleanup_fold_header.
func (s *stream) outFolded(text []byte) {
	const width = 70 // with the tab in front of the line not counted
	lineStart := 0
	for start := 0; ; {
		end := len(text)
		if i := bytes.IndexByte(text[start:], '\n'); i >= 0 {
			end = start + i
		}
		if start > 0 {
			if end-lineStart < width {
				text[start-1] = ' '
			} else {
				lineStart = start
			}
		}
		if end == len(text) {
			break
		}
		start = end + 1
	}
	s.outHeader(text)
}

// outHeader writes a header, a record or more for each of its lines. Lines
// after the first that do not begin with white space get a tab. A header that
// is too long ends at the last line end before the limit, unless that would
// take away more than a tenth of it; then it ends at the limit.
//
// Source: Postfix 3.10 cleanup_out.c, cleanup_out_header.
func (s *stream) outHeader(text []byte) {
	if s.o.cfg.SMTPUTF8 && !isASCII(text) {
		s.sendOptions |= queuefmt.SendOptSMTPUTF8Header
		s.requestSMTPUTF8()
	}
	limit := s.o.cfg.HeaderSizeLimit
	for start := 0; ; {
		end := len(text)
		if i := bytes.IndexByte(text[start:], '\n'); i >= 0 {
			end = start + i
		}
		last := end == len(text)
		if end > limit {
			if 10*start > 9*limit {
				return
			}
			end, last = limit, true
		}
		line := text[start:end]
		if start > 0 && (len(line) == 0 || line[0] != ' ' && line[0] != '\t') {
			s.record = append(s.record[:0], '\t')
			s.record = append(s.record, line...)
			line = s.record
		}
		s.out(queuefmt.RecNormal, line)
		if last {
			return
		}
		start = end + 1
	}
}

// angleLen returns the length of the <...> that text starts with, or 0.
//
// Source: Postfix 3.10 balpar.c, balpar.
func angleLen(text []byte) int {
	level := 0
	for i, c := range text {
		switch {
		case c == '<':
			level++
		case i == 0:
			return 0
		case c == '>':
			if level--; level == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// appendPrintable appends text with replacement in the place of each byte
// that is not printable ASCII or, with smtputf8_enable, part of a UTF-8
// character.
//
// Source: Postfix 3.10 printable.c, printable.
func (s *stream) appendPrintable(dst, text []byte, replacement byte) []byte {
	for i := 0; i < len(text); {
		n := 1
		if text[i] >= 0x80 && s.o.cfg.SMTPUTF8 {
			if r, size := utf8.DecodeRune(text[i:]); r != utf8.RuneError || size > 1 {
				n = size
			}
		}
		if n == 1 && (text[i] < ' ' || text[i] > '~') {
			dst = append(dst, replacement)
		} else {
			dst = append(dst, text[i:i+n]...)
		}
		i += n
	}
	return dst
}

// first returns the first n bytes of text, or all of it. (Precision in fmt
// counts characters; in C it counts bytes.)
func first(text []byte, n int) []byte { return text[:min(len(text), n)] }

// logAddress formats an address for a log line.
//
// Source: Postfix 3.10 info_log_addr_form.c.
func (s *stream) logAddress(addr []byte) string {
	if len(addr) == 0 || s.o.cfg.LogInternalAddresses {
		return string(addr)
	}
	return string(rfc822.AppendQuoted(nil, addr))
}
