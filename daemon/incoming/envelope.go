package incoming

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// Attributes that QMQP sessions do not send, but that a record stream may hold
// (Postfix mail_proto.h).
const (
	attrLogHelo        = "log_helo_name"
	attrRewriteContext = "rewrite_context"
	attrTraceFlags     = "trace_flags"
)

// envelope takes a record of the envelope.
//
// Source: Postfix 3.10 cleanup_envelope.c, cleanup_envelope_process.
func (s *stream) envelope(t queuefmt.RecordType, data []byte) {
	if !s.begun {
		// The numbers are filled in at the end.
		s.begun = true
		s.record = queuefmt.Size{}.AppendData(s.record[:0])
		s.out(queuefmt.RecSize, s.record)
	}
	if (t == queuefmt.RecRecipient || t == queuefmt.RecMessage) && !s.inRecipients && !s.beginRecipients() {
		return
	}
	switch t {
	case queuefmt.RecTime:
		s.arrivalTime(data)
	case queuefmt.RecFilter:
		s.mixed()
		s.out(t, data)
	case queuefmt.RecSender:
		s.mixed()
		if s.haveSender {
			s.log.Warningf("%s: message rejected: multiple envelope sender records", s.id)
			s.status |= mailstream.StatusBad
			return
		}
		s.envelopeSender(data)
	case queuefmt.RecVERP:
		s.mixed()
		s.verpDelimiters(data)
	case queuefmt.RecAttr:
		s.attribute(data)
	case queuefmt.RecRecipient:
		s.envelopeRecipient(data)
	case queuefmt.RecMessage:
		s.out(t, nil)
		s.inRecipients = false
		s.mime.Reset(s.o.mime, s)
		s.phase = inContent
	default:
		s.unexpected(t, "in envelope")
	}
}

// mixed notes that other records stand between recipients.
func (s *stream) mixed() {
	if s.inRecipients {
		s.qmgrFlags |= queuefmt.QMgrMixedRecipients
	}
}

// beginRecipients is called when the first recipient comes, or none.
func (s *stream) beginRecipients() bool {
	missing := ""
	switch {
	case !s.haveSender:
		missing = "sender"
	case s.arrival == 0:
		missing = "time"
	}
	if missing != "" {
		s.log.Warningf("%s: message rejected: missing %s envelope record", s.id, missing)
		s.status |= mailstream.StatusBad
		return false
	}
	if delay := int64(s.o.cfg.DelayWarningTime / time.Second); delay > 0 && len(s.sender) > 0 {
		s.record = queuefmt.AppendWarnTime(s.record[:0], s.arrival+delay)
		s.out(queuefmt.RecWarnTime, s.record)
	}
	s.inRecipients = true
	return true
}

// arrivalTime passes the first T record on, and our own time with it.
func (s *stream) arrivalTime(data []byte) {
	s.mixed()
	if s.arrival == 0 {
		seconds, _, _ := bytes.Cut(data, []byte(" "))
		s.arrival, _ = strconv.ParseInt(string(seconds), 10, 64)
		s.out(queuefmt.RecTime, data)
	}
	s.record = append(s.record[:0], queuefmt.AttrCreateTime+"="...)
	s.record = strconv.AppendInt(s.record, s.o.cfg.Now().Unix(), 10)
	s.out(queuefmt.RecAttr, s.record)
}

// verpDelimiters passes the first V record on, if it can be used.
func (s *stream) verpDelimiters(data []byte) {
	switch {
	case s.verp:
	case len(s.sender) == 0:
		s.log.Warningf("%s: ignoring VERP request for null sender", s.id)
	case !s.isVERP(data):
		s.log.Warningf("%s: ignoring bad VERP request: \"%s\"", s.id, first(data, 100))
	default:
		s.verp = true
		s.out(queuefmt.RecVERP, data)
	}
}

// isVERP tells whether data is a pair of VERP delimiters. qmqpd has looked at
// them, too, but cleanup(8) may have a filter of its own.
func (s *stream) isVERP(data []byte) bool {
	filter := s.o.cfg.VERPFilter
	return len(data) == 2 && strings.IndexByte(filter, data[0]) >= 0 && strings.IndexByte(filter, data[1]) >= 0
}

// attribute takes a named attribute.
func (s *stream) attribute(data []byte) {
	name, value, err := queuefmt.ParseAttribute(data)
	if err != nil {
		s.log.Warningf("%s: message rejected: malformed attribute: %s: %s", s.id, err, first(data, 100))
		s.status |= mailstream.StatusBad
		return
	}
	if len(value) == 0 {
		s.log.Warningf("%s: spurious null attribute value for \"%s\" -- ignored", s.id, name)
		return
	}
	s.mixed()
	switch string(name) {
	case queuefmt.AttrCreateTime:
		return // ours is the one that counts
	case queuefmt.AttrDSNOrcpt, queuefmt.AttrDSNNotify, queuefmt.AttrDSNEnvID, queuefmt.AttrDSNRet, attrTraceFlags:
		s.unexpected(queuefmt.RecAttr, "("+string(name)+") in envelope")
		return
	}
	// One more than we have: cleanup(8) starts with an origin of its own.
	known := s.knowsAttribute(name)
	used := len(s.attributes)
	if !s.knowsAttribute([]byte(queuefmt.AttrLogMessageOrigin)) {
		used++
	}
	if used >= s.o.cfg.AttributeLimit {
		s.log.Warningf("%s: message rejected: attribute count exceeds limit %d", s.id, s.o.cfg.AttributeLimit)
		s.status |= mailstream.StatusBad
		return
	}
	switch string(name) {
	case attrRewriteContext:
		if string(value) != "local" {
			s.log.Warningf("%s: message rejected: bad rewriting context: %s", s.id, first(value, 100))
			s.status |= mailstream.StatusBad
			return
		}
	case queuefmt.AttrLogMessageOrigin:
		s.origin = append(s.origin[:0], value...)
	case queuefmt.AttrLogProtocolName:
		s.protocol = append(s.protocol[:0], value...)
	case attrLogHelo:
		s.helo = append(s.helo[:0], value...)
	}
	if !known {
		s.attributes = appendCopy(s.attributes, name)
	}
	s.out(queuefmt.RecAttr, data)
}

func (s *stream) knowsAttribute(name []byte) bool {
	for _, a := range s.attributes {
		if bytes.Equal(a, name) {
			return true
		}
	}
	return false
}

// appendCopy appends a copy of b to list, in memory that list had before.
func appendCopy(list [][]byte, b []byte) [][]byte {
	if len(list) < cap(list) {
		list = list[:len(list)+1]
	} else {
		list = append(list, nil)
	}
	last := len(list) - 1
	list[last] = append(list[last][:0], b...)
	return list
}

// blanks are what isspace(3) knows in the C locale.
const blanks = " \t\n\v\f\r"

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func trimSpaceLeft(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}
